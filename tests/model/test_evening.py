"""A whole evening, minute by minute: five members, two licences, both schedules at their rates.

On Olga's licence, Ben, Dora and Olga herself play one after the other; on Oskar's, Cleo, and later Oskar.
Ben's server crashes while it comes up, and Dora's while she plays: the schedule starts both again. Nobody leaves
Ben's table at eight: it ends when Dora's session needs the licence. Nobody leaves Cleo's either, which nobody else
needs: it ends after an hour. Dora and Olga go home in time. Oskar just starts his server, and forgets it.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from services import clock
from tests import world
from tests.aws_calls import AWS
from tests.community import borrower, owner
from tests.foundry_server import NOBODY_PLAYS, playing
from tests.model import emulated, invariants
from tests.model.invariants import Seen
from tests.world import sample

SESSIONS = {
    "ben": ("18:30", 90),
    "cleo": ("18:30", 90),
    "dora": ("20:30", 90),
    "olga": ("22:30", 60),
}

# Each member's session and server from a minute on; a dot says that nothing changes.
STATES = """
         ben                 dora                olga                cleo                oskar
  18:01  scheduled created   scheduled created   scheduled created   scheduled created   - created
  18:25  preparing starting  .                   .                   preparing starting  .
  18:26  preparing stopped   .                   .                   .                   .
  18:27  preparing starting  .                   .                   .                   .
  18:28  .                   .                   .                   running running     .
  18:30  running running     .                   .                   .                   .
  20:00  completed running   .                   .                   completed running   .
  20:20  completed stopping  .                   .                   .                   .
  20:21  completed stopped   .                   .                   .                   .
  20:25  .                   preparing starting  .                   .                   .
  20:28  .                   running running     .                   .                   .
  21:00  .                   .                   .                   completed stopping  .
  21:01  .                   .                   .                   completed stopped   .
  21:10  .                   preparing stopped   .                   .                   .
  21:11  .                   preparing starting  .                   .                   .
  21:14  .                   running running     .                   .                   .
  21:30  .                   .                   .                   .                   - starting
  21:33  .                   .                   .                   .                   - running
  22:00  .                   completed running   .                   .                   .
  22:10  .                   .                   .                   .                   - stopping
  22:11  .                   .                   .                   .                   - stopped
  22:15  .                   completed stopping  .                   .                   .
  22:16  .                   completed stopped   .                   .                   .
  22:25  .                   .                   preparing starting  .                   .
  22:28  .                   .                   running running     .                   .
  23:30  .                   .                   completed running   .                   .
  23:45  .                   .                   completed stopping  .                   .
  23:46  .                   .                   completed stopped   .                   .
"""

# Dora is told twice: first because nobody uses her server any more, then because Olga needs the licence.
NOTICES = """
  18:28  cleo   session-ready
  18:30  ben    session-ready
  20:10  ben    about-to-stop
  20:20  ben    gave-way
  20:28  dora   session-ready
  20:50  cleo   about-to-stop
  21:00  cleo   stopped
  21:11  dora   crashed
  21:14  dora   session-ready
  21:33  oskar  table-ready
  22:00  oskar  about-to-stop
  22:05  dora   about-to-stop
  22:10  dora   about-to-stop
  22:10  oskar  stopped
  22:15  dora   stopped
  22:28  olga   session-ready
  23:35  olga   about-to-stop
  23:45  olga   stopped
"""

# From the pull of the image to the task's end; a task that never came up costs nothing.
BILLED_MINUTES = {"ben": [0, 111], "cleo": [153], "dora": [42, 62], "olga": [78], "oskar": [38]}

MEMBERS = STATES.split("\n")[1].split()


@pytest.fixture
def evening(invoke, ecs, foundry, freezer):
    freezer.move_to("2026-03-01T17:58:00Z")
    for user in ("olga", "oskar"):  # the pool lends what has been unused for longest: hers first
        owner(invoke, user)
        freezer.tick(60)
    for user in ("ben", "cleo", "dora"):
        borrower(invoke, user)
    for user, (at, minutes) in SESSIONS.items():
        start = int(datetime.fromisoformat(f"2026-03-01T{at}:00+00:00").timestamp())
        assert invoke("schedule-session", userId=user, startTime=start, duration=minutes)["success"]
    return Evening(invoke, ecs, foundry, freezer)


class Evening:
    """Time, ECS, Lambda's queue and the tables with their players."""

    def __init__(self, invoke, ecs, foundry, freezer):
        self.invoke, self.ecs, self.foundry, self.freezer = invoke, ecs, foundry, freezer
        self.ages: Counter[str] = Counter()
        self.notices = []
        for user in MEMBERS:
            foundry.says[f"{user}.{world.DOMAIN}"] = playing(4)

    @property
    def now(self):
        return datetime.now(UTC).strftime("%H:%M")

    def minute(self):
        self.freezer.tick(60)
        self.ecs_carries_on()
        assert self.invoke(sample("prepare-sessions"))["failures"] == 0
        if self.now[-1] in "05":
            assert self.invoke(sample("auto-shutdown-check"))["failures"] == 0
        self.lambda_carries_on()

    def ecs_carries_on(self):
        """A task comes up in three minutes, and has stopped a minute after it was asked to."""
        for task in emulated.tasks():
            self.ages[task.task_arn] += 1
            if task.desired_status == "STOPPED" and not hasattr(task, "stopped_at"):
                self.ecs.ends(task.task_arn, reason=task.stopped_reason)
            elif task.desired_status == "RUNNING" and self.ages[task.task_arn] == 3:
                self.ecs.comes_up(task.task_arn)

    def lambda_carries_on(self):
        for order in AWS.queue:
            if order["action"] == "send-notification":
                self.notices.append([self.now, order["about"], order["kind"]])
            else:
                self.invoke(order)
        AWS.queue.clear()

    def state(self):
        """Each member's session and server."""
        servers = {i["userId"]: i["status"] for i in emulated.items("instances")}
        sessions = {s["userId"]: s["status"] for s in emulated.items("sessions")}
        return {user: f"{sessions.get(user, '-')} {servers[user]}" for user in MEMBERS}

    def crash(self, user):
        (server,) = [i for i in emulated.items("instances") if i["userId"] == user]
        self.ecs.ends(server["taskArn"], exit_code=1, reason="Essential container in task exited")

    def leave(self, user):
        self.foundry.says[f"{user}.{world.DOMAIN}"] = NOBODY_PLAYS

    def start(self, user):
        assert self.invoke("start-instance", userId=user)["success"]

    def start_and_forget(self, user):
        self.start(user)
        self.leave(user)

    def cannot_start(self, user, why):
        refused = self.invoke("start-instance", userId=user)
        assert refused["errorCode"] == "RESOURCE_CONFLICT"
        assert why in refused["error"]


def test_each_minute_is_as_expected(evening):
    incidents = {
        "18:26": lambda: evening.crash("ben"),
        "19:00": lambda: evening.cannot_start("oskar", "reserved for a scheduled session"),
        "20:40": lambda: evening.cannot_start("oskar", "in use by another member"),
        "21:10": lambda: evening.crash("dora"),
        "21:30": lambda: evening.start_and_forget("oskar"),
        "21:40": lambda: evening.cannot_start("ben", "No licence of the pool is free"),
        "22:00": lambda: evening.leave("dora"),
        "23:30": lambda: evening.leave("olga"),
    }
    expected = states()
    while evening.now < "23:59":
        evening.minute()
        incidents.get(evening.now, lambda: None)()
        wanted = expected[max(moment for moment in expected if moment <= evening.now)]
        assert evening.state() == wanted, evening.now
        assert_invariants_hold()
    assert evening.notices == [line.split() for line in NOTICES.strip().split("\n")]
    assert billed_minutes() == BILLED_MINUTES


def assert_invariants_hold():
    """What must hold at any moment, whatever the states are."""
    seen = Seen(clock.now(), lives={})
    invariants.one_of_each(seen)
    invariants.one_writer(seen)
    invariants.one_holder(seen)
    invariants.nothing_overlaps(seen)
    invariants.the_three_records_agree(seen)
    invariants.at_rest_nothing_is_left(seen)


def states():
    """The table of states with each row filled."""
    rows, state = {}, MEMBERS
    for line in STATES.strip().split("\n")[1:]:
        moment, *cells = re.split(r" {2,}", line.strip())
        state = [old if new == "." else new for old, new in zip(state, cells, strict=True)]
        rows[moment] = dict(zip(MEMBERS, state, strict=True))
    return rows


def billed_minutes():
    runs = emulated.items("runs")
    return {
        user: sorted(run["seconds"] / 60 for run in runs if run["userId"] == user)
        for user in sorted(MEMBERS)
    }
