"""Many guesses at a client's secret at the same moment are no more than one after the other."""

from __future__ import annotations

from functools import partial

import pytest

from tests import proof
from tests.embedded.at_once import at_once, refused
from tests.embedded.test_at_once import Invoke, several
from tests.world import sample

pytestmark = pytest.mark.embedded


@several(24, 60)
def test_of_many_guesses_at_once_from_an_address_ten_are_looked_at(
    callers: int, invoke: Invoke
) -> None:
    assert invoke(sample("client-create", userId="admin"))["success"]
    guess = sample("client-token", clientSecret="wrong", callerAddress="198.51.100.1")
    answers = at_once([partial(invoke, guess)] * callers)

    assert len(refused(answers)) == callers
    codes = [answer["errorCode"] for answer in answers]
    assert codes.count("UNAUTHENTICATED") <= 30
    assert set(codes) <= {"UNAUTHENTICATED", "RATE_LIMITED", "TIMEOUT_ERROR"}
    proof.record("Guesses", f"{callers} guesses of a client's secret: ten count", cases=callers)
