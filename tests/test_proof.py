"""The figures of the proofs, wherever and in whatever order their tests ran."""

from __future__ import annotations

import pickle

import pytest

from tests import proof
from tests.proof import Figures


@pytest.fixture
def notes():
    """What a test notes; none of it is left for this one's own report."""
    assert not proof.taken()
    yield proof
    proof.taken()


def test_what_a_test_noted_can_be_sent_and_is_sent_once(notes):
    notes.record("Many at once", "50 starts: one task", cases=50)
    notes.count("Any story", {"stories": 100, "steps": 5000}, cases=100)

    sent = pickle.loads(pickle.dumps(proof.taken()))  # noqa: S301 - our own

    assert [note["section"] for note in sent] == ["Many at once", "Any story"]
    assert not proof.taken()


def test_lines_come_in_the_order_of_their_tests_whichever_ended_first():
    figures = Figures()
    for place, line in ((7, "the last"), (2, "the first"), (2, "the second")):
        figures.add({"section": "s", "line": line, "cases": 5}, place)

    assert figures.shown() == ["the first", "the second", "the last"]
    assert figures.cases == 15


def test_the_parts_of_one_proof_are_added_up():
    figures = Figures()
    for _ in range(20):
        figures.add({"section": "s", "sums": {"stories": 100, "steps": 5000}, "cases": 100}, 0)

    assert figures.shown() == ["2,000 stories", "100,000 steps"]
    assert figures.cases == 2000
