"""start-instance and stop-instance decide and answer; ECS's events do the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import world
from tests.aws_calls import AWS, BEFORE, DIES_AFTER, ProcessDied
from tests.recount import disagreements
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]


@pytest.fixture
def created(invoke, once):
    once(lambda: invoke(sample("create-instance")))


@pytest.fixture
def running(created, invoke, ecs):
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    return ecs.only_task()


def instance():
    (item,) = world.items("instances")
    return item


def routes():
    elb = world.client("elbv2")
    return elb.describe_target_groups()["TargetGroups"]


def test_a_start_is_refused_while_there_is_no_server(invoke):
    answer = invoke("start-instance", userId="nobody")
    assert answer["errorCode"] == "RESOURCE_NOT_FOUND"
    assert "create-instance" in answer["details"]["suggestion"]


def test_the_task_is_known_by_its_run(created, invoke, ecs):
    invoke(sample("start-instance"))
    (task,) = world.client("ecs").describe_tasks(cluster=ecs.cluster, tasks=ecs.tasks())["tasks"]
    assert task["startedBy"] == instance()["runId"]
    (run,) = world.items("runs")
    assert run["runId"] == instance()["runId"]


def test_the_task_reaches_the_internet_from_the_platforms_own_network(created, invoke, aws):
    AWS.begin()
    invoke(sample("start-instance"))
    _, asked = AWS.requests("ecs.RunTask")  # the first fetches the release
    assert asked["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": aws["TASK_SUBNETS"].split(","),
        "securityGroups": [aws["TASK_SECURITY_GROUP"]],
        "assignPublicIp": "ENABLED",
    }


def test_starting_what_runs_is_refused_with_the_present_state(running, invoke, ecs):
    answer = invoke(sample("start-instance"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["status"] == "running"
    assert len(ecs.tasks()) == 1


def test_starting_what_starts_is_refused_and_starts_no_second_task(created, invoke, ecs):
    invoke(sample("start-instance"))
    assert invoke(sample("start-instance"))["details"]["status"] == "starting"
    assert len(ecs.tasks()) == 1


def test_a_refused_start_says_the_way_out_that_fits(running, invoke, ecs, meanwhile):
    def way_out():
        return invoke(sample("start-instance"))["details"]["suggestion"]

    assert way_out() == "Play at https://ada.play.example."
    invoke(sample("stop-instance"))
    assert "has stopped" in way_out()
    invoke(sample("destroy-instance"))
    assert "gone" in way_out()
    invoke(AWS.queue.pop())
    ecs.ends(running)
    ecs.ends(ecs.only_task())
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        invoke(sample("create-instance"))
    assert "create-instance" in way_out()


@pytest.mark.parametrize("status", ["created", "stopped"])
def test_stopping_what_does_not_run_is_refused(status, created, invoke, ecs, request):
    if status == "stopped":
        ecs.ends(request.getfixturevalue("running"))
    answer = invoke(sample("stop-instance"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["status"] == status


def test_a_server_is_routed_only_while_it_runs(created, invoke, ecs, aws):
    invoke(sample("start-instance"))
    assert routes() == []
    ecs.comes_up(ecs.only_task())
    (group,) = routes()
    elb = world.client("elbv2")
    (health,) = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
        "TargetHealthDescriptions"
    ]
    assert health["Target"] == {"Id": instance()["address"], "Port": 30000}
    rules = elb.describe_rules(ListenerArn=aws["LISTENER_ARN"])["Rules"]
    (rule,) = [rule for rule in rules if not rule["IsDefault"]]
    assert rule["Conditions"][0]["HostHeaderConfig"]["Values"] == ["ada.play.example"]
    ecs.ends(ecs.only_task())
    assert routes() == []
    assert len(elb.describe_rules(ListenerArn=aws["LISTENER_ARN"])["Rules"]) == 1


def test_two_routes_that_want_the_same_priority_both_get_one(created, invoke, ecs, aws):
    invoke(sample("start-instance"))
    priority = int(instance()["instanceId"], 16) % 49_998 + 2
    world.client("elbv2").create_rule(
        ListenerArn=aws["LISTENER_ARN"],
        Priority=priority,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["other.example"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )
    ecs.comes_up(ecs.only_task())
    assert invoke("status", userId=USER)["status"] == "running"
    rules = world.client("elbv2").describe_rules(ListenerArn=aws["LISTENER_ARN"])["Rules"]
    assert len({rule["Priority"] for rule in rules}) == 3


def test_stop_hands_the_waiting_to_an_invocation_of_its_own(running, invoke, ecs):
    AWS.queue.clear()
    invoke(sample("stop-instance"))
    assert AWS.queue == [
        {
            "action": "finish-stop",
            "userId": "system",
            "ownerId": USER,
            "runId": instance()["runId"],
        }
    ]
    assert len(ecs.tasks()) == 1
    assert invoke(AWS.queue.pop())["success"] is True
    assert ecs.tasks("STOPPED") == [running]


def test_a_stop_that_comes_again_after_the_next_start_leaves_the_new_task_alone(
    running, invoke, ecs
):
    invoke(sample("stop-instance"))
    order = AWS.queue.pop()
    invoke(order)
    ecs.ends(running)
    invoke(sample("start-instance"))
    assert invoke(order)["success"] is True
    assert len(ecs.tasks()) == 1


def test_a_run_is_billed_from_the_pull_of_its_image_to_its_stop_by_ecss_clock(
    created, invoke, ecs, freezer
):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    freezer.move_to("2026-03-01T23:00:00Z")
    event = ecs.ended(ecs.only_task())
    freezer.move_to("2026-03-01T23:04:00Z")  # the event is late
    invoke(event)
    (run,) = world.items("runs")
    assert run["seconds"] == 3 * 3600
    # 1 vCPU, 2 GB and a public address in us-east-1: 0.03238 + 2 x 0.00356 + 0.005 USD an hour
    assert run["cost"] == Decimal("0.1335")
    assert run["stoppedAt"] - run["startedAt"] == run["seconds"]


def test_a_crash_is_told_with_its_reason_and_billed(running, invoke, ecs):
    ecs.ends(running, exit_code=137, reason="SpotInterruption")
    status = invoke("status", userId=USER)
    assert status["status"] == "stopped"
    assert "AWS took its machine away" in status["message"]
    assert "taskArn" not in status
    (run,) = world.items("runs")
    assert "stoppedAt" in run


def test_a_run_holds_its_licence_until_its_task_has_stopped(running, invoke, ecs):
    (held,) = world.licenses()
    assert held["holder"] == instance()["runId"]
    invoke(sample("stop-instance"))
    assert "holder" in world.licenses()[0]
    ecs.ends(running)
    assert "holder" not in world.licenses()[0]


def test_a_stop_that_comes_while_the_server_still_starts_wins(created, invoke, ecs):
    invoke(sample("start-instance"))
    task = ecs.only_task()
    assert invoke(sample("stop-instance"))["success"] is True
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "stopping"
    invoke(AWS.queue.pop())
    ecs.ends(task)
    assert invoke("status", userId=USER)["status"] == "stopped"
    assert routes() == []


def test_a_task_without_a_network_address_is_said_to_be_unreachable(created, invoke, ecs):
    invoke(sample("start-instance"))
    event = ecs.up(ecs.only_task())
    event["detail"]["attachments"] = []
    invoke(event)
    status = invoke("status", userId=USER)
    assert status["status"] == "starting"
    assert "no network address" in status["message"]
    assert routes() == []


def test_while_it_starts_the_status_says_what_is_going_on(created, invoke, ecs, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    from datetime import UTC, datetime

    task = ecs.only_task()
    ecs.becomes(task, "PENDING", pull_started_at=datetime.now(UTC))
    freezer.move_to("2026-03-01T20:00:40Z")
    status = invoke("status", userId=USER)
    assert status["message"] == "Pulling the image, 40 s so far"
    assert status["taskArn"] == task


def test_a_pooled_server_starts_on_a_shared_licence_by_reference(invoke, ecs):
    invoke(sample("create-instance", userId="owner", allowLicenseSharing=True))
    event = sample("create-instance", userId="guest", licenseType="pooled", username="guest")
    del event["foundryLicense"]
    invoke(event)
    assert invoke("start-instance", userId="guest")["success"] is True
    (lent,) = world.licenses()
    assert lent["holderUserId"] == "guest"
    (task,) = world.client("ecs").describe_tasks(cluster=ecs.cluster, tasks=ecs.tasks())["tasks"]
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=task["taskDefinitionArn"]
    )["taskDefinition"]
    assert f"{lent['secretArn']}:licenseKey::" in str(definition)
    assert {"name": "LICENSE_BORROWED", "value": "true"} in definition["containerDefinitions"][1][
        "environment"
    ]
    refused = invoke("start-instance", userId="owner")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "guest" not in str(refused)


def test_a_pooled_server_is_refused_when_no_licence_is_free(invoke, ecs):
    event = sample("create-instance", licenseType="pooled")
    del event["foundryLicense"]
    invoke(event)
    answer = invoke(sample("start-instance"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert ecs.tasks() == []
    assert invoke("status", userId=USER)["status"] == "created"


# --- interrupted, and at the same time as something else ---------------------------------------------------


def dies_after_launching(invoke, meanwhile):
    # The first RunTask fetches the release.
    with meanwhile("RunTask", after=1, mode=DIES_AFTER), pytest.raises(ProcessDied):
        invoke(sample("start-instance"))


def revision():
    return instance()["taskDefinitionArn"]


def test_a_first_start_registers_no_new_revision(created, invoke):
    before = revision()
    invoke(sample("start-instance"))
    assert revision() == before


def test_a_start_that_failed_before_its_launch_is_carried_on_by_the_next(
    created, invoke, ecs, meanwhile
):
    with meanwhile("RunTask", after=1, mode=BEFORE):
        assert not invoke(sample("start-instance"))["success"]
    status = invoke("status", userId=USER)
    assert status["status"] == "starting"
    assert "taskArn" not in status
    assert invoke(sample("start-instance"))["success"]
    assert len(ecs.tasks()) == 1
    assert len(world.items("runs")) == 1


def test_a_task_that_was_launched_and_not_noted_is_found_again(
    created, invoke, ecs, freezer, meanwhile
):
    dies_after_launching(invoke, meanwhile)
    assert invoke(sample("start-instance"))["details"]["status"] == "starting"
    freezer.tick(301)  # the dead one's lock expires
    assert invoke(sample("start-instance"))["success"]
    assert invoke("status", userId=USER)["taskArn"] == ecs.only_task()


def test_destroying_stops_a_task_that_was_launched_and_not_noted(
    created, invoke, ecs, freezer, meanwhile
):
    dies_after_launching(invoke, meanwhile)
    task = ecs.only_task()
    freezer.tick(301)
    assert invoke(sample("destroy-instance"))["success"]
    assert ecs.tasks("STOPPED") == [task]


def test_while_a_start_is_under_way_nothing_else_touches_the_server(created, invoke, meanwhile):
    def others():
        asked = ("destroy-instance", "update-version", "start-instance")
        refused.extend(invoke(sample(name)) for name in asked)

    refused: list[Any] = []
    with meanwhile("RunTask", others, after=1):
        assert invoke(sample("start-instance"))["success"]
    assert {each["errorCode"] for each in refused} == {"RESOURCE_CONFLICT"}
    assert invoke("status", userId=USER)["status"] == "starting"


def test_a_start_is_never_that_of_a_server_made_anew_meanwhile(invoke, ecs, meanwhile):
    def anew():
        invoke(sample("destroy-instance"))
        invoke(pooled)

    pooled = sample("create-instance", licenseType="pooled")
    del pooled["foundryLicense"]
    invoke(sample("create-instance", userId="owner", allowLicenseSharing=True))
    invoke(pooled)
    with meanwhile("TransactWriteItems", anew):
        assert invoke(sample("start-instance"))["errorCode"] == "RESOURCE_CONFLICT"
    assert ecs.tasks() == []
    assert world.items("runs") == []
    assert invoke("status", userId=USER)["status"] == "created"


def test_a_stop_that_meets_the_servers_coming_up_still_stops_it(
    created, invoke, ecs, freezer, meanwhile
):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    freezer.tick(60)
    event = ecs.up(ecs.only_task())
    freezer.tick(30)
    with meanwhile("TransactWriteItems", lambda: invoke(event)):
        assert invoke(sample("stop-instance"))["success"]
    freezer.tick(20)
    status = invoke("status", userId=USER)
    assert status["status"] == "stopping"
    assert status["message"].endswith("20 s so far"), "since the stop"
    assert disagreements(world.items) == {}


def test_a_stop_that_meets_the_end_of_the_task_is_counted_as_the_members(
    running, invoke, ecs, meanwhile
):
    with meanwhile("TransactWriteItems", lambda: invoke(sample("stop-instance"))):
        ecs.ends(running)
    assert invoke("status", userId=USER)["status"] == "stopped"
    assert invoke("shutdown-stats", userId="admin")["byCause"] == {"member": 1}
    assert disagreements(world.items) == {}
    assert invoke(sample("start-instance"))["success"]


def test_a_stop_that_comes_while_the_route_is_made_is_due_at_once(created, invoke, ecs, meanwhile):
    invoke(sample("start-instance"))
    with meanwhile("CreateRule", lambda: invoke(sample("stop-instance"))):
        ecs.comes_up(ecs.only_task())
    assert invoke("status", userId=USER)["status"] == "stopping"
    AWS.queue.clear()  # its own invocation met the lock
    invoke(sample("auto-shutdown-check"))
    assert ecs.tasks() == []


def test_a_late_event_does_not_postpone_a_stop(running, invoke, ecs, freezer, meanwhile):
    event = ecs.up(running)
    with meanwhile("UpdateItem", lambda: invoke(sample("stop-instance"))):
        invoke(event)
    AWS.queue.clear()
    freezer.tick(60)
    invoke(sample("auto-shutdown-check"))
    assert ecs.tasks() == []


def test_a_server_waits_with_a_reason_for_a_route_of_a_full_load_balancer(
    created, invoke, ecs, freezer, meanwhile
):
    def full():
        raise ClientError({"Error": {"Code": "TooManyRules", "Message": "full"}}, "CreateRule")

    invoke(sample("start-instance"))
    ecs.up(ecs.only_task())
    freezer.tick(120)
    with meanwhile("CreateRule", full):
        invoke(sample("auto-shutdown-check"))
    status = invoke("status", userId=USER)
    assert status["status"] == "starting"
    assert "load balancer" in status["message"]
    freezer.tick(300)
    invoke(sample("auto-shutdown-check"))
    status = invoke("status", userId=USER)
    assert status["status"] == "running"
    assert "load balancer" not in status["message"]
