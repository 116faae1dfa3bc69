"""The tests' AWS itself: ECS plays services as strictly as the real one."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import fargate as playing
from tests import world
from tests.lagging.lag import BUSY, ECS_SECONDS, FRESH, GAPS, LAG, STALE
from tests.lagging.refusals import INTERFACE_SECONDS
from tests.model import emulated
from tests.world import client

pytestmark = pytest.mark.slow

TOKEN = "6f1f4ad4-7f0c-4c55-9a2c-0c9f4e2d8a11"  # a function's id, which is a uuid
FAMILY = f"{world.STACK}_fn-ada-dice-0c9f4e2d8a11"
NAME = "fn-ada-dice-0c9f4e2d8a11"
CLUSTER = playing.CLUSTER


@pytest.fixture
def fargate(fargate):
    fargate.deliver = list[Any]().append  # nobody is told
    return fargate


@pytest.fixture
def group(aws):
    return make_group(aws)


def make_group(aws, name=f"{world.STACK}/4f1c"):
    made = client("ec2").create_security_group(
        GroupName=name, Description="functions of one tenant", VpcId=aws["VPC_ID"]
    )
    return made["GroupId"]


@pytest.fixture
def define(aws):
    def register(image="dice:1"):
        logs = {
            "awslogs-group": f"/ecs/{world.STACK}",
            "awslogs-region": world.REGION,
            "awslogs-stream-prefix": "fn-0c9f4e2d8a11",
        }
        made = client("ecs").register_task_definition(
            family=FAMILY,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            tags=[{"key": "stack", "value": world.STACK}],
            containerDefinitions=[
                {
                    "name": "main",
                    "image": image,
                    "memory": 512,
                    "logConfiguration": {"logDriver": "awslogs", "options": logs},
                }
            ],
        )
        return made["taskDefinition"]["taskDefinitionArn"]

    return register


@pytest.fixture
def create(aws, group, define):
    definition = define()

    def make(**different):
        asked = {
            "cluster": CLUSTER,
            "serviceName": NAME,
            "clientToken": TOKEN,
            "taskDefinition": definition,
            "launchType": "FARGATE",
            "desiredCount": 2,
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": aws["TASK_SUBNETS"].split(","),
                    "securityGroups": [group],
                    "assignPublicIp": "DISABLED",
                }
            },
            "propagateTags": "TASK_DEFINITION",
        }
        return client("ecs").create_service(**asked | different)["service"]

    return make


def described(*names):
    return client("ecs").describe_services(cluster=CLUSTER, services=list(names or [NAME]))


def counts():
    (service,) = described()["services"]
    return service["runningCount"], service["pendingCount"]


def update(**changes):
    return client("ecs").update_service(cluster=CLUSTER, service=NAME, **changes)["service"]


def delete(**more):
    return client("ecs").delete_service(cluster=CLUSTER, service=NAME, **more)["service"]


def refused(call, *given, **asked):
    with pytest.raises(ClientError) as error:
        call(*given, **asked)
    said = error.value.response["Error"]
    return said["Code"], said["Message"]


def test_a_service_starts_as_many_tasks_as_are_wanted(create, fargate):
    made = create()
    assert (made["status"], made["runningCount"], made["desiredCount"]) == ("ACTIVE", 0, 2)
    fargate.start_tasks()
    assert counts() == (0, 2)
    fargate.settle()
    assert counts() == (2, 0)
    (deployment,) = described()["services"][0]["deployments"]
    assert deployment["rolloutState"] == "COMPLETED"
    task = fargate.task(fargate.tasks()[0])
    assert (task["group"], task["startedBy"]) == (f"service:{NAME}", deployment["id"])
    assert task["containers"][0]["lastStatus"] == "RUNNING"
    assert len(task["startedBy"].removeprefix("ecs-svc/")) == 19


def test_every_step_of_a_task_is_told(create, fargate):
    create(desiredCount=1)
    with fargate.holding_back() as events:
        fargate.settle()
        delete(force=True)
        fargate.settle()
    told = [(e["detail"]["lastStatus"], e["detail"]["desiredStatus"]) for e in events]
    assert told == [
        ("PROVISIONING", "RUNNING"),
        ("PENDING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("DEACTIVATING", "STOPPED"),
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]
    last = events[-1]["detail"]
    assert last["stopCode"] == "ServiceSchedulerInitiated"
    assert last["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")
    assert [event["detail"]["version"] for event in events] == [1, 2, 3, 4, 5, 6]


def test_what_is_done_upon_an_event_is_taken_up_at_once(create, define, fargate):
    create()
    new = define("dice:2")
    upon = {
        ("PENDING", 1): lambda: update(taskDefinition=new),
        ("RUNNING", 3): lambda: update(desiredCount=1),
        ("DEACTIVATING", 3): lambda: delete(force=True),
    }
    told = Counter[str]()

    def act(event):
        status = event["detail"]["lastStatus"]
        told[status] += 1
        upon.get((status, told[status]), dict)()

    fargate.deliver = act
    fargate.settle()
    assert told["DEACTIVATING"] >= 3
    assert fargate.services("INACTIVE") == [NAME]
    assert fargate.tasks() == []


def test_a_creation_that_is_repeated_is_the_same_service(create, fargate):
    made = create()
    fargate.settle()
    again = create()
    assert again["serviceArn"] == made["serviceArn"]
    assert again["runningCount"] == 2, "as it is now"
    assert len(fargate.tasks()) == 2


@pytest.mark.parametrize(
    "different",
    [
        {"desiredCount": 3},
        {"clientToken": "another"},
        {"serviceName": "fn-another"},
    ],
)
def test_a_name_or_a_token_that_is_in_use_is_refused_to_another_service(different, create):
    create()
    said = ("InvalidParameterException", "Creation of service was not idempotent.")
    assert refused(create, **different) == said


def test_a_name_is_free_again_once_its_service_is_inactive(create, fargate):
    create()
    fargate.settle()
    delete(force=True)
    draining = ("InvalidParameterException", "Unable to Start a service that is still Draining.")
    assert refused(create) == draining
    fargate.settle()
    assert described()["services"][0]["status"] == "INACTIVE"
    create()
    assert fargate.services() == [NAME]


@pytest.mark.parametrize(
    ("different", "code"),
    [
        ({"cluster": "nowhere"}, "ClusterNotFoundException"),
        ({"serviceName": "with.a.point"}, "ValidationException"),
        ({"serviceName": "x" * 256}, "ValidationException"),
        ({"clientToken": "x" * 37}, "ValidationException"),
        ({"taskDefinition": "nothing"}, "ClientException"),
        ({"tags": [{"key": "aws:reserved", "value": "x"}]}, "ValidationException"),
    ],
)
def test_what_ecs_does_not_take_makes_no_service(different, code, create, fargate):
    assert refused(create, **different)[0] == code
    assert fargate.services() == []


def test_a_group_that_there_is_not_is_refused_to_a_service_and_to_a_task(aws, create, define):
    network = {
        "subnets": aws["TASK_SUBNETS"].split(","),
        "securityGroups": ["sg-0f1e2d3c4b5a69788"],
    }
    asked = {"networkConfiguration": {"awsvpcConfiguration": network}}
    for call in (
        lambda: create(**asked),
        lambda: run(define(), network),
        lambda: create() and update(**asked),
    ):
        code, said = refused(call)
        assert code == "InvalidParameterException"
        assert "does not exist (ErrorCode: InvalidGroup.NotFound)" in said


def test_a_task_definition_that_is_inactive_starts_nothing_new(create, define, fargate):
    old = create()["taskDefinition"]
    new = define("dice:2")
    update(taskDefinition=new)
    for arn in (old, new):
        client("ecs").deregister_task_definition(taskDefinition=arn)
    inactive = ("ClientException", "TaskDefinition is inactive")
    assert refused(create, serviceName="fn-another", clientToken="another") == inactive
    assert refused(update, taskDefinition=old) == inactive
    update(desiredCount=3)
    fargate.settle()
    assert counts() == (3, 0), "a service that has it goes on with it"


def test_an_update_changes_what_is_wanted_and_not_what_runs(create, fargate):
    create()
    fargate.settle()
    answer = update(desiredCount=5)
    assert (answer["desiredCount"], answer["runningCount"], answer["pendingCount"]) == (5, 2, 0)
    fargate.start_tasks()
    assert counts() == (2, 3)
    fargate.settle()
    assert counts() == (5, 0)
    update(desiredCount=0)
    assert counts() == (5, 0)
    fargate.settle()
    assert counts() == (0, 0)


def test_new_tasks_run_before_those_that_they_replace_are_stopped(create, define, fargate):
    create()
    fargate.settle()
    old = fargate.tasks()
    update(taskDefinition=define("dice:2"))
    primary, before = described()["services"][0]["deployments"]
    assert (primary["status"], before["status"]) == ("PRIMARY", "ACTIVE")
    new = fargate.start_tasks()
    assert len(new) == 2, "at most twice as many as are wanted"
    assert fargate.stop_tasks() == []
    fargate.come_up(new[0])
    assert len(fargate.stop_tasks()) == 1
    fargate.settle()
    assert set(fargate.tasks()) == set(new)
    assert set(fargate.tasks("STOPPED")) == set(old)
    (primary,) = described()["services"][0]["deployments"]
    assert primary["rolloutState"] == "COMPLETED"
    assert fargate.task(new[0])["containers"][0]["image"] == "dice:2"


def test_a_change_of_the_count_alone_is_no_new_deployment(create, fargate):
    first = create()["deployments"][0]["id"]
    (deployment,) = update(
        desiredCount=1, taskDefinition=described()["services"][0]["taskDefinition"]
    )["deployments"]
    assert deployment["id"] == first
    (deployment,) = update(forceNewDeployment=True)["deployments"]
    assert deployment["id"] != first


def test_only_an_active_service_can_be_updated(create, fargate):
    assert refused(update, desiredCount=1) == ("ServiceNotFoundException", "Service not found.")
    create()
    fargate.settle()
    delete(force=True)
    not_active = ("ServiceNotActiveException", "Service was not ACTIVE.")
    assert refused(update, desiredCount=1) == not_active
    fargate.settle()
    assert refused(update, desiredCount=1) == not_active


def test_a_service_drains_until_its_tasks_are_stopping(create, fargate):
    create(desiredCount=1)
    fargate.settle()
    assert delete(force=True)["status"] == "DRAINING"
    (arn,) = fargate.stop_tasks()
    assert described()["services"][0]["status"] == "DRAINING"
    fargate.becomes(arn, "STOPPING")
    assert fargate.deactivate() == [NAME]
    assert described()["services"][0]["status"] == "INACTIVE"
    assert fargate.task(arn)["lastStatus"] == "STOPPING"


def test_a_service_without_tasks_is_inactive_at_once(create):
    create()
    assert delete(force=True)["status"] == "INACTIVE"


def test_a_service_that_is_scaled_above_nothing_is_deleted_by_force_only(create, define, fargate):
    create()
    said = "The service cannot be stopped while it is scaled above 0."
    assert refused(delete) == ("InvalidParameterException", said)
    fargate.settle()
    update(desiredCount=0, taskDefinition=define("dice:2"))
    said = "The service cannot be stopped while deployments are active."
    assert refused(delete) == ("InvalidParameterException", said)
    fargate.settle()
    assert delete()["status"] == "INACTIVE"


def test_what_is_deleted_can_be_deleted_again_until_ecs_forgets_it(create, fargate):
    unknown = ("ServiceNotFoundException", "Service not found.")
    assert refused(delete, force=True) == unknown
    create()
    fargate.settle()
    assert [delete(force=True)["status"] for _ in range(2)] == ["DRAINING", "DRAINING"]
    fargate.settle()
    assert delete(force=True)["status"] == "INACTIVE"
    fargate.forgets_service(NAME)
    assert refused(delete, force=True) == unknown
    assert [failure["reason"] for failure in described()["failures"]] == ["MISSING"]


def test_ten_services_are_described_at_once_and_no_more(create):
    made = create()
    answer = described(NAME, "unknown")
    assert [service["serviceArn"] for service in answer["services"]] == [made["serviceArn"]]
    place = made["serviceArn"].rpartition("/")[0]
    assert answer["failures"] == [{"arn": f"{place}/unknown", "reason": "MISSING"}]
    assert len(described(*[f"s{n}" for n in range(10)])["failures"]) == 10
    assert refused(described, *[f"s{n}" for n in range(11)])[0] == "InvalidParameterException"


def test_tasks_are_listed_by_their_service(aws, group, create, define, fargate):
    create()
    create(serviceName="fn-another", clientToken="another", desiredCount=1)
    fargate.settle()
    network = {"subnets": aws["TASK_SUBNETS"].split(","), "securityGroups": [group]}
    alone = run(define(), network)

    def listed(**filters):
        return sorted(client("ecs").list_tasks(cluster=CLUSTER, **filters)["taskArns"])

    assert listed(serviceName=NAME) == fargate.tasks(service=NAME)
    assert len(listed(serviceName=NAME)) == 2
    assert len(listed(family=FAMILY)) == 4
    assert listed(startedBy="a-run") == [alone]
    assert client("ecs").list_tasks(cluster=world.STACK)["taskArns"] == []
    update(desiredCount=0)
    fargate.settle()
    assert listed(serviceName=NAME) == []
    assert listed(serviceName=NAME, desiredStatus="STOPPED") == fargate.tasks("STOPPED")
    code, _ = refused(listed, serviceName="unknown")
    assert code == "ServiceNotFoundException"


def run(definition, network, token="a-run"):
    (task,) = client("ecs").run_task(
        cluster=CLUSTER,
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
        clientToken=token,
        startedBy=token,
    )["tasks"]
    return task["taskArn"]


@pytest.fixture
def alone(aws, group, define, fargate):
    """A task that runs once, and not for a service."""
    network = {"subnets": aws["TASK_SUBNETS"].split(","), "securityGroups": [group]}
    return run(define(), network)


def test_a_task_by_itself_comes_up_ends_and_is_not_started_again(alone, fargate):
    assert fargate.task(alone)["lastStatus"] == "PROVISIONING"
    fargate.settle()
    assert fargate.task(alone)["lastStatus"] == "PROVISIONING", "it is the test that moves it"
    fargate.exit(alone)
    task = fargate.task(alone)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert task["containers"][0]["exitCode"] == 0
    assert task["createdAt"] <= task["startedAt"] <= task["stoppedAt"]
    fargate.settle()
    assert fargate.tasks() == []


def test_a_task_that_is_asked_to_stop_runs_for_a_while(alone, fargate):
    fargate.come_up(alone)
    client("ecs").stop_task(cluster=CLUSTER, task=alone, reason="deleted")
    task = fargate.task(alone)
    assert (task["lastStatus"], task["desiredStatus"]) == ("RUNNING", "STOPPED")
    fargate.settle()
    task = fargate.task(alone)
    assert (task["lastStatus"], task["stoppedReason"]) == ("STOPPED", "deleted")
    assert task["stopCode"] == "UserInitiated"


def test_a_token_of_one_cluster_is_free_in_another(aws, alone, fargate):
    other = client("ecs").run_task(
        cluster=world.STACK,
        taskDefinition=FAMILY,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": aws["TASK_SUBNETS"].split(","),
                "securityGroups": [aws["TASK_SECURITY_GROUP"]],
            }
        },
        clientToken="a-run",
    )["tasks"][0]["taskArn"]
    assert other != alone
    answer = client("ecs").describe_tasks(cluster=CLUSTER, tasks=[other])
    assert answer["failures"] == [{"arn": other, "reason": "MISSING"}]


def test_a_task_that_crashes_is_replaced(create, fargate):
    create(desiredCount=1)
    fargate.settle()
    (arn,) = fargate.tasks()
    fargate.crash(arn)
    task = fargate.task(arn)
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == 1
    assert counts() == (0, 0)
    fargate.settle()
    assert counts() == (1, 0)
    assert fargate.tasks() != [arn]


def test_an_image_that_there_is_not_lets_no_task_start(create, fargate):
    create(desiredCount=1)
    for _ in range(2):
        (arn,) = fargate.start_tasks()
        fargate.cannot_pull(arn)
    task = fargate.task(arn)
    said = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
    assert task["stoppedReason"].startswith(f"{said}docker.io/library/dice:1: ")
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert "startedAt" not in task
    assert "exitCode" not in task["containers"][0]
    (service,) = described()["services"]
    assert service["deployments"][0]["failedTasks"] == 2
    assert "was unable to place a task. Reason: CannotPull" in service["events"][0]["message"]


def test_a_task_that_takes_too_much_memory_is_killed(create, fargate):
    create(desiredCount=1)
    fargate.settle()
    (arn,) = fargate.tasks()
    fargate.out_of_memory(arn)
    (container,) = fargate.task(arn)["containers"]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_line_is_in_the_stream_of_its_task(create, fargate, freezer):
    create(desiredCount=1)
    fargate.settle()
    (arn,) = fargate.tasks()
    now = int(time.time() * 1000)
    fargate.log(arn, "rolled a 20", at_ms=now - 5)
    fargate.log(arn, "rolled a 1")
    stream = f"fn-0c9f4e2d8a11/main/{arn.split('/')[-1]}"
    found = client("logs").get_log_events(
        logGroupName=playing.LOGS, logStreamName=stream, startFromHead=True
    )["events"]
    told = [(event["timestamp"], event["message"]) for event in found]
    assert told == [(now - 5, "rolled a 20"), (now, "rolled a 1")]


def test_a_network_has_one_group_of_a_name(aws, group):
    for name in (f"{world.STACK}/4f1c", f"{world.STACK}/4f1c".upper()):
        assert refused(make_group, aws, name)[0] == "InvalidGroup.Duplicate"


@pytest.mark.parametrize("name", ["sg-mine", "with|bar", "ümlaut", "x" * 256])
def test_a_groups_name_has_no_other_characters_than_ec2_allows(name, aws):
    assert refused(make_group, aws, name)[0] == "ValidationException"


def drop(group):
    client("ec2").delete_security_group(GroupId=group)


def test_a_group_goes_with_the_last_interface_that_has_it(group, create, fargate):
    create(desiredCount=1)
    fargate.start_tasks()
    in_use = ("DependencyViolation", f"resource {group} has a dependent object")
    assert refused(drop, group) == in_use
    fargate.settle()
    delete(force=True)
    (arn,) = fargate.stop_tasks()
    fargate.becomes(arn, "DEPROVISIONING")
    fargate.deactivate()
    assert fargate.services("INACTIVE") == [NAME]
    assert refused(drop, group) == in_use, "though the service is gone"
    fargate.settle()
    drop(group)
    assert refused(drop, group)[0] == "InvalidGroup.NotFound"


def test_a_service_whose_group_is_gone_starts_nothing_and_says_why(group, create, fargate):
    create()
    drop(group)
    fargate.settle()
    assert fargate.tasks() == []
    (service,) = described()["services"]
    assert f"The security group '{group}' does not exist" in service["events"][0]["message"]


def test_what_is_left_over_is_named(create, group, fargate):
    assert [what.partition(" ")[0] for what in playing.leftovers()] == ["security", "task"]
    definition = create(desiredCount=1)["taskDefinition"]
    fargate.settle()
    fargate.log(fargate.tasks()[0], "x")
    secret = f"{world.STACK}/fn-0c9f4e2d8a11"
    client("secretsmanager").create_secret(Name=secret, SecretString="x")
    said = "\n".join(playing.leftovers())
    for what in (f"service {NAME} is ACTIVE", "is RUNNING", "log stream fn-", f"secret {secret}"):
        assert what in said
    assert f"task definition {FAMILY}:1 is ACTIVE" in said
    assert f"security group {world.STACK}/4f1c" in said

    delete(force=True)
    fargate.settle()
    drop(group)
    client("ecs").deregister_task_definition(taskDefinition=definition)
    assert f"task definition {FAMILY}:1 is INACTIVE" in playing.leftovers()
    client("ecs").delete_task_definitions(taskDefinitions=[definition])
    client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    (stream,) = emulated.log_streams(playing.LOGS)
    client("logs").delete_log_stream(logGroupName=playing.LOGS, logStreamName=stream)
    assert playing.leftovers() == []


def test_a_task_writes_its_log_though_its_definition_is_deleted_meanwhile(create, fargate):
    definition = create(desiredCount=1)["taskDefinition"]
    fargate.settle()
    client("ecs").deregister_task_definition(taskDefinition=definition)
    client("ecs").delete_task_definitions(taskDefinitions=[definition])
    fargate.log(fargate.tasks()[0], "x")
    assert len(emulated.log_streams(playing.LOGS)) == 1


def test_several_services_can_be_made_at_once(create, fargate):
    names = [f"fn-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(lambda name: create(serviceName=name, clientToken=name), names))
    assert fargate.services() == sorted(names)
    assert len(described(*names[:10])["services"]) == 10


def test_a_copy_of_the_emulator_has_all_of_it(aws, create, group, fargate):
    create(desiredCount=1)
    made = emulated.Copy()
    before = playing.leftovers()
    fargate.settle()
    fargate.log(fargate.tasks()[0], "x")
    update(desiredCount=4)
    make_group(aws, "another")
    made.restore()
    assert playing.leftovers() == before
    assert described()["services"][0]["desiredCount"] == 1
    assert create(desiredCount=1)["status"] == "ACTIVE", "with its token"
    assert make_group(aws, "another")


# --- while AWS lags ---------------------------------------------------------------------------------


def asked_by_the_function(call, *given, **asked):
    with LAG.one_invocation():
        return call(*given, **asked)


def test_a_service_is_shown_as_it_was_for_five_minutes_and_no_longer(create, fargate, freezer):
    create(desiredCount=1)
    freezer.tick(ECS_SECONDS + 1)
    LAG.begin(1, STALE)
    fargate.settle()
    update(desiredCount=3)
    fargate.settle()
    asked_by_the_function(delete, force=True)
    fargate.settle()
    seen = []
    for _ in range(2 * ECS_SECONDS):
        freezer.tick(1)
        (service,) = asked_by_the_function(described)["services"]
        seen.append((service["status"], service["runningCount"]))
    assert {("ACTIVE", 0), ("ACTIVE", 1), ("ACTIVE", 3), ("INACTIVE", 0)} < set(seen)
    assert set(seen[ECS_SECONDS:]) == {("INACTIVE", 0)}
    assert described()["services"][0]["status"] == "INACTIVE", "what a test looks up is true"


def test_a_service_is_missing_for_five_minutes_at_most(create, fargate, freezer):
    create()
    fargate.settle()
    LAG.begin(3, GAPS)
    unseen, longest = 0, 0
    for _ in range(400):
        freezer.tick(20)
        answer = asked_by_the_function(described)
        assert len(answer["services"]) + len(answer["failures"]) == 1
        unseen = 0 if answer["services"] else unseen + 20
        longest = max(longest, unseen)
    assert 0 < longest <= ECS_SECONDS + 20


def test_a_list_of_a_services_tasks_lags_and_has_no_others(create, fargate, freezer):
    LAG.begin(1, STALE)
    create(desiredCount=1)
    create(serviceName="fn-another", clientToken="another", desiredCount=3)
    fargate.settle()
    (mine,) = fargate.tasks(service=NAME)
    seen = []
    for _ in range(2 * ECS_SECONDS):
        freezer.tick(1)
        answer = asked_by_the_function(client("ecs").list_tasks, cluster=CLUSTER, serviceName=NAME)
        seen.append(tuple(answer["taskArns"]))
    assert set(seen) == {(), (mine,)}
    assert set(seen[ECS_SECONDS:]) == {(mine,)}


def tries(call, *given, **asked):
    """The codes with which a call is refused until it is carried out."""
    codes = []
    while True:
        try:
            asked_by_the_function(call, *given, **asked)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        else:
            return codes


def test_a_fresh_service_may_not_be_found_yet(aws, define, fargate, create, freezer):
    met, before = Counter[str](), LAG.refused
    for number in range(20):
        LAG.begin(number, FRESH)
        token = f"fn-{number}"
        asked_by_the_function(create, serviceName=token, clientToken=token)
        change = {"cluster": CLUSTER, "service": token}
        met.update(tries(client("ecs").update_service, **change, desiredCount=1))
        assert tries(client("ecs").delete_service, **change, force=True) == []
    assert set(met) == {"ServiceNotFoundException"}
    assert LAG.refused == before + met.total()


def test_a_fresh_group_may_not_be_found_yet(aws, create, freezer):
    met, hidden = Counter[str](), 0
    for number in range(20):
        LAG.begin(number, FRESH)
        name = f"{world.STACK}/{number}"
        group = asked_by_the_function(make_group, aws, name)
        by_name = [{"Name": "group-name", "Values": [name]}]
        found = asked_by_the_function(client("ec2").describe_security_groups, Filters=by_name)
        hidden += not found["SecurityGroups"]
        network = {"subnets": aws["TASK_SUBNETS"].split(","), "securityGroups": [group]}
        named = {"serviceName": f"fn-{number}", "clientToken": f"fn-{number}"}
        met.update(tries(create, **named, networkConfiguration={"awsvpcConfiguration": network}))
        assert len(tries(client("ec2").delete_security_group, GroupId=group)) == 0
    assert set(met) == {"InvalidParameterException"}
    assert 0 < hidden < 20


def test_a_group_may_be_in_use_for_a_while_after_its_last_task(group, create, fargate, freezer):
    create(desiredCount=1)
    fargate.settle()
    delete(force=True)
    fargate.settle()
    met = []
    for seed in range(10):
        LAG.begin(seed, FRESH)
        made = emulated.Copy()
        met += tries(drop, group)
        made.restore()
    assert set(met) == {"DependencyViolation"}
    freezer.tick(INTERFACE_SECONDS + 1)
    assert tries(drop, group) == []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (described, "ThrottlingException"),
        (lambda: update(desiredCount=1), "ThrottlingException"),
        (
            lambda: client("logs").describe_log_streams(logGroupName=playing.LOGS),
            "ThrottlingException",
        ),
        (lambda: client("ec2").describe_security_groups(), "RequestLimitExceeded"),
    ],
)
def test_a_busy_aws_refuses_some_calls(call, code, create):
    create()
    LAG.begin(1, BUSY)
    before = LAG.refused
    met = [code for _ in range(60) for code in tries(call)]
    assert set(met) == {code}
    assert LAG.refused == before + len(met)
