"""Members' servers of the deployed stack: what the platform asks for really happens, seen from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from local import embedded, foundry, places, stack
from tests.embedded.conftest import free_port
from tests.embedded.deployed import Deployed
from tests.embedded.member import Member
from tests.world import sample

pytestmark = pytest.mark.embedded

GROUP = f"/ecs/{stack.STACK}"
ADMIN_KEY = "the-admin-key-of-a-test"
WORLD = "the-sunken-keep"
Found = TypeVar("Found")


def until(found: Callable[[], Found], within: float = 30) -> Found:
    """What is found, as soon as it is anything."""
    give_up = time.monotonic() + within
    while not (it := found()):
        assert time.monotonic() < give_up, it
        time.sleep(0.1)
    return it


@dataclass
class Table(Member):
    """A member's server, and what can be seen of it on this machine."""

    def comes_up(self) -> dict[str, Any]:
        """Start it and wait until the platform says that it runs; returns the task."""
        self.begins()
        return self.is_up()

    def begins(self) -> None:
        self.asks("start-instance")
        self.task = until(lambda: self.asks("status").get("taskArn", ""))

    def is_up(self) -> dict[str, Any]:
        """Wait until it runs, with somebody before its page."""

        def looks() -> bool:
            self.deployed.tasks.send()
            self.deployed.call(sample("table-state", host=self.host))
            return self.asks("status")["status"] == "running"

        until(looks, within=60)
        return self.shown()

    def shown(self) -> dict[str, Any]:
        return self.deployed.shown(self.task)

    def ended(self, within: float = 30) -> dict[str, Any]:
        """The task, once it has ended; the platform knows of it."""
        until(lambda: self.shown()["lastStatus"] == "STOPPED", within)
        self.deployed.tasks.send()
        return self.shown()

    @property
    def host(self) -> str:
        return f"{self.user}.{stack.parameters()['Domain']}"

    @property
    def url(self) -> str:
        (interface,) = self.shown()["attachments"]
        details = {each["name"]: each["value"] for each in interface["details"]}
        return f"http://{details['privateIPv4Address']}:30000"

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, allow_redirects=False, timeout=10)

    def says(self) -> dict[str, Any]:
        return self.get("/api/status").json()

    def signed_in(self, path: str = "/auth", **form: str) -> requests.Session:
        session = requests.Session()
        form |= {"action": "adminAuth", "adminPassword": ADMIN_KEY}
        answer = session.post(self.url + path, data=form, allow_redirects=False, timeout=10)
        assert answer.status_code == 302
        return session

    def opens_world(self) -> None:
        """The administrator signs, makes a world and launches it."""
        admin = self.signed_in("/license", agree="yes")
        for order in ({"action": "createWorld", "title": "The sunken keep"}, LAUNCH):
            assert admin.post(f"{self.url}/setup", json=order, timeout=10).ok
        assert self.says()["world"] == WORLD

    @property
    def data(self) -> Path:
        """Its /data, as the access point leads to it."""
        point = self.deployed.item("InstancesTable", {"userId": {"S": self.user}})["accessPointId"]
        efs = self.deployed.aws.client("efs")
        (found,) = efs.describe_access_points(AccessPointId=point["S"])["AccessPoints"]
        root = found["FileSystemId"], found["RootDirectory"]["Path"]
        return places.files(self.deployed.aws.directory, *root)

    def open_databases(self) -> list[str]:
        found = (self.data / "Data/worlds" / WORLD / "data").glob("*/OPEN")
        return sorted(path.parent.name for path in found)

    def is_made_to(self, does: str) -> None:
        foundry.set_switch(places.switches(self.deployed.aws.directory), self.host, does)

    def log(self, container: str = "foundry") -> str:
        """What a container has said, as CloudWatch Logs has it."""
        logs, task = self.deployed.aws.client("logs"), self.task.rpartition("/")[2]
        streams = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
        (name,) = (
            each["logStreamName"]
            for each in streams
            if each["logStreamName"].endswith(f"/{container}/{task}")
        )
        found = logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)
        return "\n".join(event["message"] for event in found["events"])


LAUNCH = {"action": "launchWorld", "world": WORLD}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch:
        for what, seconds in (("MACHINE", "0.2"), ("IMAGE", "0.5"), ("FOUNDRY", "1")):
            patch.setenv(f"PLAYED_{what}_SECONDS", seconds)
        with (
            embedded.running(free_port(), servers=stack.STACK) as aws,
            Deployed.behind_front(aws, SavesKept="0,0,0") as deployed,  # which test_saves.py plays
        ):
            yield deployed


@pytest.fixture
def table(deployed: Deployed, request: pytest.FixtureRequest) -> Iterator[Table]:
    """One of a member of this test's own; what runs of it afterwards is ended."""
    made = Table(deployed, request.node.name.removeprefix("test_").replace("_", "")[:20])
    made.makes(foundryAdminKey=ADMIN_KEY)
    yield made
    ecs, cluster = deployed.aws.client("ecs"), deployed.outputs["ClusterArn"]
    for task in ecs.list_tasks(cluster=cluster)["taskArns"]:
        ecs.stop_task(cluster=cluster, task=task)
    until(lambda: not ecs.list_tasks(cluster=cluster)["taskArns"])


def test_start_to_running(table: Table) -> None:
    """Its phases in order; then its own address answers, and the log and the release are where they belong."""
    table.begins()
    seen = [str(table.shown()["lastStatus"])]
    give_up = time.monotonic() + 30
    while seen[-1] != "RUNNING":
        assert time.monotonic() < give_up, seen
        status = table.shown()["lastStatus"]
        seen += [status] * (status != seen[-1])
    order = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    assert seen == order[order.index(seen[0]) :]
    task = table.is_up()
    moments = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt")
    assert [task[name] for name in moments] == sorted(task[name] for name in moments)
    prepare, main = task["containers"]
    assert (prepare["lastStatus"], prepare["exitCode"]) == ("STOPPED", 0)
    assert main["lastStatus"] == "RUNNING"
    build = table.says()["version"]
    assert table.says() == {"active": False, "version": build}
    assert table.get("/").headers["Location"] == "/license"
    assert f"Starting felddy/foundryvtt container v{build}" in table.log()
    assert "Server started and listening on port 30000" in table.log()
    assert '"awsConfig": "/prepared/aws.json"' in table.log()  # no path of this machine
    (release,) = table.deployed.aws.directory.glob("efs/*/**/foundryvtt-*.zip")
    assert release.name == f"foundryvtt-{build}.zip"
    assert list(json.loads((table.data / "Config/license.json").read_text())) == ["license"]


def test_stop_leaves_clean(table: Table) -> None:
    table.comes_up()
    table.opens_world()
    assert table.open_databases() == ["actors", "messages", "scenes"]
    table.asks("stop-instance")
    table.becomes("stopped")
    task = table.ended()
    assert task["stopCode"] == "UserInitiated"
    assert task["containers"][1]["exitCode"] == 0
    assert table.open_databases() == []
    assert not (table.data / "Config/options.json.lock").exists()


def test_signature_is_kept(table: Table) -> None:
    """The host name is the same in each task, whose address is not: what was signed once stays so."""
    table.comes_up()
    table.opens_world()
    table.asks("stop-instance")
    table.becomes("stopped")
    table.comes_up()
    assert "Software license verification succeeded" in table.log()
    assert table.get("/").headers["Location"] == "/setup"
    assert table.get("/setup").headers["Location"] == "/auth"


def test_crash_is_unclean(table: Table) -> None:
    table.comes_up()
    table.opens_world()
    table.is_made_to("crash")
    task = table.ended()
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][1]["exitCode"] == 1
    assert table.open_databases() == ["actors", "messages", "scenes"]


def test_out_of_memory(table: Table) -> None:
    table.comes_up()
    table.opens_world()
    table.is_made_to("out-of-memory")
    task = table.ended()
    main = task["containers"][1]
    assert main["exitCode"] == 137
    assert main["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert table.open_databases()


def test_full_disk(table: Table) -> None:
    table.comes_up()
    table.is_made_to("disk-full")
    assert table.ended()["containers"][1]["exitCode"] == 1
    assert "[error] ENOSPC: no space left on device, write" in table.log()


def test_purge_erases(table: Table) -> None:
    table.comes_up()
    data = table.data
    assert (data / "Config").exists()
    table.asks("stop-instance")
    table.becomes("stopped")
    table.asks("destroy-instance")
    table.is_gone()
    assert not data.exists()


def test_players_count_while_they_play(table: Table) -> None:
    table.comes_up()
    table.opens_world()
    assert table.get("/").headers["Location"] == "/join"
    player = requests.Session()
    player.post(f"{table.url}/join", data={"userid": "Alex"}, timeout=10)
    assert table.says()["users"] == 1
    player.post(f"{table.url}/game", timeout=10)
    assert table.says()["users"] == 0
