"""Who pauses for longer than its hold lasts, and goes on when somebody else has taken over, does no more harm.

The function cannot (Lambda ends it after 300 s); the server of `python -m handler.server` can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.model import emulated, invariants
from tests.model.interrupting import CALLS, Interruption
from tests.model.invariants import Seen
from tests.model.simulation import Event, Simulation, simulation
from tests.world import sample

PAUSE_SECONDS = 302
USER = "dora"
CREATE = sample("create-instance", userId=USER, username=USER)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Simulation]:
    with simulation() as made:
        yield made


def asked(name: str) -> Event:
    return CREATE if name == "create-instance" else {"action": name, "userId": USER}


def begin(on: Simulation, name: str) -> None:
    """What has to be there before the request."""
    on.begin()
    before = ["create-instance", "start-instance", "destroy-instance"]
    for earlier in before[: before.index(name)]:
        answer = on.call(asked(earlier))
        assert answer
        assert answer["success"]
    for task in on.moving():
        on.moves(task)
    on.deliver_all()


def calls_of(on: Simulation, name: str) -> int:
    begin(on, name)
    before = CALLS.count
    on.call(asked(name))
    return CALLS.count - before


def key_is_in_force() -> bool:
    """Whether the access key in each instance's secret is one that its user has."""
    stored = [json.loads(text) for text in emulated.instance_secrets()]
    configs = [json.loads(values["awsConfig"]) for values in stored if "awsConfig" in values]
    keys = {config["credentials"]["secretAccessKey"] for config in configs}
    return keys <= emulated.access_keys()


@pytest.mark.parametrize("name", ["create-instance", "start-instance", "destroy-instance"])
def test_who_outlives_its_hold_undoes_nothing_that_another_did_since(name, prepared):
    for place in range(calls_of(prepared, name)):
        begin(prepared, name)

        def another_takes_over() -> None:
            prepared.clock.tick(PAUSE_SECONDS)
            prepared.call(asked(name))

        prepared.call(asked(name), Interruption(place, act=another_takes_over))
        assert key_is_in_force(), f"call {place}"
        seen = Seen(prepared.now, prepared.lives)
        invariants.one_of_each(seen)
        invariants.one_writer(seen)
        prepared.an_hour_of_health()
        invariants.nothing_is_stuck(Seen(prepared.now, prepared.lives))
        prepared.run_until_quiescent()
        invariants.all_is_over(Seen(prepared.now, prepared.lives))
