"""What each action asks of AWS: how many calls, how many of them one after the other, and how long it takes.

AWS is moto in this process, with 20 ms added to each call. A member's server lives its life from create to
destroy several times over; clients and modules are loaded in a first life that is not counted.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from unittest import mock

from moto import mock_aws
from moto.moto_api import state_manager

from bench.report import progress
from handler.app import lambda_handler
from tests import world
from tests.aws_calls import AWS
from tests.chains import longest_chain
from tests.world import sample

LIVES = 5
ADDED_SECONDS = 0.02
# Members' servers do not answer here, and at once: of a name that nobody knows this may take seconds to find out.
_NO_SERVER = {"SERVERS_URL": "http://127.0.0.1:1"}


@dataclass(frozen=True)
class Asked:
    """What one event made the function ask of AWS, and how long it took in seconds."""

    calls: int
    chain: int
    seconds: float


@dataclass
class Life:
    """One server from nothing to gone; `steps` holds what was asked of AWS at each step."""

    ecs: world.Ecs
    steps: dict[str, Asked] = field(default_factory=dict)

    def live(self) -> None:
        """Go through all steps."""
        self._step("create-instance", sample("create-instance"))
        self._step("status, at rest", sample("status"))
        self._step("start-instance", sample("start-instance"))
        task = self.ecs.only_task()
        self._step("status, passing", sample("status"))
        self._step("event: task RUNNING", self.ecs.up(task))
        self._step("stop-instance", sample("stop-instance"))
        self._step("finish-stop", AWS.queue.pop())
        self._step("event: task STOPPED", self.ecs.ended(task))
        self._step("update-version", sample("update-version"))
        self._step("list-all", sample("list-all", userId="admin"))
        self._step("health-check", sample("health-check"))
        self._step("auto-shutdown-check, nothing due", sample("auto-shutdown-check"))
        self._step("destroy-instance", sample("destroy-instance"))
        self._step("event: purge task STOPPED", self.ecs.ended(self.ecs.only_task(), exit_code=0))

    def _step(self, name: str, event: dict[str, Any]) -> None:
        self.steps[name] = ask(event)


def quietly(event: dict[str, Any]) -> dict[str, Any]:
    """The function's answer, without its log; it must succeed."""
    with redirect_stdout(io.StringIO()):
        answer = lambda_handler(event, world.Context())
    assert answer["success"], answer
    return answer


def ask(event: dict[str, Any]) -> Asked:
    """What an event makes the function ask of AWS."""
    return asked_by(lambda: quietly(event))


def asked_by(work: Callable[[], object]) -> Asked:
    """What `work` makes the function ask of AWS."""
    AWS.begin()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    AWS.end()
    return Asked(len(AWS.calls), len(longest_chain(AWS.spans)), took)


def measure(lives: int = LIVES) -> dict[str, Asked]:
    """The medians over several lives, by step."""
    with emulated(ADDED_SECONDS) as environment:
        lived = []
        for number in range(lives + 1):
            progress(f"Calls to AWS: life {number} of {lives} ..." if number else "Warming up ...")
            life = Life(world.Ecs(world.cluster(environment), deliver=print))
            life.live()
            lived.append(life.steps)
    counted = lived[1:]
    return {name: medians([steps[name] for steps in counted]) for name in counted[0]}


def medians(asked: list[Asked]) -> Asked:
    return Asked(
        calls=round(median(each.calls for each in asked)),
        chain=round(median(each.chain for each in asked)),
        seconds=median(each.seconds for each in asked),
    )


@contextmanager
def emulated(added_seconds: float) -> Iterator[dict[str, str]]:
    """The AWS that the tests have too, each call that much slower; yields the function's environment."""
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": world.REGION}), mock_aws():
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        environment = world.build()
        os.environ.update(environment | _NO_SERVER)
        world.new_process()
        AWS.wait_seconds = added_seconds
        yield environment
        AWS.wait_seconds = 0
