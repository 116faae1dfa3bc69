"""The part of file tasks, played without restic: what was saved, what it held, and what they report.

What a member's files are is one number here, which each run of the server changes; a save is that number. So it is
said at once whether what was put back is what was saved.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from moto.ecs.models import ecs_backends

from services import clock
from tests import world


@dataclass
class Files:
    """The files of all servers, and all saves of them."""

    content: dict[str, int] = field(default_factory=dict)  # by access point
    saved: dict[str, dict[str, int]] = field(default_factory=dict)  # by repository, then snapshot
    half: set[str] = field(default_factory=set)  # whose files are neither here nor there
    made: int = 0

    def played(self, access_point: str) -> None:
        """A server has run on those files: they are others than before."""
        self.made += 1
        self.content[access_point] = self.made

    def carry_out(self, arn: str, **otherwise: Any) -> dict[str, Any]:
        """What the task was ordered to do is done and reported; returns the report. `otherwise` is what it says."""
        order, place = self.order(arn), self.place(arn)
        doing = {"save": self._save, "restore": self._restore}[order["do"]]
        report = {"do": order["do"], "run": order["run"], **doing(order, place), **otherwise}
        self.report(arn, report)
        return report

    def fail(self, arn: str, why: str) -> None:
        """The task says why it could not."""
        order = self.order(arn)
        self.report(arn, {"do": order["do"], "run": order["run"], "failed": why})

    def report(self, arn: str, report: dict[str, Any]) -> None:
        """The task reports that."""
        order, place = self.order(arn), self.place(arn)
        key = f"results/{place['REPOSITORY']}/{order['run']}.json"
        world.client("s3").put_object(Bucket=place["BUCKET"], Key=key, Body=json.dumps(report))

    def tell(self, arn: str, progress: dict[str, Any] | str) -> None:
        """The task tells how far it is."""
        order, place = self.order(arn), self.place(arn)
        key = f"progress/{place['REPOSITORY']}/{order['run']}.json"
        body = progress if isinstance(progress, str) else json.dumps(progress)
        world.client("s3").put_object(Bucket=place["BUCKET"], Key=key, Body=body)

    def order(self, arn: str) -> dict[str, Any]:
        """What the task has to do."""
        (override,) = _task(arn).overrides["containerOverrides"]
        (variable,) = (v for v in override["environment"] if v["name"] == "ORDER")
        order: dict[str, Any] = json.loads(variable["value"])
        return order

    def place(self, arn: str) -> dict[str, str]:
        """The environment that its definition gives it, and the access point to its files."""
        container = _task(arn).defined[-1]
        found = {v["name"]: v["value"] for v in container["environment"]}
        return found | {"ACCESS_POINT": _access_point(_task(arn))}

    def secrets(self, arn: str) -> list[dict[str, str]]:
        """The secrets that its definition names."""
        found: list[dict[str, str]] = _task(arn).defined[-1]["secrets"]
        return found

    def _save(self, order: dict[str, Any], place: dict[str, str]) -> dict[str, Any]:
        self.made += 1
        snapshot = hashlib.sha256(f"{order['run']}:{self.made}".encode()).hexdigest()
        repository = self.saved.setdefault(place["REPOSITORY"], {})
        assert set(order["forget"]) <= repository.keys() | {"?"}, "only what is there is forgotten"
        for gone in order["forget"]:
            del repository[gone]
        repository[snapshot] = self.content.get(place["ACCESS_POINT"], 0)
        return {
            "snapshot": snapshot,
            "at": clock.now(),
            "bytes": 1_000_000,
            "addedBytes": 1_000,
            "files": 12,
            "build": "13.351",
            "clean": True,
            "packages": [{"type": "module", "id": "dice", "title": "Dice", "version": "1.2.3"}],
            "repositoryBytes": 2_000_000,
            "forgot": order["forget"],
            "checked": {"part": order["check"], "problems": []} if order["check"] else None,
        }

    def _restore(self, order: dict[str, Any], place: dict[str, str]) -> dict[str, Any]:
        self.content[place["ACCESS_POINT"]] = self.saved[place["REPOSITORY"]][order["snapshot"]]
        self.half.discard(place["ACCESS_POINT"])
        return {"snapshot": order["snapshot"], "restored": {"files": 12, "bytes": 1_000_000}}


def is_file_task(arn: str) -> bool:
    """Whether the task handles files."""
    return str(_task(arn).task_definition_arn).rpartition(":")[0].endswith("-files")


def _task(arn: str) -> Any:
    tasks = ecs_backends[world.ACCOUNT][world.REGION].tasks
    return next(found[arn] for found in tasks.values() if arn in found)


def _access_point(task: Any) -> str:
    definition = task.volumes
    (volume,) = (v for v in definition if "efsVolumeConfiguration" in v and v["name"] == "data")
    return str(volume["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"])
