"""The part of file tasks, played without restic: what was saved, what it held, and what they report.

What a member's files are is one number here, which each run of the server changes; a save is that number. So it is
said at once whether what was put back is what was saved. A task goes the way of file_task.py step by step, so that
it can be killed between any two of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.ecs.models import ecs_backends

from services import clock
from services.uploads import parts
from tests import world

Report = dict[str, Any]
Order = dict[str, Any]
Place = dict[str, str]
# As a task says why it could not (file_task.py); what is hopeless only before it has changed anything.
FOR_NOW = ("unreachable", "no-space", "unexpected", "damaged")
HOPELESS = {
    "restore": ("no-such-save", "no-such-part"),
    "inspect": ("no-archive", "too-big"),
    "import": ("no-archive", "too-big"),
}
WORDS = (*FOR_NOW, *(word for words in HOPELESS.values() for word in words))

FOUND = {
    "files": 3,
    "bytes": 3_000_000,
    "assets": 1,
    "loose": 1,
    "renamedFiles": 0,
    "packages": [
        {
            "type": "world",
            "id": "dragons",
            "system": "dnd5e",
            "coreVersion": "14.1",
            "renamed": "dragons-2",
        },
        {"type": "module", "id": "dice", "title": "Dice", "version": "1.2.3", "kept": "1.2.2"},
    ],
    "missing": [{"type": "system", "id": "dnd5e", "neededBy": "dragons"}],
}


@dataclass
class Files:
    """The files of all servers, and all saves of them."""

    content: dict[str, int] = field(default_factory=dict)  # by access point
    saved: dict[str, dict[str, int]] = field(default_factory=dict)  # by repository, then snapshot
    made_by: dict[str, str] = field(default_factory=dict)  # the run of each snapshot
    half: dict[str, Order] = field(default_factory=dict)  # by access point: what goes in its place
    mixed: set[int] = field(default_factory=set)  # what came of putting back a part
    made: int = 0
    steps: dict[str, list[Callable[[], None]]] = field(default_factory=dict)  # left, by task

    def begin(self) -> None:
        """No server has ever run."""
        for known in (self.content, self.saved, self.made_by, self.half, self.mixed, self.steps):
            known.clear()
        self.made = 0

    def played(self, access_point: str) -> None:
        """A server has run on those files: they are others than before."""
        assert access_point not in self.half, "a server runs on files that are half put back"
        self.made += 1
        self.content[access_point] = self.made

    def carry_out(self, arn: str, **otherwise: Any) -> Report:
        """What the task was ordered to do is done and reported; returns the report. `otherwise` is what it says."""
        while self.goes_on(arn):
            pass
        report = self.reported(arn) | otherwise
        if otherwise:
            self.report(arn, report)
        return report

    def goes_on(self, arn: str) -> bool:
        """The task takes its next step; False if it has done all that it was ordered to."""
        if arn not in self.steps:
            order, place = self.order(arn), self.place(arn)
            doing = {
                "save": self._save,
                "restore": self._restore,
                "export": self._export,
                "inspect": self._inspect,
                "import": self._import,
            }
            self.steps[arn] = [lambda: self._settle(place), *doing[order["do"]](arn, order, place)]
        if not self.steps[arn]:
            return False
        self.steps[arn].pop(0)()
        return True

    def fail(self, arn: str, why: str, **more: str) -> None:
        """The task says why it could not."""
        order = self.order(arn)
        self.steps[arn] = []
        named = {name: order[name] for name in ("do", "run")}
        begun = self.place(arn)["ACCESS_POINT"] in self.half
        self.report(arn, named | {"failed": why, "begun": begun, "message": "So."} | more)

    def report(self, arn: str, report: Report) -> None:
        """The task reports that."""
        _write(self.place(arn), self.order(arn)["run"], report)

    def is_file_task(self, arn: str) -> bool:
        """Whether the task handles files."""
        return is_file_task(arn)

    def reported(self, arn: str) -> Report:
        """What the task has reported last; nothing if it has not."""
        return _read(self.place(arn), self.order(arn)["run"])

    def tell(self, arn: str, progress: dict[str, Any] | str) -> None:
        """The task tells how far it is."""
        order, place = self.order(arn), self.place(arn)
        key = f"progress/{place['REPOSITORY']}/{order['run']}.json"
        body = progress if isinstance(progress, str) else json.dumps(progress)
        world.client("s3").put_object(Bucket=place["BUCKET"], Key=key, Body=body)

    def order(self, arn: str) -> Order:
        """What the task has to do."""
        (override,) = _task(arn).overrides["containerOverrides"]
        (variable,) = (v for v in override["environment"] if v["name"] == "ORDER")
        order: Order = json.loads(variable["value"])
        return order

    def place(self, arn: str) -> Place:
        """The environment that its definition gives it, and the access point to its files."""
        container = _task(arn).defined[-1]
        found = {v["name"]: v["value"] for v in container["environment"]}
        return found | {"ACCESS_POINT": access_point(_task(arn))}

    def secrets(self, arn: str) -> list[dict[str, str]]:
        """The secrets that its definition names."""
        found: list[dict[str, str]] = _task(arn).defined[-1]["secrets"]
        return found

    def has_begun(self, arn: str) -> bool:
        """Whether it has begun to put files in their places: from then on it can only go on."""
        return self.place(arn)["ACCESS_POINT"] in self.half

    def _settle(self, place: Place) -> None:
        """What an earlier task had begun to put back is put back, before anything else."""
        if order := self.half.get(place["ACCESS_POINT"]):
            self._put_back(order, place)

    def _save(self, arn: str, order: Order, place: Place) -> list[Callable[[], None]]:
        repository = self.saved.setdefault(place["REPOSITORY"], {})
        report: Report = {}

        def add() -> None:
            self.made += 1
            snapshot = hashlib.sha256(f"{order['run']}:{self.made}".encode()).hexdigest()
            repository[snapshot] = self.content.get(place["ACCESS_POINT"], 0)
            self.made_by[snapshot] = order["run"]
            report.update(_saved(order, snapshot))

        def forget() -> None:
            """What is ordered, and what no report names; a report goes before its snapshot."""
            wanted = set(order["forget"])
            for snapshot in wanted & repository.keys():
                _delete(place, self.made_by[snapshot])
            for snapshot in list(repository):
                if _read(place, self.made_by[snapshot]).get("snapshot") != snapshot:
                    del repository[snapshot]
            report["forgot"] = sorted(wanted)

        def check() -> None:
            part = order["check"]
            report["checked"] = {"part": part, "problems": []} if part else None

        return [
            add,
            lambda: self.report(arn, report),
            forget,
            check,
            lambda: self.report(arn, report),
        ]

    def _restore(self, arn: str, order: Order, place: Place) -> list[Callable[[], None]]:
        repository = self.saved.get(place["REPOSITORY"], {})

        def write_plan() -> None:
            if order["snapshot"] in repository:
                holds = repository[order["snapshot"]]
                self.half[place["ACCESS_POINT"]] = order | {"holds": holds}
            else:
                self.fail(arn, "no-such-save")

        return [write_plan, lambda: self._put_back(self.half[place["ACCESS_POINT"]], place)]

    def _export(self, arn: str, order: Order, place: Place) -> list[Callable[[], None]]:
        def pack() -> None:
            holds = self.saved.get(place["REPOSITORY"], {}).get(order["snapshot"])
            if holds is None:
                self.fail(arn, "no-such-save")
                return
            key = f"exports/{place['REPOSITORY']}/{order['run']}.zip"
            world.client("s3").put_object(Bucket=place["BUCKET"], Key=key, Body=str(holds))
            named = {name: order[name] for name in ("do", "run", "snapshot")}
            size = {"files": 12, "bytes": 1_000_000}
            _write(place, order["run"], named | {"exported": size})

        return [pack]

    def _inspect(self, arn: str, order: Order, place: Place) -> list[Callable[[], None]]:
        def look() -> None:
            if _has_upload(place, order):
                named = {name: order[name] for name in ("do", "run")}
                _write(place, order["run"], named | {"inspected": FOUND})
            else:
                self.fail(arn, "no-such-upload")

        return [look]

    def _import(self, arn: str, order: Order, place: Place) -> list[Callable[[], None]]:
        def write_plan() -> None:
            if _has_upload(place, order):
                self.half[place["ACCESS_POINT"]] = order
            else:
                self.fail(arn, "no-such-upload")

        return [write_plan, lambda: self._put_back(self.half[place["ACCESS_POINT"]], place)]

    def _put_back(self, order: Order, place: Place) -> None:
        del self.half[place["ACCESS_POINT"]]
        if order["do"] == "import":
            self.played(place["ACCESS_POINT"])
            self.mixed.add(self.content[place["ACCESS_POINT"]])
            _write(place, order["run"], {"do": "import", "run": order["run"], "imported": FOUND})
            world.client("s3").delete_object(**_upload(place, order))
            return
        if order["what"] == {"all": True}:
            self.content[place["ACCESS_POINT"]] = order["holds"]
        else:
            self.played(place["ACCESS_POINT"])  # a part is another one: so are they
            self.mixed.add(self.content[place["ACCESS_POINT"]])
        named = {name: order[name] for name in ("do", "run", "snapshot")}
        _write(place, order["run"], named | {"restored": {"files": 12, "bytes": 1_000_000}})


def put_parts(instance: dict[str, Any]) -> None:
    """All parts of an instance's upload are put, as by their addresses."""
    upload, repository = instance["upload"], instance.get("repository", instance["instanceId"])
    for part in parts(int(upload["bytes"])):
        world.client("s3").upload_part(
            Bucket=world.SAVES,
            Key=f"imports/{repository}/{upload['importId']}",
            UploadId=upload["uploadId"],
            PartNumber=part.number,
            Body=b"x" * part.bytes,
        )


def _upload(place: Place, order: Order) -> dict[str, str]:
    return {"Bucket": place["BUCKET"], "Key": f"imports/{place['REPOSITORY']}/{order['upload']}"}


def _has_upload(place: Place, order: Order) -> bool:
    try:
        world.client("s3").head_object(**_upload(place, order))
    except ClientError:
        return False
    return True


def _saved(order: Order, snapshot: str) -> Report:
    return {
        "do": "save",
        "run": order["run"],
        "snapshot": snapshot,
        "at": clock.now(),
        "bytes": 1_000_000,
        "addedBytes": 1_000,
        "files": 12,
        "build": "13.351",
        "clean": True,
        "packages": [{"type": "module", "id": "dice", "title": "Dice", "version": "1.2.3"}],
        "repositoryBytes": 2_000_000,
        "forgot": [],
        "checked": None,
    }


def is_file_task(arn: str) -> bool:
    """Whether the task handles files."""
    return str(_task(arn).task_definition_arn).rpartition(":")[0].endswith("-files")


def access_point(task: Any) -> str:
    """That of a member's files, as the emulator's `task` mounts them."""
    definition = task.volumes
    (volume,) = (v for v in definition if "efsVolumeConfiguration" in v and v["name"] == "data")
    return str(volume["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"])


def _task(arn: str) -> Any:
    tasks = ecs_backends[world.ACCOUNT][world.REGION].tasks
    return next(found[arn] for found in tasks.values() if arn in found)


def _key(place: Place, run: str) -> dict[str, str]:
    return {"Bucket": place["BUCKET"], "Key": f"results/{place['REPOSITORY']}/{run}.json"}


def _write(place: Place, run: str, report: Report) -> None:
    world.client("s3").put_object(**_key(place, run), Body=json.dumps(report))


def _read(place: Place, run: str) -> Report:
    try:
        found: Report = json.load(world.client("s3").get_object(**_key(place, run))["Body"])
    except ClientError:
        return {}
    return found


def _delete(place: Place, run: str) -> None:
    world.client("s3").delete_object(**_key(place, run))
