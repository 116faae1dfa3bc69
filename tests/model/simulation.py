"""The function among those who call it, made to be fast: members, schedules, Lambda's queue, ECS and time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import StringIO
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
import urllib3
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from moto import mock_aws
from moto.moto_api import state_manager

from handler import app
from tests import world
from tests.aws_calls import AWS, ProcessDied
from tests.community import borrower, owner
from tests.fargate import CLUSTER
from tests.file_tasks import Files, access_point, is_file_task
from tests.foundry_server import NOBODY_PLAYS, without_connection
from tests.lagging import hooks
from tests.lagging.lag import LAG
from tests.model import emulated
from tests.model.functions_cluster import Cluster
from tests.model.interrupting import CALLS, Interruption
from tests.model.lives import FORGOTTEN_SECONDS, Life

if TYPE_CHECKING:
    from tests.model.community import Community

Event = dict[str, Any]
Answer = dict[str, Any]

BEGIN = datetime(2026, 3, 1, 20, 0)  # noqa: DTZ001 - freezegun takes UTC without a zone
MINUTE = 60
PREPARE, CHECK = "prepare-sessions", "auto-shutdown-check"
BUSY_WITHOUT_END = "TIMEOUT_ERROR"  # may be said when AWS refuses again and again
OPEN_SESSIONS, BOOKED_HOURS = 3, 6  # of a member: few, so that stories come to it
LEASE_SECONDS = 900
FUNCTION_QUOTA = {
    "functions": 2,
    "replicas": 4,
    "cpu": 2048,
    "memory": 4096,
}  # of a member: small, too
OWNERS = {"olga": True, "oskar": True, "otto": False}  # who has a licence, and whether it is shared
BORROWERS = ("ben", "cleo")
KEEP_DAYS = "1,0"  # what is left of destroyed servers is soon gone, and none falls asleep
FAILURE = {"do", "run", "failed", "message"}  # what a task says that has done nothing


@dataclass
class Delivery:
    """An event on its way, and how often it comes again if the function cannot carry it out."""

    event: Event
    repeats: int = 2
    arrives: int = 0  # not before this moment


class Ecs(world.Ecs):
    """ECS as in tests/world.py, asked through one client: making one takes longer than many calls."""

    def event(self, arn: str) -> Event:
        """The event of the task's present state."""
        answer = _ecs_client().describe_tasks(cluster=self.cluster, tasks=[arn])
        detail = json.loads(json.dumps(answer["tasks"][0], default=datetime.isoformat))
        for attachment in detail.get("attachments", []):
            attachment["type"] = "eni"
        return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}


@lru_cache(maxsize=1)
def _ecs_client() -> Any:
    return boto3.client("ecs")


class Simulation:
    """Plays stories, each of which begins in the same small community."""

    def __init__(self, clock: FrozenDateTimeFactory, ecs: Ecs) -> None:
        self.clock = clock
        self.ecs = ecs
        self.community: Community | None = None  # at Discord, in stories of it
        self.says: dict[str, Any] = {}  # host: what /api/status answers; nothing if it does not
        self._log = StringIO()
        self._nothing_happened()
        # The operator's; in stories of Discord there is something in it.
        secrets = world.client("secretsmanager")
        secrets.create_secret(Name=f"{world.STACK}/discord", SecretString="{}")
        for user, shares in OWNERS.items():
            owner(self._made, user, shares=shares)
        for user in BORROWERS:
            borrower(self._made, user)
        self._beginning = emulated.Copy()
        self.begin()

    def begin(self) -> None:
        """Begin a story."""
        self.end()
        self._log.seek(0)
        self._log.truncate()
        self._beginning.restore()
        world.new_process()
        hooks.begin_anew()
        self._nothing_happened()

    def _nothing_happened(self) -> None:
        AWS.queue.clear()
        self._random = Random(1)  # noqa: S311 - for ids that are the same each time
        self.orders: list[Delivery] = []  # the function's invocations of itself, on their way
        self.events: list[Delivery] = []  # ECS's, on their way
        self.delivered: list[Event] = []  # and those that may come a second time
        self.notices: list[tuple[int, str, str]] = []  # (when, kind, about whom)
        self.notice_ids: set[str | None] = set()
        self.punctual = True  # whether every tick came when it was due
        self.unlucky = False  # whether a call to AWS has failed: then a notice may be lost
        self.invocations = 0
        self.codes: list[str] = []  # the error codes of all answers, empty for success
        self.lives: dict[str, Life] = {}
        self.files = Files()
        self.files_take_long = False  # whether tasks that handle files end only when told to
        self.failures: Counter[str] = Counter()  # of those tasks, by access point, since it ran
        self.cluster = Cluster(CLUSTER, self._tells, lives=self.lives)

    def end(self) -> None:
        """Put the clock back, so that whoever measures time sees none pass between two stories."""
        self.clock.move_to(BEGIN)
        self.says.clear()

    @property
    def now(self) -> int:
        """The present moment, in Unix seconds."""
        return int((self.clock.time_to_freeze - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001

    def new_uuid(self) -> UUID:
        """A random id, the same ones in each story."""
        return UUID(int=self._random.getrandbits(128), version=4)

    @property
    def errors(self) -> str:
        """The log's lines that tell of errors, to be read by people."""
        lines = [line for line in self.log.splitlines() if '"level": "ERROR"' in line]
        return "\n".join(lines).replace("\\n", "\n")

    @property
    def log(self) -> str:
        """All that was logged in this story."""
        return self._log.getvalue()

    # --- calls --------------------------------------------------------------------------------------

    def asks(self, name: str, user: str, /, **fields: Any) -> Answer | None:
        """A member, or the system, asks for something."""
        return self.call({"action": name, "userId": user, **fields})

    def call(self, event: Event, interruption: Interruption | None = None) -> Answer | None:
        """The function's answer; None if it raised for AWS to repeat the event, or its process died."""
        answer: Answer | None = None
        began = self.now  # a busy AWS is waited for meanwhile
        self.invocations += 1
        looking_on = self.community.looking_on(event) if self.community else nullcontext()
        with (
            looking_on,
            CALLS.interrupted(interruption),
            LAG.one_invocation(),
            redirect_stdout(self._log),
        ):
            refused_before = LAG.refused
            try:
                answer = app.lambda_handler(event, world.Context())
                code = answer.get("errorCode", "")
            except app.RetryLater as later:
                code = str(later).split(",")[0]
            except ProcessDied:
                code = ""
                world.new_process()
            if code != BUSY_WITHOUT_END or LAG.refused == refused_before:
                self.codes.append(code)
        if self.community and answer is not None:
            self.community.note_done(event)
        self._sort_queue(began)
        self._as_ecs_would()
        self.cluster.note()
        return answer

    def _made(self, event: Event) -> Answer:
        answer = self.call(event)
        assert answer
        return answer

    def _sort_queue(self, began: int) -> None:
        for order in AWS.queue:
            if order.get("action") == "send-notification":
                if order.get("noticeId") in self.notice_ids:
                    continue  # handed over twice under one id: it is told once
                self.notice_ids.add(order.get("noticeId"))
                # An administrator stops servers without a notice before.
                forced = order["facts"].get("why") == "forced"
                kind = "forced" if forced else order["kind"]
                if kind == "about-to-stop" and "scheduled session" in order["message"]:
                    kind = "about-to-give-way"  # another stop than by the server's own time
                self.notices.append((began, kind, order["about"]))
            else:
                self.orders.append(Delivery(order))
        AWS.queue.clear()

    def deliver_order(self) -> None:
        """Lambda invokes the function with the oldest order."""
        self._deliver(self.orders, 0)

    def deliver_event(self) -> None:
        """EventBridge delivers ECS's oldest event."""
        self._deliver(self.events, 0)

    def _deliver(self, waiting: list[Delivery], which: int) -> None:
        delivery = waiting.pop(which)
        if self.call(delivery.event) is not None:
            self.delivered.append(delivery.event)
        elif delivery.repeats:
            waiting.append(Delivery(delivery.event, delivery.repeats - 1, delivery.arrives))

    def deliver_all(self) -> None:
        """All that is on its way arrives, but for what will be late."""
        while True:
            if self.orders:
                self.deliver_order()
            elif (here := self._arrived()) is not None:
                self._deliver(self.events, here)
            elif not (self.community and self.community.deliver()):
                return

    def _arrived(self) -> int | None:
        """The place of the oldest of ECS's events that are not late."""
        here = (i for i, delivery in enumerate(self.events) if delivery.arrives <= self.now)
        return next(here, None)

    def _tells(self, event: Event) -> None:
        """ECS's event is on its way."""
        self.events += [Delivery(event, arrives=at) for at in LAG.arrivals(self.now)]

    # --- ECS ----------------------------------------------------------------------------------------

    def moving(self) -> list[Any]:
        """The tasks that are coming up or going down."""
        return [task for task in emulated.tasks() if task.last_status not in ("RUNNING", "STOPPED")]

    def alive(self) -> list[Any]:
        """The tasks that have not stopped."""
        return [task for task in emulated.tasks() if task.last_status != "STOPPED"]

    def moves(self, task: Any) -> None:
        """A task comes up or goes down, as it should; the event of it is on its way."""
        if task.desired_status == "STOPPED":
            self.ends(task, reason=task.stopped_reason)
            return
        self.lives[task.started_by].begin = self.now
        if is_server(task):
            self.files.played(access_point(task))
            self.failures.pop(access_point(task), None)
        self._tells(self.ecs.up(task.task_arn))

    def ecs_carries_on(self) -> None:
        """All tasks come up or go down, or do what they are made for; services start and stop theirs."""
        for task in [] if self.files_take_long else self.handling_files():
            self.is_done(task)
        for task in self.moving():
            self.moves(task)
        self.cluster.carries_on()

    def handling_files(self) -> list[Any]:
        """The tasks that save files or put them back just now."""
        running = [task for task in emulated.tasks() if task.last_status == "RUNNING"]
        return [task for task in running if is_file_task(task.task_arn)]

    def is_done(self, task: Any) -> None:
        """A task has done with the files what it was ordered to, and ends of itself."""
        failed = self.files.carry_out(task.task_arn).get("failed")
        self.ends(task, 1 if failed else 0, "Essential container in task exited")

    def ends(self, task: Any, exit_code: int = 0, reason: str = "It ended") -> None:
        """A task ends, of itself or because it was asked to."""
        if is_file_task(task.task_arn) and self.files.reported(task.task_arn).keys() <= FAILURE:
            self.failures[access_point(task)] += 1
        self.lives[task.started_by].end = self.now
        self._tells(self.ecs.ended(task.task_arn, exit_code, reason))

    def _as_ecs_would(self) -> None:
        """The emulator lets a task stop at once; ECS takes its time."""
        for task in emulated.tasks():
            life = self.lives.get(task.started_by)
            if life is None:
                self.lives[task.started_by] = Life()
            elif task.desired_status == "STOPPED" and life.end is None:
                task.last_status = "DEACTIVATING"

    def _forget_stopped(self) -> None:
        for task in emulated.tasks():
            life = self.lives[task.started_by]
            if life.end is not None and self.now - life.end > FORGOTTEN_SECONDS:
                life.forgotten = True
                self.ecs.forgets(task.task_arn)

    # --- time ---------------------------------------------------------------------------------------

    def is_due(self, *tables: str) -> bool:
        """Whether a tick would find anything in tables."""
        found = (item for table in tables for item in emulated.items(table))
        return any(item.get("dueAt", self.now + 1) <= self.now for item in found)

    def next_due(self) -> int | None:
        """When a tick will find something."""
        return min((item["dueAt"] for item in self.stuck()), default=None)

    def tick(self, name: str, times: int = 1) -> None:
        """The schedule calls. What its function answers must say that nothing failed, unless AWS refused calls."""
        for _ in range(times):
            refused_before = LAG.refused
            answer = self.asks(name, "system")
            if LAG.refused > refused_before:
                self.punctual = False
                continue
            assert answer is not None
            assert answer["success"], answer
            assert not answer["failures"], f"{answer}\n{self.errors}"

    def minute(
        self, ticks: int = 1, *, tasks_move: bool = True, events_arrive: bool = True
    ) -> None:
        """A minute passes; the schedules call at their rates, `ticks` times each.

        ECS carries on if `tasks_move`, and what it and Lambda deliver comes in if `events_arrive`.
        """
        before = self.now
        self.clock.tick(MINUTE)
        self._forget_stopped()
        self.cluster.note()
        if tasks_move:
            self.ecs_carries_on()
        if events_arrive:
            self.deliver_all()
        # A tick that finds nothing does nothing (a rule of its own shows it): those are left out.
        is_behind = self.community is not None and self.community.is_behind()
        if ticks and (is_behind or self.is_due("sessions", "instances", "runs")):
            self.tick(PREPARE, ticks)
        if (
            ticks
            and self.now // 300 > before // 300
            and self.is_due("instances", "functions", "runs", "saves")
        ):
            self.tick(CHECK, ticks)

    def an_hour_of_health(self) -> None:
        """AWS is well again, and time passes as it should."""
        LAG.end()
        self.files_take_long = False
        for _ in range(60):
            self.minute()

    def run_until_quiescent(self, minutes: int = 3 * 24 * 60) -> None:
        """Nobody asks for anything any more, and nobody plays: see how all comes to an end."""
        for instance in emulated.items("instances"):
            self.says[instance["host"]] = NOBODY_PLAYS
        until = self.now + minutes * MINUTE
        while (due := self.next_due()) is not None or self._is_on_its_way():
            assert self.now < until, f"stuck: {self.stuck()}"
            if due and due > self.now + MINUTE and not self._is_on_its_way():
                self.clock.tick((due - self.now - 1) // MINUTE * MINUTE)
            self.minute()
        self.clock.tick(LEASE_SECONDS)

    def stuck(self) -> list[Any]:
        """What is still due."""
        tables = ("instances", "sessions", "functions", "runs", "saves")
        found = (item for table in tables for item in emulated.items(table))
        return [item for item in found if "due" in item or item.get("open") == "follow"]

    def _is_on_its_way(self) -> bool:
        return bool(self.moving() or self.orders or self.events or self.cluster.is_busy())

    def members_end_their_functions(self) -> None:
        """All functions are deleted: one that runs would be looked at for ever."""
        for item in emulated.items("functions"):
            if item["entry"].startswith("fn:"):
                answer = self.asks("function-delete", item["userId"], name=item["name"])
                assert answer is not None
                assert answer["success"], answer


def is_server(task: Any) -> bool:
    """Whether members play on it."""
    return not is_file_task(task.task_arn) and "_purge:" not in task.task_definition_arn


def _at_once(_: ThreadPoolExecutor, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(call(*args, **kwargs))
    except BaseException as error:  # as a thread does: whoever asks for the result has it raised
        future.set_exception(error)
    return future


@contextmanager
def simulation(saves_kept: str = "0,0,0") -> Iterator[Simulation]:
    """A simulation for many stories. The same story goes the same way whenever it is played.

    Servers are saved after each stop if any saves are kept.

    So there are no threads (interruptions take their place), ids are the same each time, and whoever sleeps
    lets the frozen time pass.
    """
    frozen = freeze_time(
        BEGIN, ignore=["hypothesis"]
    )  # which gives up shrinking after some minutes
    with mock_aws(), frozen as clock, pytest.MonkeyPatch.context() as patch:
        patch.setattr("freezegun.api.call_stack_inspection_limit", 1)
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        environment = world.build()
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("OPEN_SESSIONS", str(OPEN_SESSIONS))
        patch.setenv("BOOKED_HOURS", str(BOOKED_HOURS))
        patch.setenv("FUNCTION_QUOTA", "2,4,2,4")
        patch.setenv("SAVES_KEPT", saves_kept)
        patch.setenv("KEEP_DAYS", KEEP_DAYS)
        patch.setattr(ThreadPoolExecutor, "submit", _at_once)
        patch.setattr("time.sleep", clock.tick)
        world.new_process()
        assert isinstance(clock, FrozenDateTimeFactory)
        made = Simulation(clock, Ecs(world.cluster(environment), lambda _: None))
        patch.setattr("uuid.uuid4", made.new_uuid)
        patch.setattr(urllib3.HTTPConnectionPool, "urlopen", without_connection(made.says))
        yield made
        made.end()
    world.new_process()
