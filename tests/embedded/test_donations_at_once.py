"""One donation told many times at the same moment is one donation."""

from __future__ import annotations

from functools import partial

import pytest

from tests import proof, world
from tests.embedded.at_once import at_once, granted
from tests.embedded.test_at_once import Invoke, several
from tests.kofi.webhooks import DONOR, donations, payload
from tests.recount import disagreements

pytestmark = pytest.mark.embedded

SECTION = "Donations"


@several(10, 50)
def test_of_many_deliveries_of_one_donation_one_counts(callers: int, invoke: Invoke) -> None:
    body = payload(discord_userid=DONOR, amount="3.00")
    answers = at_once([partial(invoke, "kofi-webhook", body=body)] * callers)

    assert len(granted(answers)) == callers
    assert sum(answer["donationProcessed"] for answer in answers) == 1
    assert len(donations()) == 1
    assert invoke("get-user-costs", userId=DONOR)["donations"] == 3.0
    assert disagreements(world.items) == {}
    proof.record(SECTION, f"{callers} deliveries of one donation: one counts", cases=callers)


@several(10, 50)
def test_different_donations_at_once_all_count(callers: int, invoke: Invoke) -> None:
    calls = [
        partial(invoke, "kofi-webhook", body=payload(number, discord_userid=DONOR))
        for number in range(callers)
    ]
    answers = at_once(calls)

    assert sum(answer["donationProcessed"] for answer in granted(answers)) == callers
    assert invoke("get-user-costs", userId=DONOR)["donations"] == 3.0 * callers
    assert disagreements(world.items) == {}
    proof.record(SECTION, f"{callers} donations of one member: all count", cases=callers)
