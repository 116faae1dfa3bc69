"""Members' servers as tasks on an embedded AWS that really runs them, defined as the platform defines them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import requests

from actions.instances.definition import CONTAINER, PREPARE, definition
from local import embedded, foundry, foundry_image, places
from services.instances import Complete
from services.settings import Settings
from tests.world import least_environment

CLUSTER = "foundry-local"
GROUP = f"/ecs/{CLUSTER}"
KEY, ADMIN_KEY = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF1", "the-admin-key"
BUILD = "13.351"
Task = dict[str, Any]
Found = TypeVar("Found")


def until(found: Callable[[], Found], within: float = 15) -> Found:
    """What is found, as soon as it is anything."""
    give_up = time.monotonic() + within
    while not (it := found()):
        assert time.monotonic() < give_up, it
        time.sleep(0.02)
    return it


class Servers:
    """What a stack has: clusters, files, releases; and what members' servers need besides."""

    def __init__(self, aws: embedded.Embedded) -> None:
        self.aws = aws
        self.ecs, self.logs, self._efs = (aws.client(name) for name in ("ecs", "logs", "efs"))
        for cluster in (CLUSTER, f"{CLUSTER}-releases"):
            self.ecs.create_cluster(clusterName=cluster)
        self.logs.create_log_group(logGroupName=GROUP)
        self._files = self._efs.create_file_system(CreationToken="files")["FileSystemId"]
        self.releases = self.access_point("/releases")
        given = {name.lower(): value for name, value in least_environment().items()}
        given |= {"stack": CLUSTER, "file_system_id": self._files, "domain": "play.example"}
        given |= {"releases_access_point_id": self.releases, "aws_region": embedded.REGION}
        listener = f"arn:aws:elasticloadbalancing:{embedded.REGION}:000000000000:listener/app/x/1/2"
        given |= {"listener_arn": listener}
        self.settings = Settings.model_validate(given)
        self._ids = map("{:012x}".format, count(1))
        foundry_image.publish(BUILD, self.directory("/releases") / f"foundryvtt-{BUILD}.zip")

    def access_point(self, path: str) -> str:
        """A directory of the file system, by the access point that leads to it."""
        made = self._efs.create_access_point(
            ClientToken=path, FileSystemId=self._files, RootDirectory={"Path": path}
        )
        return str(made["AccessPointId"])

    def directory(self, path: str) -> Path:
        """Where a directory of the file system is."""
        return places.files(self.aws.directory, self._files, path)

    def server(self, **changed: Any) -> Server:
        """A member's server that was never started; `changed` is of its record."""
        return Server(self, next(self._ids), changed)

    def run(self, defined: dict[str, Any], environment: dict[str, dict[str, str]]) -> str:
        """Register a definition and run a task of it; returns the task's ARN."""
        registered = self.ecs.register_task_definition(**defined)["taskDefinition"]
        overrides = [
            {"name": name, "environment": [{"name": k, "value": v} for k, v in variables.items()]}
            for name, variables in environment.items()
        ]
        started = self.ecs.run_task(
            cluster=CLUSTER,
            taskDefinition=registered["taskDefinitionArn"],
            launchType="FARGATE",
            startedBy="run-1",
            overrides={"containerOverrides": overrides},
        )
        return str(started["tasks"][0]["taskArn"])

    def task(self, arn: str) -> Task:
        """As ECS describes it."""
        described: Task = self.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
        return described

    def becomes(self, arn: str, status: str, within: float = 15) -> Task:
        """The task, once it has a status."""

        def found() -> Task | None:
            task = self.task(arn)
            assert task["lastStatus"] != "STOPPED" or status == "STOPPED", task
            return task if task["lastStatus"] == status else None

        return until(found, within) or {}


class Server:
    """A member's server."""

    def __init__(self, servers: Servers, instance_id: str, changed: dict[str, Any]) -> None:
        self._servers = servers
        self.id, self.host = instance_id, f"t{instance_id}.play.example"
        self.data = servers.directory(f"/instances/{instance_id}")
        secret = {
            "awsConfig": "{}",
            "licenseKey": KEY,
            "adminKey": ADMIN_KEY,
            "username": "ada",
            "password": "secret",
        }
        made = servers.aws.client("secretsmanager").create_secret(
            Name=f"{CLUSTER}/{instance_id}", SecretString=json.dumps(secret)
        )
        record = {
            "userId": "ada",
            "instanceId": instance_id,
            "host": self.host,
            "foundryVersion": "13",
            "operatorAccount": True,
            "accessPointId": servers.access_point(f"/instances/{instance_id}"),
            "secretArn": made["ARN"],
        }
        self.instance = cast("Complete", record | changed)

    def definition(self, **foundry_container: Any) -> dict[str, Any]:
        """The platform's definition of its task, with some of Foundry's container changed."""
        defined = definition(self.instance, self._servers.settings, self.instance["secretArn"])
        [container] = [c for c in defined["containerDefinitions"] if c["name"] == CONTAINER]
        container |= foundry_container
        return defined

    def starts(self, **foundry_container: Any) -> str:
        """Its task's ARN."""
        return self._servers.run(self.definition(**foundry_container), {})

    def comes_up(self, **foundry_container: Any) -> str:
        """Its task's ARN, once it answers."""
        task = self.starts(**foundry_container)
        self._servers.becomes(task, "RUNNING")
        until(lambda: self.asks(task, "/api/status"))
        return task

    def asks(
        self, task: str, path: str, form: dict[str, str] | None = None, **more: Any
    ) -> requests.Response | None:
        """What it answers to a GET, or to a form; None while it does not."""
        url = f"http://{address_of(self._servers.task(task))}:30000{path}"
        method = "POST" if form is not None else "GET"
        try:
            return requests.request(
                method, url, data=form, allow_redirects=False, timeout=5, **more
            )
        except requests.ConnectionError:
            return None

    def is_signed(self) -> None:
        """As if its administrator had signed the licence, for the name that it always has."""
        config = self.data / "Config"
        config.mkdir(parents=True, exist_ok=True)
        key, host = KEY.replace("-", ""), f"foundry-{self.id}"
        signed = {"license": key, "host": host, "signature": foundry.signature(key, host)}
        (config / "license.json").write_text(json.dumps(signed))

    def has_world(self) -> None:
        """As if it had been played on, and a member had set that world to be opened."""
        self.is_signed()
        foundry.make_world(self.data, "keep", "The Keep", BUILD)
        (self.data / "Config/options.json").write_text(json.dumps({"world": "keep"}))

    def open_databases(self) -> set[str]:
        """Those of its worlds that are open, or were left so."""
        return {path.parent.name for path in self.data.glob("Data/worlds/*/data/*/OPEN")}

    def goes_wrong(self, does: str, times: int | None = None) -> None:
        """Let something go wrong."""
        foundry.set_switch(places.switches(self._servers.aws.directory), self.host, does, times)

    def log(self, task: str, container: str = CONTAINER) -> list[str]:
        """What its container has said."""
        stream = f"{self.id}/{container}/{task.rpartition('/')[2]}"
        where = {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True}
        try:
            return [e["message"] for e in self._servers.logs.get_log_events(**where)["events"]]
        except self._servers.logs.exceptions.ResourceNotFoundException:  # it has not begun
            return []

    def says(self, task: str, text: str, container: str = CONTAINER) -> str:
        """The first line of the log that has the text, once there is one."""
        return until(lambda: next((x for x in self.log(task, container) if text in x), ""))


def address_of(task: Task) -> str:
    """The task's own, as its network attachment says it."""
    details = [detail for each in task["attachments"] for detail in each["details"]]
    return str(next(d["value"] for d in details if d["name"] == "privateIPv4Address"))


def exit_codes(task: Task) -> dict[str, int | None]:
    """How the task's containers ended."""
    codes = {c["name"]: c.get("exitCode") for c in task["containers"]}
    assert set(codes) <= {CONTAINER, PREPARE, "purge"}
    return codes
