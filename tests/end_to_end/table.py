"""A member's table at a `make run`, as its players and its member meet it."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from local import places
from local.embedded import client
from local.invoke import invoke
from local.stack import STACK
from tests.end_to_end.running import Run

ADMIN_KEY = "the-key-of-this-tables-administrator"
WORLD = "the-long-night"
_PATIENCE = 60  # seconds


@dataclass
class Table:
    """Who has it is called as the table is."""

    run: Run
    name: str
    browser: requests.Session = field(default_factory=requests.Session)

    def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """What the platform answers its member, who must not be refused."""
        answer = self._asked(action, fields)
        assert answer["success"], answer
        return answer

    def is_refused(self, action: str, **fields: Any) -> dict[str, Any]:
        """What the platform answers its member, who must be."""
        answer = self._asked(action, fields)
        assert not answer["success"], answer
        return answer

    def _asked(self, action: str, fields: dict[str, Any]) -> dict[str, Any]:
        payload = {"action": action, "userId": self.name, **fields}
        answer: dict[str, Any] = invoke(payload, self.run.port)
        return answer

    def borrow(self) -> None:
        """Get a server that plays on others' licences."""
        self.ask(
            "create-instance",
            username=self.name,
            licenseType="pooled",
            foundryAdminKey=ADMIN_KEY,
        )

    def make(self, number: int) -> None:
        """Get a server on a licence of its own."""
        key = f"AAAA-BBBB-CCCC-DDDD-EEEE-{number:04}"
        self.ask(
            "create-instance",
            username=self.name,
            foundryLicense=key,
            foundryAdminKey=ADMIN_KEY,
        )

    def sleep(self) -> None:
        """Stop, as its member wants it."""
        self.ask("stop-instance")
        self.until(self.is_stopped)

    def rests(self) -> None:
        """Wait until it has stopped and nothing is done with its files."""
        self.until(lambda: self.is_stopped() and not {"work", "runId"} & self.item().keys())

    def is_stopped(self) -> bool:
        """Whether it is at rest since a run."""
        return bool(self.ask("status")["status"] == "stopped")

    # --- As a browser -----------------------------------------------------------------------------------------

    def get(self, path: str) -> requests.Response:
        """A page, where it leads not being followed."""
        return self._browse("GET", path)

    def post(self, path: str, **form: str) -> requests.Response:
        """A form of a page of its own."""
        return self._browse("POST", path, data=form, headers={"Origin": f"http://{self._host}"})

    def leads(self, path: str = "/") -> str:
        """Whither a page sends who asks for it."""
        return self.get(path).headers.get("Location", "")

    def way_in(self) -> str:
        """The owner's link, from its path on."""
        url: str = self.ask("status")["wakeUrl"]
        return url.partition(f"{self.name}.foundry.test")[2]

    def wake(self) -> None:
        """By the owner's link and the form of the page to which it leads."""
        page = self.get(self.way_in()).text
        form = dict(re.findall(r'name="(nonce|code)" value="([^"]+)"', page))
        assert self.post("/_wake", **form).status_code == 303, page

    def comes_to(self, phase: str) -> list[str]:
        """Ask how far it is, as its page does, until it is so far; the phases that were seen on the way."""
        seen = [""]

        def arrived() -> bool:
            now = self.get("/_state").json()
            seen.extend([now["phase"]] if now.get("phase") not in (None, seen[-1]) else [])
            return bool(now["status"] == "running" and now["phase"] == phase)

        self.until(arrived, seen)
        return seen[1:]

    def until(self, reached: Callable[[], bool], shown: Any = "", every: float = 0.5) -> None:
        """Wait, as long as things may take here."""
        give_up = time.monotonic() + _PATIENCE
        while not reached():
            assert time.monotonic() < give_up, (shown, self.ask("status"), self.log()[-2000:])
            time.sleep(every)

    def goes_wrong(self, does: str) -> None:
        """By the page for that."""
        assert self.post("/_stand-in", does=does).status_code == 303

    def prove_to_be_admin(self) -> None:
        """To the server itself."""
        assert self.post("/auth", adminPassword=ADMIN_KEY).headers["Location"].endswith("/setup")

    def users(self) -> int:
        """How many players the server counts."""
        return int(self.get("/api/status").json()["users"])

    @property
    def _host(self) -> str:
        return f"{self.name}.localhost:{self.run.http_port}"

    def _browse(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Host": self._host, **more.pop("headers", {})}
        url = f"{self.run.url}{path}"
        return self.browser.request(
            method, url, headers=headers, timeout=30, allow_redirects=False, **more
        )

    # --- Behind the scenes ------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The server's files."""
        point = self.ask("status")["accessPointId"]
        efs = client("efs", self.run.port)
        [found] = efs.describe_access_points(AccessPointId=point)["AccessPoints"]
        made = Path(tempfile.gettempdir()).glob(f"embedded-aws-{self.run.port}-*")
        newest = max(
            made, key=lambda path: path.stat().st_mtime
        )  # what was killed has left its own
        return places.files(newest, found["FileSystemId"], found["RootDirectory"]["Path"])

    def open_databases(self) -> set[str]:
        """Those of its worlds that are open, or were left so."""
        return {path.parent.name for path in self.data.glob("Data/worlds/*/data/*/OPEN")}

    def task(self) -> dict[str, Any]:
        """The present task, as ECS describes it."""
        arn = self.ask("status")["taskArn"]
        described = client("ecs", self.run.port).describe_tasks(cluster=STACK, tasks=[arn])
        task: dict[str, Any] = described["tasks"][0]
        return task

    def log(self) -> str:
        """What Foundry's containers have said in all of its tasks."""
        logs, group = client("logs", self.run.port), f"/ecs/{STACK}"
        prefix = f"{self.data.name}/foundry"
        found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=prefix)["events"]
        return "\n".join(event["message"] for event in found)

    def item(self) -> dict[str, Any]:
        """What is stored of it, as DynamoDB has it."""
        key = {"userId": {"S": self.name}}
        found = client("dynamodb", self.run.port).get_item(TableName=f"{STACK}-instances", Key=key)
        item: dict[str, Any] = found["Item"]
        return item

    def as_if(self, **seconds_ago: int) -> None:
        """Change when something was, as if so much time had passed."""
        now = int(time.time())
        client("dynamodb", self.run.port).update_item(
            TableName=f"{STACK}-instances",
            Key={"userId": {"S": self.name}},
            AttributeUpdates={
                name: {"Action": "PUT", "Value": {"N": str(now - ago)}}
                for name, ago in seconds_ago.items()
            },
        )

    def tick(self) -> None:
        """The schedule that stops what nobody uses."""
        answer = invoke({"action": "auto-shutdown-check", "userId": "system"}, self.run.port)
        assert answer["success"], answer


def made(run: Run, name: str, number: int) -> Table:
    """A table with a signed licence and a world, which has ended in order and is opened at each start."""
    table = Table(run, name)
    table.make(number)
    table.ask("start-instance")
    table.comes_to("signature")
    assert table.leads() == "/license"
    signed = table.post("/license", adminPassword=ADMIN_KEY, agree="yes")
    assert signed.headers["Location"] == "/setup"
    table.post("/setup", action="createWorld", title="The Long Night")
    assert table.post("/setup", action="launchWorld", world=WORLD).headers["Location"] == "/join"
    assert table.open_databases()
    table.sleep()
    assert not table.open_databases()
    assert (table.data / "Config/clean-stop").exists()
    table.ask("set-world", world=WORLD)
    return table
