"""The tests' AWS itself: ECS plays services as strictly as the real one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import fargate as playing
from tests import world
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
