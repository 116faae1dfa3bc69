"""What follows from an end that nobody asked for: its cause is said, kept and counted; some servers start again."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from actions.instances.aftermath import LINES_KEPT, LINES_READ
from actions.instances.known_causes import known
from tests import world
from tests.aws_calls import AWS, BEFORE, DIES_AFTER, DIES_BEFORE, Call, ProcessDied
from tests.diagnosis.real_texts import TEXTS
from tests.diagnosis.server import ended, notices, runs, writes
from tests.lagging.lag import LAG
from tests.lagging.log_events import LOGS
from tests.lagging.strictness import refusal
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
TOO_MANY = "ReleaseURL | 2025-06-05 22:33:36 | [warn] Unexpected response 429: Too Many Requests"


@pytest.fixture
def starting(invoke, ecs, freezer, once):
    """The task of a server that does not answer yet."""
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: invoke(sample("create-instance")))
    invoke(sample("start-instance"))
    freezer.tick(60)
    return ecs.only_task()


@pytest.fixture
def running(starting, invoke, ecs, freezer):
    ecs.comes_up(starting)
    assert invoke("status", userId=USER)["status"] == "running"
    AWS.queue.clear()
    freezer.tick(600)
    return starting


@pytest.fixture
def ends(invoke, ecs):
    def end(task, said="", **codes):
        invoke(ended(ecs, task, said, **codes))

    return end


@pytest.fixture
def passes(invoke, freezer):
    """So many minutes, each with the tick of sessions."""

    def passing(minutes):
        for _ in range(minutes):
            freezer.tick(60)
            assert invoke(sample("prepare-sessions"))["failures"] == 0

    return passing


def status(invoke):
    return invoke("status", userId=USER)


@pytest.mark.parametrize("text", [t for t in TEXTS if t.log and not t.late], ids=lambda t: t.source)
def test_a_log_tells_the_member_what_it_was(starting, invoke, ends, text):
    lines = text.log.splitlines()
    writes(starting, *lines, container="prepare" if "prepare" in text.codes else "foundry")
    ends(starting, text.said, **text.codes)
    row, (run,) = known(text.cause), runs()[:1]
    assert run["why"] == text.cause
    assert len(run["lines"]) <= LINES_KEPT
    (notice,) = [n for n in notices() if n["kind"] == "start-failed"]
    assert notice["message"].startswith(f"Your server did not start: {row.sentence}")
    assert notice["facts"]["remedy"] == row.remedy
    assert row.remedy in notice["message"] or row.remedy == "start-instance"
    if text.cause != "heap-out-of-memory":  # then it starts again at once
        assert row.sentence in status(invoke)["message"]
        assert status(invoke)["failure"]["mendedBy"] == row.mender
    assert invoke("shutdown-stats", userId="admin")["byDiagnosis"] == {text.cause: 1}


def test_lines_are_kept_around_the_cause_and_not_a_tasks_before(
    starting, invoke, ecs, ends, freezer
):
    writes(starting, "an earlier task's ENOSPC")
    ends(starting)
    freezer.tick(60)
    invoke(sample("start-instance"))
    second = ecs.only_task()
    freezer.tick(60)
    writes(second, *[f"before {n}" for n in range(30)], ago=3)
    writes(second, "EADDRINUSE: address already in use :::30000", ago=2)
    writes(second, *[f"after {n}" for n in range(30)], ago=1)
    ends(second)
    run = runs()[-1]
    assert run["why"] == "port-in-use"
    assert run["lines"][-5:] == [
        "EADDRINUSE: address already in use :::30000",
        *[f"after {n}" for n in range(4)],
    ]
    assert len(run["lines"]) == LINES_KEPT


def test_only_the_last_lines_are_read_and_one_call_does(running, ends):
    writes(running, "JavaScript heap out of memory", ago=5)
    writes(running, *["[info] Created client session"] * LINES_READ)
    AWS.begin()
    ends(running, foundry=1)
    AWS.end()
    assert runs()[0]["why"] == "unknown"
    assert runs()[0]["lines"] == ["[info] Created client session"] * LINES_KEPT
    assert [c.name for c in AWS.calls].count("logs.FilterLogEvents") == 1
    assert LOGS.asked[0]["limit"] == LINES_READ
    reads = [c.name for c in AWS.calls if c.name in ("secretsmanager.GetSecretValue",)]
    assert len(reads) <= 2


def test_no_secret_is_kept(starting, ends):
    made = sample("create-instance")
    key, admin = made["foundryLicense"], made["foundryAdminKey"]
    writes(
        starting,
        f"key {key}, {key.replace('-', '')}",
        f"admin key is {admin}",
        "https://r2.foundryvtt.com/a.zip?verify=1234-abcd",
        "mail to ada@example.com from 203.0.113.7",
        "EACCES: permission denied, open '/data/x'",
    )
    ends(starting)
    kept = "\n".join(runs()[0]["lines"])
    hidden = [key, key.replace("-", ""), admin, "verify=", "ada@example.com", "203.0.113.7"]
    assert not [secret for secret in hidden if secret in kept]
    assert "EACCES" in kept


def test_where_the_secrets_cannot_be_read_no_line_is_kept(starting, ends):
    writes(starting, "EADDRINUSE")
    AWS.begin((Call("secretsmanager.GetSecretValue", 0), BEFORE))
    ends(starting)
    AWS.end()
    assert AWS.fault_happened
    assert runs()[0]["why"] == "port-in-use"
    assert "lines" not in runs()[0]


def test_a_log_that_lags_is_done_without(running, invoke, ends):
    writes(running, "EADDRINUSE")
    LOGS.unseen.add("EADDRINUSE")
    ends(running, foundry=1)
    assert status(invoke)["status"] == "stopped"
    assert runs()[0]["why"] == "unknown"
    assert "Foundry ended by itself" in notices()[0]["message"]


def test_a_log_that_cannot_be_read_stops_nothing_and_is_read_by_the_next_tick(
    running, invoke, ends, passes
):
    writes(running, "ENOSPC: no space left on device")
    LOGS.busy = 1
    ends(running, foundry=1)
    assert status(invoke)["status"] == "stopped"
    assert "holder" not in world.licenses()[0]
    assert notices() == []
    passes(1)
    assert runs()[0]["why"] == "disk-full"
    assert "disk was full" in status(invoke)["message"]
    assert len(notices()) == 1
    passes(3)
    assert len(notices()) == 1


def test_a_log_that_stays_unreadable_is_done_without(running, ends, passes):
    LOGS.busy = 99
    ends(running, foundry=1)
    passes(6)
    assert runs()[0]["why"] == "unknown"
    assert "open" not in runs()[0]
    assert len(notices()) == 1


def test_what_ecs_says_needs_no_log(running, ends):
    LOGS.busy = 9
    ends(running, "CannotPullContainerError: pull access denied")
    assert runs()[0]["why"] == "no-image"


def test_a_start_that_never_came_is_explained(foundry, starting, invoke, ecs, freezer, ends):
    foundry.says["ada.play.example"] = None
    ecs.comes_up(starting)
    writes(
        starting,
        "FoundryVTT | [error] Software license verification failed. Please confirm your licence",
    )
    for _ in range(6):
        freezer.tick(300)
        invoke(sample("auto-shutdown-check"))
        if status(invoke)["status"] == "stopping":
            ends(starting, "Stopped by the platform")
    assert status(invoke)["status"] == "stopped"
    assert runs()[0]["why"] == "signature-wanted"
    assert "licence agreement signed" in status(invoke)["message"]


def test_a_server_that_ran_out_of_memory_starts_again_with_more_once(
    running, invoke, ecs, ends, freezer
):
    freezer.tick(60)
    ends(running, OUT_OF_MEMORY, foundry=137)
    assert status(invoke)["status"] == "starting"
    second = ecs.only_task()
    before, after = runs()
    assert (before["why"], before["memory"]) == ("out-of-memory", 2048)
    assert (after["memory"], after["againOf"], after["grown"]) == (4096, before["runId"], True)
    assert after["rate"] == before["rate"] + 2 * Decimal("0.00356")
    (notice,) = notices()
    assert (
        "It starts again, this once with 4096 MiB; set-size makes that last." in notice["message"]
    )
    ecs.comes_up(second)
    assert status(invoke)["status"] == "running"
    freezer.tick(60)
    ends(second, OUT_OF_MEMORY, foundry=137)
    assert status(invoke)["status"] == "stopped"
    assert status(invoke)["failure"]["remedy"] == "set-size"
    assert "Give it more with set-size: it had 4096 MiB." in notices()[-1]["message"]
    freezer.tick(60)
    invoke(sample("start-instance"))
    assert runs()[-1]["memory"] == 2048
    assert "grown" not in runs()[-1]
    freezer.tick(60)
    ends(ecs.only_task(), OUT_OF_MEMORY, foundry=137)
    assert runs()[-1]["memory"] == 4096  # the member's own start has its one, too


def test_what_has_the_most_memory_is_not_started_again(starting, invoke, ecs, ends, freezer):
    invoke(sample("stop-instance"))
    ends(starting)
    invoke(sample("set-size", memory=8192))
    freezer.tick(1)
    invoke(sample("start-instance"))
    ends(ecs.only_task(), OUT_OF_MEMORY, foundry=137)
    assert status(invoke)["status"] == "stopped"
    assert "Tell the operator: it had 8192 MiB." in notices()[-1]["message"]


@pytest.mark.parametrize(
    ("forbids", "value", "words"),
    [
        ("maintenance", "", "maintained"),
        ("BUDGET_PER_USER", "0.01", "0.01"),
        ("DAILY_USES", "1,9,9,9", "a day has 1"),
    ],
)
def test_it_starts_again_only_if_its_member_could(
    running, invoke, ends, monkeypatch, freezer, forbids, value, words
):
    if forbids == "maintenance":
        invoke(sample("admin-system-maintenance", userId="admin"))
    else:
        monkeypatch.setenv(forbids, value)
        world.new_process()
    freezer.tick(3600)
    ends(running, OUT_OF_MEMORY, foundry=137)
    shown = status(invoke)
    assert shown["status"] == "stopped"
    assert "ran out of memory. It was not started again: " in shown["message"]
    assert words in shown["message"].lower()
    assert "not started again" in notices()[-1]["message"]
    assert "open" not in runs()[0]


def test_a_restart_that_ecs_finally_refuses_is_told_of_once(
    running, invoke, ecs, ends, passes, freezer
):
    LAG.replies.append(("ecs.RunTask", refusal("ClientException", "It is inactive.")))
    freezer.tick(60)
    ends(running, OUT_OF_MEMORY, foundry=137)
    passes(5)
    assert ecs.tasks() == []
    announced, refused = notices()
    assert "It starts again" in announced["message"]
    assert refused["kind"] == "start-failed"
    assert "Your server did not start: AWS refused to start it." in refused["message"]
    assert refused["noticeId"] == f"{runs()[-1]['runId']}:ended"
    assert "AWS refused to start it." in status(invoke)["message"]
    assert not [run for run in runs() if "open" in run]


def test_a_refusal_of_foundrys_site_is_waited_for_and_tried_three_times(
    starting, invoke, ecs, ends, passes, freezer
):
    task = starting
    for waits in (2, 4, 8):
        writes(task, TOO_MANY)
        ends(task, foundry=1)
        assert status(invoke)["status"] == "stopped"
        assert "(429)" in status(invoke)["message"]
        passes(waits - 1)
        assert ecs.tasks() == []
        passes(2)
        task = ecs.only_task()
        freezer.tick(30)
    writes(task, TOO_MANY)
    ends(task, foundry=1)
    passes(60)
    assert ecs.tasks() == []
    assert [run.get("tries", 0) for run in runs()] == [0, 1, 2, 3]
    told = [notice["message"] for notice in notices()]
    assert len(told) == 4
    assert "It is tried again in 3 minutes." in told[0]
    assert "Try again; tell the operator if it stays so." in told[-1]


def test_who_starts_while_it_is_waited_for_has_started(starting, invoke, ecs, ends, passes):
    writes(starting, TOO_MANY)
    ends(starting, foundry=1)
    passes(1)
    assert invoke(sample("start-instance"))["success"]
    ecs.comes_up(ecs.only_task())
    invoke(sample("stop-instance"))
    ends(ecs.tasks()[0])
    passes(30)
    assert ecs.tasks() == []
    assert len(runs()) == 2
    assert not [run for run in runs() if "open" in run]


def test_what_is_destroyed_meanwhile_stays_so(starting, invoke, ecs, ends, passes):
    writes(starting, TOO_MANY)
    ends(starting, foundry=1)
    invoke(sample("destroy-instance"))
    invoke(ended(ecs, ecs.only_task(), purge=0))
    passes(30)
    assert world.items("instances") == []
    assert not [run for run in runs() if "open" in run]


def test_two_who_follow_at_once_start_one(running, invoke, ecs, ends, meanwhile):
    with meanwhile("TransactWriteItems", lambda: invoke(sample("prepare-sessions")), after=1):
        ends(running, OUT_OF_MEMORY, foundry=137)
    assert len(ecs.tasks()) == 1
    assert len(runs()) == 2
    assert invoke("shutdown-stats", userId="admin")["byDiagnosis"] == {"out-of-memory": 1}


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
def test_a_death_at_any_moment_loses_neither_cause_nor_notice_nor_restart(
    running, invoke, ecs, freezer, passes, mode
):
    writes(running, "a line")
    event = ended(ecs, running, OUT_OF_MEMORY, foundry=137)
    for nth in range(4):
        AWS.begin((Call("dynamodb.TransactWriteItems", nth), mode))
        try:
            invoke(event)
        except ProcessDied:
            break
        finally:
            AWS.end()
    freezer.tick(301)
    for _ in range(3):
        invoke(sample("auto-shutdown-check"))
        passes(1)
    assert [run["memory"] for run in runs()] == [2048, 4096]
    assert runs()[0]["why"] == "out-of-memory"
    assert {notice["noticeId"] for notice in notices()} == {f"{runs()[0]['runId']}:ended"}
    assert len(ecs.tasks()) == 1


def test_a_session_goes_on_with_more_memory(invoke, ecs, freezer, once, passes, ends):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: invoke(sample("create-instance")))
    begins = int(time.time()) + 3600
    assert invoke(sample("schedule-session", startTime=begins))["success"]
    freezer.tick(3600 - 240)
    passes(1)
    ecs.comes_up(ecs.only_task())
    passes(5)
    (session,) = invoke("get-scheduled-sessions", userId=USER)["sessions"]
    assert session["status"] == "running"
    ends(ecs.only_task(), OUT_OF_MEMORY, foundry=137)
    assert "starts again for your session" in notices()[-1]["message"]
    passes(1)
    assert [run["memory"] for run in runs()] == [2048, 4096]
    ends(ecs.only_task(), OUT_OF_MEMORY, foundry=137)
    passes(1)
    assert [run["memory"] for run in runs()] == [2048, 4096, 4096]


def test_an_end_and_all_that_follows_take_seventeen_calls_at_most(running, invoke, ecs):
    writes(running, "a line")
    event = ended(ecs, running, foundry=1)
    AWS.begin()
    invoke(event)
    AWS.end()
    assert len(AWS.calls) <= 17
    assert [call.name for call in AWS.calls].count("logs.FilterLogEvents") == 1
