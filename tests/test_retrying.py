"""Deciding anew when somebody else was quicker (actions/retrying.py)."""

from __future__ import annotations

import pytest

from actions.errors import Contended
from actions.retrying import retry_on_conflict
from services.dynamodb import ConditionFailed


def test_a_decision_is_made_anew_until_nobody_was_quicker():
    quicker = [ConditionFailed(frozenset({0})), ConditionFailed(frozenset({0}))]

    def attempt():
        if quicker:
            raise quicker.pop()
        return "decided"

    assert retry_on_conflict(attempt) == "decided"


def test_whose_turn_never_comes_is_told_to_try_again(freezer):
    def attempt():
        freezer.tick(13)
        raise ConditionFailed(frozenset({0}))

    with pytest.raises(Contended, match="Nothing was changed"):
        retry_on_conflict(attempt)
