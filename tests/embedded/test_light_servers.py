"""Many members' servers at once on the embedded AWS, played lightly: addresses that answer, no processes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local import embedded
from tests.embedded.conftest import free_port
from tests.processes import descendants

pytestmark = pytest.mark.embedded

CLUSTER, BUCKET = "played", "saves"
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
FILES: list[dict[str, Any]] = [
    {"name": "restic", "image": "docker.io/restic/restic@sha256:1", "essential": False},
    {
        "name": "files",
        "image": "public.ecr.aws/docker/library/python@sha256:2",
        "dependsOn": [{"containerName": "restic", "condition": "SUCCESS"}],
    },
]


@pytest.fixture(scope="module")
def aws() -> Iterator[embedded.Embedded]:
    with embedded.running(free_port(), servers=CLUSTER, lightly=True) as aws:
        ecs = aws.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        purge = {"name": "purge", "image": "busybox"}
        role = "arn:aws:iam::000000000000:role/files"
        told = {"S3_ENDPOINT": aws.endpoint, "AWS_REGION": embedded.REGION, "BUCKET": BUCKET}
        FILES[1]["environment"] = variables(**told, REPOSITORY="repository")
        for family, containers in (("server", SCRIPTED), ("purge", [purge]), ("files", FILES)):
            ecs.register_task_definition(
                family=family, containerDefinitions=containers, taskRoleArn=role
            )
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield aws


def variables(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def run(aws: embedded.Embedded, family: str, count: int = 1, **given: str) -> list[str]:
    name = "files" if family == "files" else "foundry"
    override = {"containerOverrides": [{"name": name, "environment": variables(**given)}]}
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


def test_what_handles_files_reports_that_it_has(aws):
    def reported(run_id: str, **order: Any) -> dict[str, Any]:
        order |= {"run": run_id}
        (shown,) = become(aws, run(aws, "files", ORDER=json.dumps(order)), "STOPPED")
        assert [container["exitCode"] for container in shown["containers"]] == [0, 0]
        key = f"results/repository/{run_id}.json"
        return json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())

    saved = reported("run-1", do="save", forget=["old"])
    snapshot = hashlib.sha256(b"run-1").hexdigest()
    assert (saved["run"], saved["snapshot"], saved["forgot"]) == ("run-1", snapshot, ["old"])
    restored = reported("run-2", do="restore", snapshot=snapshot, what={"all": True})
    assert restored["restored"] == {"files": 1, "bytes": 1}


def test_a_save_is_of_a_later_second_than_what_came_before_it(aws):
    """Of one second the platform cannot tell which was first, and has what has stopped saved once more."""
    for number in range(3):
        order = {"do": "save", "run": f"quick-{number}"}
        before = int(time.time())
        become(aws, run(aws, "files", ORDER=json.dumps(order)), "STOPPED")
        key = f"results/repository/{order['run']}.json"
        report = aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert json.loads(report)["at"] > before
