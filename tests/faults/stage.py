"""The function among those who call it: members, the schedule, Lambda's queue, ECS and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
import urllib3
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from moto.ecs.models import ecs_backends

from handler import app
from tests import world
from tests.aws_calls import AWS, DIES_AFTER, Call, ProcessDied
from tests.fargate import CLUSTER, Fargate
from tests.faults.copies import in_a_copy
from tests.file_tasks import Files, access_point, is_file_task
from tests.foundry_server import without_connection
from tests.lagging.lag import LAG
from tests.model import emulated
from tests.world import sample

R = TypeVar("R")
Event = dict[str, Any]
Answer = dict[str, Any]

TICK_SECONDS = 300
HOLD_SECONDS = 301  # by then a dead process's hold on its work has run out
CRASHING = "crashing:latest"  # an image whose containers end as soon as they run
_CRASHES, _PATIENCE_SECONDS = 6, 900  # ECS starts what crashes again and again less and less often
FILES = Files()  # of the members' servers: each copy of the stage has its own


@dataclass
class Stage:
    """Plays whole stories: what follows from a request, with time moving as it would."""

    ecs: world.Ecs
    clock: FrozenDateTimeFactory = field(init=False)
    pending: list[Event] = field(default_factory=list)  # on the way to the function
    late: list[tuple[float, Event]] = field(default_factory=list)  # and when they arrive
    failed: list[Event] = field(default_factory=list)  # arrived, but not carried out
    fargate: Fargate = field(init=False)
    crashes: list[float] = field(default_factory=list)  # when those of CRASHING were

    def __post_init__(self) -> None:
        """ECS tells of functions' tasks in the same way."""
        self.fargate = Fargate(CLUSTER, self._tells)

    def __str__(self) -> str:
        return "a copy of the stage"

    @contextmanager
    def still(self) -> Iterator[Stage]:
        """Time stands still inside, until the story moves it."""
        with freeze_time() as clock, pytest.MonkeyPatch.context() as patch:
            assert isinstance(clock, FrozenDateTimeFactory)
            patch.setattr("time.sleep", clock.tick)  # whoever waits lets the frozen time pass
            patch.setattr(urllib3.HTTPConnectionPool, "urlopen", without_connection({}))
            self.clock = clock
            yield self

    def copy(self, work: Callable[[Stage], R]) -> R:
        """What `work` returns on a copy of this stage, where time stands still; this one stays as it is."""

        def on_copy(stage: Stage) -> R:
            with stage.still():
                return work(stage)

        return in_a_copy(on_copy, self)

    def call(self, event: Event) -> Answer | None:
        """The function's answer; None if it raised or its process died."""
        try:
            with AWS.one_life(), LAG.one_invocation():
                answer = app.lambda_handler(event, world.Context())
        except (app.RetryLater, ProcessDied):
            answer = None
        if AWS.died:
            world.new_process()
            answer = None
        self.pending += AWS.queue
        AWS.queue.clear()
        self._as_ecs_would()
        return answer

    @contextmanager
    def dying(self, call: str) -> Iterator[None]:
        """The process inside dies once its first such call has had its effect."""
        AWS.prepare((Call(call, 0), DIES_AFTER))
        yield
        assert AWS.fault_happened
        self.pending.clear()

    def asks(self, name: str, /, **changes: Any) -> None:
        """Ask for something that must succeed."""
        answer = self.call(sample(name, **changes))
        assert succeeded(answer), answer

    def does(self, name: str, /, **changes: Any) -> None:
        """Ask for something that must succeed, and see all that follows from it."""
        self.asks(name, **changes)
        self.go_on()
        assert not self.failed

    def go_on(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Let ECS carry on and deliver what is on its way, until nothing moves or `stop` says so."""
        while not stop() and (self.pending or self.ecs_moves()):
            if not self.pending:
                continue  # what ECS had to tell is late, or lost
            event = self.pending.pop(0)
            if not succeeded(self.call(event)):
                self.failed.append(event)

    def silently(self) -> None:
        """Let ECS carry on once; nothing of it, nor of what is on its way, reaches the function."""
        self.ecs_moves()
        self.pending.clear()

    def ecs_moves(self) -> bool:
        """Tasks come up, end when asked to, purge tasks by themselves; whether any did."""
        moving = self.moving()
        for task in moving:
            self._tells(self._moved(task))
        return self._functions_move() or bool(moving)

    def _functions_move(self) -> bool:
        """A round of ECS's scheduler; invocations end, and what crashes does."""
        fargate, moved = self.fargate, False
        for part in (
            self._invocations_end,
            fargate.start_tasks,
            self._functions_come_up,
            fargate.stop_tasks,
            self._functions_go_down,
            fargate.deactivate,
        ):
            if part():
                moved = True
                self.clock.tick(20)
        return moved

    def _invocations_end(self) -> bool:
        """Of itself, with success, unless it was asked to."""
        running = [t for t in functions_tasks("RUNNING") if t.desired_status == "RUNNING"]
        done = [task.task_arn for task in running if not task.group.startswith("service:")]
        for arn in done:
            self.fargate.exit(arn)
        return bool(done)

    def _functions_come_up(self) -> bool:
        """And write a line."""
        coming = [arn for arn in self.fargate.coming() if not self._is_put_off(arn)]
        for arn in coming:
            self.fargate.come_up(arn)
            self.fargate.log(arn, "hello")
            if _image(arn) == CRASHING:
                self.clock.tick(20)
                self.fargate.crash(arn)
                self.crashes.append(time.time())
        return bool(coming)

    def _is_put_off(self, arn: str) -> bool:
        late = [crash for crash in self.crashes if crash > time.time() - _PATIENCE_SECONDS]
        return _image(arn) == CRASHING and len(late) >= _CRASHES

    def _functions_go_down(self) -> bool:
        going = self.fargate.going()
        for arn in going:
            self.fargate.go_down(arn)
        return bool(going)

    def functions_are_settled(self) -> bool:
        """Whether ECS has nothing to do for functions: what is wanted runs, what is deleted is gone."""
        shown = [self.fargate.service(s.name) for s in emulated.services()]
        alone = [t for t in functions_tasks() if not t.group.startswith("service:")]
        return not alone and all(map(_is_settled, shown))

    def _tells(self, event: Event) -> None:
        """ECS's event is on its way, as fast as it may be."""
        for at in LAG.arrivals(now := int(time.time())):
            if at <= now:
                self.pending.append(event)
            else:
                self.late.append((at, event))

    def moving(self) -> list[Any]:
        """The tasks with which something is going to happen."""
        return [task for task in self.alive() if task.last_status != "RUNNING"]

    def tick(self) -> None:
        """Five minutes pass and the schedule calls."""
        self.passes(TICK_SECONDS)
        self.asks("auto-shutdown-check")

    def passes(self, seconds: int) -> None:
        """Time passes; what was late may be on the point of arriving."""
        self.clock.tick(seconds)
        self.pending += [event for at, event in self.late if at <= time.time()]
        self.late = [(at, event) for at, event in self.late if at > time.time()]

    def tasks(self) -> list[Any]:
        """All tasks there ever were, as the emulator has them."""
        return list(ecs_backends[world.ACCOUNT][world.REGION].tasks.get(world.STACK, {}).values())

    def alive(self) -> list[Any]:
        """The tasks that have not stopped."""
        return [task for task in self.tasks() if task.last_status != "STOPPED"]

    def _moved(self, task: Any) -> Event:
        self.clock.tick(30)
        if task.desired_status == "STOPPED":
            return self.ecs.ended(task.task_arn, reason=task.stopped_reason)
        event = self.ecs.up(task.task_arn)
        if is_purge(task) or is_file_task(task.task_arn):
            self.clock.tick(30)
            return self._done(task)
        FILES.played(access_point(task))
        return event

    def _done(self, task: Any) -> Event:
        """What the task was made for is done, and it ends of itself."""
        if not is_purge(task):
            FILES.carry_out(task.task_arn)
        return self.ecs.ended(task.task_arn, reason="Essential container in task exited")

    def _as_ecs_would(self) -> None:
        """The emulator lets a task stop at once; ECS takes its time."""
        for task in self.tasks():
            if not hasattr(task, "created_at"):
                task.created_at = datetime.now(UTC)
            elif task.desired_status == "STOPPED" and not hasattr(task, "stopped_at"):
                task.last_status = "DEACTIVATING"
        assert len(self.alive()) <= 1, "two tasks on one data directory"


def is_purge(task: Any) -> bool:
    """Whether the task erases an instance's files."""
    return f"/{world.STACK}_purge:" in task.task_definition_arn


def functions_tasks(status: str = "") -> list[Any]:
    """The tasks of functions that are not STOPPED, or have that status."""
    return [
        task
        for task in emulated.tasks(CLUSTER)
        if task.last_status == (status or task.last_status) != "STOPPED"
    ]


def _image(arn: str) -> str:
    (task,) = (task for task in emulated.tasks(CLUSTER) if task.task_arn == arn)
    return str(task.containers[0].image)


def _is_settled(service: Answer) -> bool:
    if service["status"] != "ACTIVE":
        return bool(service["status"] == "INACTIVE")
    wanted = (service["desiredCount"], 0, 1)
    return wanted == (
        service["runningCount"],
        service["pendingCount"],
        len(service["deployments"]),
    )


def succeeded(answer: Answer | None) -> bool:
    """Whether an answer says that what was asked is done or under way."""
    return answer is not None and answer["success"] and not answer.get("failures")
