"""Many members' servers at once on the embedded AWS, played lightly: addresses that answer, no processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local import embedded
from tests.embedded.conftest import free_port
from tests.processes import descendants

pytestmark = pytest.mark.embedded

CLUSTER = "played"
MANY = 40  # more than run at once where processes play them
SCRIPTED = [
    {"name": "prepare", "image": "ghcr.io/felddy/foundryvtt:13", "essential": False},
    {
        "name": "foundry",
        "image": "ghcr.io/felddy/foundryvtt:13",
        "dependsOn": [{"containerName": "prepare", "condition": "SUCCESS"}],
        "portMappings": [{"containerPort": 30000}],
    },
]


@pytest.fixture(scope="module")
def aws() -> Iterator[embedded.Embedded]:
    with embedded.running(free_port(), servers=CLUSTER, lightly=True) as aws:
        ecs = aws.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        purge = {"name": "purge", "image": "busybox"}
        for family, containers in (("server", SCRIPTED), ("purge", [purge])):
            ecs.register_task_definition(family=family, containerDefinitions=containers)
        yield aws


def run(aws: embedded.Embedded, family: str, count: int = 1, **variables: str) -> list[str]:
    given = [{"name": name, "value": value} for name, value in variables.items()]
    override = {"containerOverrides": [{"name": "foundry", "environment": given}]}
    started = aws.client("ecs").run_task(
        cluster=CLUSTER,
        taskDefinition=family,
        launchType="FARGATE",
        count=count,
        overrides=override,
    )
    return [task["taskArn"] for task in started["tasks"]]


def become(aws: embedded.Embedded, tasks: list[str], status: str) -> list[dict[str, Any]]:
    give_up = time.monotonic() + 20
    while True:
        shown = aws.client("ecs").describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
        if all(task["lastStatus"] == status for task in shown):
            return shown
        assert time.monotonic() < give_up, shown
        time.sleep(0.1)


def address(task: dict[str, Any]) -> str:
    (interface,) = task["attachments"]
    found = {each["name"]: each["value"] for each in interface["details"]}
    return found["privateIPv4Address"]


def says(task: dict[str, Any]) -> dict[str, Any]:
    return requests.get(f"http://{address(task)}:30000/api/status", timeout=5).json()


def test_many_answer_each_at_its_own_address_until_they_are_stopped(aws):
    tasks = [task for _ in range(MANY // 10) for task in run(aws, "server", count=10)]
    shown = become(aws, tasks, "RUNNING")
    assert len({address(task) for task in shown}) == MANY
    assert all(says(task) == {"active": False, "version": "13.351"} for task in shown)
    assert not descendants(aws.process.pid)
    for task in tasks:
        aws.client("ecs").stop_task(cluster=CLUSTER, task=task)
    for ended in become(aws, tasks, "STOPPED"):
        assert ended["stopCode"] == "UserInitiated"
        assert [container["exitCode"] for container in ended["containers"]] == [0, 0]
        with pytest.raises(requests.ConnectionError):
            says(ended)


def test_a_world_is_open_from_the_start_until_its_administrator_shuts_it(aws):
    (shown,) = become(aws, run(aws, "server", FOUNDRY_WORLD="keep"), "RUNNING")
    assert says(shown)["active"]
    url = f"http://{address(shown)}:30000"
    entered = requests.post(f"{url}/auth", data={}, allow_redirects=False, timeout=5)
    assert entered.headers["Location"] == "/setup"
    assert requests.post(f"{url}/setup", json={"shutdown": True}, timeout=5).ok
    assert says(shown)["active"] is False


def test_what_serves_nothing_ends_by_itself(aws):
    (shown,) = become(aws, run(aws, "purge"), "STOPPED")
    assert shown["stopCode"] == "EssentialContainerExited"
    assert shown["containers"][0]["exitCode"] == 0
