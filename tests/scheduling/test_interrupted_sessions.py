"""Sessions whose server crashes are started again, so many times; those that end early give back what they had."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import community
from tests.diagnosis.server import write
from tests.lagging.lag import LAG
from tests.lagging.strictness import refusal
from tests.world import sample

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR, MINUTE = 3600, 60
TICK = sample("prepare-sessions")


@pytest.fixture
def minutes(invoke, freezer):
    def pass_by(count):
        for _ in range(count):
            freezer.tick(60)
            assert invoke(TICK)["failures"] == 0
            for order in [o for o in AWS.queue if o["action"] == "finish-stop"]:
                AWS.queue.remove(order)
                invoke(order)

    return pass_by


@pytest.fixture
def played(pool, invoke, ecs, freezer, minutes):
    """Ben's session of four hours has begun."""
    asked = {"userId": "ben", "startTime": NOW + HOUR, "duration": 240}
    session_id = invoke("schedule-session", **asked)["sessionId"]
    minutes(55)
    ecs.comes_up(ecs.only_task())
    minutes(6)
    AWS.queue.clear()
    return session_id


def session(invoke):
    return invoke("get-scheduled-sessions", userId="ben")["sessions"][-1]


def crash(ecs, **how):
    ecs.ends(
        ecs.only_task(), **({"exit_code": 1, "reason": "Essential container in task exited"} | how)
    )


def notices():
    return [order["kind"] for order in AWS.queue if order["action"] == "send-notification"]


def messages():
    return [order["message"] for order in AWS.queue if order["action"] == "send-notification"]


def test_a_server_that_crashes_in_its_session_is_started_again_and_its_member_told(
    played, invoke, ecs, minutes
):
    crash(ecs)
    assert session(invoke)["status"] == "preparing"
    (told,) = messages()
    assert "starts again for your session" in told
    minutes(1)
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"
    assert notices() == ["crashed", "session-ready"]
    minutes(4 * 60)
    assert session(invoke)["status"] == "completed"


def test_a_server_that_goes_on_crashing_is_given_up_with_the_reason(played, invoke, ecs, minutes):
    for _ in range(4):
        crash(ecs)
        minutes(1)
        if ecs.tasks():
            ecs.comes_up(ecs.only_task())
            minutes(1)
    ended = session(invoke)
    assert ended["status"] == "completed"
    assert "crashed 4 times" in ended["reason"]
    assert notices().count("crashed") == 4
    assert notices()[-1] == "session-failed"
    assert world.licenses()[0]["windows"] == []


def test_a_given_up_server_that_its_member_starts_again_has_not_crashed_any_more(
    played, invoke, ecs, minutes, freezer
):
    for number in range(4):
        crash(ecs)
        if number < 3:
            minutes(1)
            ecs.comes_up(ecs.only_task())
            minutes(1)
    assert "crashed 4 times" in session(invoke)["reason"]
    assert invoke("start-instance", userId="ben")["success"]
    minutes(1)
    assert (session(invoke)["status"], "reason" in session(invoke)) == ("running", False)
    task = ecs.only_task()
    ecs.comes_up(task)
    invoke("stop-instance", userId="ben")
    minutes(1)
    ecs.ends(task)
    minutes(16)
    assert session(invoke)["reason"] == "Its server was stopped."
    assert "session-failed" not in notices()


def test_restarts_that_do_not_come_up_are_counted_with_crashes(played, invoke, ecs, minutes):
    crash(ecs)
    for _ in range(12):
        minutes(1)
        if ecs.tasks():
            crash(ecs)
    assert session(invoke)["status"] == "completed"
    assert notices() == ["crashed", "session-failed"]
    assert started() == 4


@pytest.fixture
def preparing(invoke, ecs, freezer, once, minutes):
    """Ben's session begins in five minutes; its server's task runs, Foundry does not answer yet."""
    freezer.move_to("2026-03-01T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], borrowers=["ben"]))
    asked = {"userId": "ben", "startTime": NOW + HOUR, "duration": 60}
    assert invoke("schedule-session", **asked)["success"]
    minutes(55)
    assert len(ecs.tasks()) == 1
    AWS.queue.clear()


def started():
    return len([run for run in world.items("runs") if run["kind"] == "play"])


def too_many_logins(ecs):
    """The server's task writes that foundryvtt.com refuses it, and ends."""
    (ben,) = [i for i in world.items("instances") if i["userId"] == "ben"]
    task = ecs.only_task().rpartition("/")[2]
    write(ben["instanceId"], task, "[warn] Unexpected response 429: Too Many Requests")
    crash(ecs)


def test_a_server_that_ends_before_foundry_answers_is_started_three_times_more(
    preparing, invoke, ecs, minutes
):
    for _ in range(14):
        if ecs.tasks():
            crash(ecs)
        minutes(1)
    assert started() == 4
    ended = session(invoke)
    assert (ended["status"], ended["reason"]) == (
        "cancelled",
        "Its server failed 4 times. Foundry ended by itself.",
    )
    assert messages() == [f"Your session was cancelled: {ended['reason']}"]
    assert world.licenses()[0]["windows"] == []


def test_one_that_comes_up_at_last_is_played_on_and_its_failures_are_not_told(
    preparing, invoke, ecs, minutes
):
    for _ in range(3):
        crash(ecs)
        assert session(invoke)["status"] == "preparing"
        minutes(1)
    assert session(invoke)["reason"] == "Foundry ended by itself."
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert (session(invoke)["status"], "reason" in session(invoke)) == ("running", False)
    assert notices() == ["session-ready"]


def test_what_foundrys_site_refuses_is_waited_for_also_before_a_session(
    preparing, invoke, ecs, minutes
):
    minutes(1)
    for waits in (2, 4):
        too_many_logins(ecs)
        minutes(waits - 1)
        assert ecs.tasks() == []
        assert "(429)" in session(invoke)["reason"]
        minutes(1)
    minutes(1)
    too_many_logins(ecs)  # when it may be tried again it is too late
    minutes(1)
    assert session(invoke)["status"] == "cancelled"
    (told,) = messages()
    assert told == (
        "Your session was cancelled: foundryvtt.com lets nobody log in or download so often (429)."
    )
    assert started() == 3


def test_who_starts_a_server_that_failed_too_often_has_the_session_go_on(
    preparing, invoke, ecs, minutes
):
    for number in range(4):
        crash(ecs)
        if number < 3:
            minutes(1)
    assert invoke("start-instance", userId="ben")["success"]
    minutes(2)
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"


def test_what_ecs_refuses_to_start_has_not_failed(preparing, invoke, ecs, minutes):
    crash(ecs)
    for _ in range(5):
        LAG.replies.append(("ecs.RunTask", refusal("ClientException", "It is inactive.")))
        minutes(1)
    minutes(1)
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"


def test_a_stopped_server_keeps_its_session_for_a_quarter_of_an_hour(played, invoke, ecs, minutes):
    task = ecs.only_task()
    invoke("stop-instance", userId="ben")
    minutes(1)
    ecs.ends(task)
    minutes(5)
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    minutes(30)
    assert session(invoke)["status"] == "running"
    assert [window["userId"] for window in world.licenses()[0]["windows"]] == ["ben"]


def test_a_session_that_ends_early_gives_back_what_it_had_reserved(played, invoke, ecs, minutes):
    task = ecs.only_task()
    invoke("stop-instance", userId="ben")
    minutes(1)
    ecs.ends(task)
    refused = invoke("start-instance", userId="olga")
    assert "reserved" in refused["error"]
    minutes(16)
    assert session(invoke)["status"] == "completed"
    assert invoke("start-instance", userId="olga")["success"]
    assert "session-failed" not in notices()


def test_a_session_that_has_begun_can_be_ended(played, invoke, ecs):
    ended = invoke("cancel-scheduled-session", userId="ben", sessionId=played)
    assert ended["message"] == "Session ended"
    assert session(invoke)["status"] == "completed"
    assert world.licenses()[0]["windows"] == []
    assert invoke("status", userId="ben")["status"] == "running"
    again = invoke("cancel-scheduled-session", userId="ben", sessionId=played)
    assert again["errorCode"] == "RESOURCE_CONFLICT"
    assert "session is completed" in again["error"]


def test_a_session_that_began_stays_one_that_was_played_when_its_licence_goes(
    played, invoke, ecs, minutes
):
    crash(ecs)  # so that olga may have her server destroyed
    invoke("destroy-instance", userId="olga")
    ended = session(invoke)
    assert (ended["status"], ended["licenseId"] != "") == ("completed", True)


def test_maintenance_ends_no_session(played, invoke, ecs, minutes, freezer):
    task = ecs.only_task()
    invoke(sample("admin-system-maintenance", userId="admin"))
    for _ in range(4):
        freezer.tick(300)
        invoke(sample("auto-shutdown-check"))
    minutes(1)
    ecs.ends(task)
    minutes(30)
    assert session(invoke)["status"] == "running"


def test_a_session_that_is_called_off_between_two_steps_does_not_start(
    invoke, ecs, freezer, meanwhile
):
    freezer.move_to("2026-03-01T20:00:00Z")
    community(invoke, owners=["olga"], borrowers=["ben"])
    asked = {"userId": "ben", "startTime": NOW + HOUR, "duration": 60}
    session_id = invoke("schedule-session", **asked)["sessionId"]
    freezer.move_to("2026-03-01T20:55:01Z")

    def cancel():
        invoke("cancel-scheduled-session", userId="ben", sessionId=session_id)

    with meanwhile("TransactWriteItems", cancel):
        assert invoke(TICK)["failures"] == 0
    assert ecs.tasks() == []
    assert world.items("runs") == []


def test_a_server_that_is_on_its_way_is_waited_for(invoke, ecs, freezer, minutes):
    freezer.move_to("2026-03-01T20:00:00Z")
    community(invoke, owners=["olga"], borrowers=["ben"])
    asked = {"userId": "ben", "startTime": NOW + HOUR, "duration": 60}
    invoke("schedule-session", **asked)
    minutes(55)
    minutes(16)  # it is still coming up eleven minutes after the session should have begun
    assert session(invoke)["status"] == "preparing"
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"
    assert "session-failed" not in notices()


def test_only_what_is_prepared_is_counted_as_such(played, invoke, freezer):
    freezer.move_to("2026-03-02T01:00:01Z")
    assert invoke(TICK)["sessionsPrepared"] == 0
    assert session(invoke)["status"] == "completed"
