"""What a story is, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.inventory import items
from tests.faults.stage import Event, Stage, functions_tasks
from tests.world import sample

TICK = "auto-shutdown-check"
PREPARE = "prepare-sessions"
BOB = {"userId": "200000000000000002", "username": "Bob"}
ADA = sample("create-instance")["userId"]


@dataclass(frozen=True)
class Scenario:
    """A story. `asks` names the sample event by which it begins; none where ECS begins it.

    `ends` is the instance's status at last, none when it is gone. `undone` says that ticks undo what
    was asked, if it was interrupted and nobody repeats it; `resumed` that only asking again finishes it.
    Of `more`, what can be called is asked for when the story begins, with `anew` also when it is repeated. `late`
    says that a server may come up while what was asked waits to be asked again, and then ends as one that ran.
    """

    name: str
    before: Callable[[Stage], None]
    asks: str
    ends: str | None
    undone: bool = False
    resumed: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)  # of the request
    late: bool = False
    anew: bool = False
    again: bool = False  # whether tasks may be started more often than in good health

    ticked = False  # whether the ticks bring it to its end also in good health

    def request(self) -> Event:
        """What is asked."""
        more = {name: value() if callable(value) else value for name, value in self.more.items()}
        return sample(self.asks, **more)

    def repeated(self, request: Event) -> Event:
        """The request as it is repeated."""
        return self.request() if self.anew else request

    def status(self) -> str | None:
        """The status of Ada's instance, none if she has none."""
        return next((i["status"] for i in items("instances") if i["userId"] == ADA), None)


@dataclass(frozen=True)
class OfFiles(Scenario):
    """A story of Ada's files. `ends` is what `status` says of them at last.

    `again` says that the repeated request may have them saved once more: then how many saves there are is not
    compared. `races` says that a save which is under way may come to its end before it is to make way: then what it
    leaves is not compared.
    """

    races: bool = False

    ticked = True

    def request(self) -> Event:
        """What is asked."""
        more = {name: value() if callable(value) else value for name, value in self.more.items()}
        return {
            "action": self.asks,
            "userId": "system" if self.asks in (TICK, PREPARE) else ADA,
            **more,
        }

    def status(self) -> str | None:
        """The status of Ada's instance, and whether there is anything to be done with its files."""
        instance = next((i for i in items("instances") if i["userId"] == ADA), None)
        if instance is None:
            return None
        at_rest = instance["status"] in ("created", "stopped")
        is_at_work = "work" in instance or (at_rest and "runId" in instance)
        return f"{instance['status']}, {'at work' if is_at_work else 'done'}"


@dataclass(frozen=True)
class OfFunctions(Scenario):
    """A story of Ada's functions. `ends` is what `status` says of them at last.

    `again` says that the repeated request, or the ticks, may start tasks once more: then how many there were is not
    compared, but that each was billed.
    """

    ticked = True

    def status(self) -> str | None:
        """How far each of her functions and invocations is, in words; none if there is nothing but old records."""
        found = [item for item in items("functions") if item["userId"] == ADA]
        return ", ".join(filter(None, map(_how_far, found))) or None

    def mending(self) -> Event:
        """What Ada asks for when a function says that values of its secret variables did not arrive."""
        return sample("function-update", replicas=None, env=self.more["env"])


def _how_far(item: dict[str, Any]) -> str | None:
    if "jobName" in item:
        running = {task.started_by for task in functions_tasks()}
        is_lost = item["status"] == "pending" and item["runId"] not in running
        return "asked for" if is_lost else str(item["status"])
    if "deletedAt" in item:
        return "being deleted" if "due" in item else None
    return _how_many(item) if "generation" in item else None


def _how_many(function: dict[str, Any]) -> str:
    known = [task for task in function["tasks"].values() if "ending" not in task]
    if {task["arn"] for task in known} != _running(function) or is_under_way(function):
        return "out of date"
    return str(function.get("heldBack") or f"{len(known)} of {function['replicas']}")


def _running(function: dict[str, Any]) -> set[str]:
    mark = function["functionId"][-12:]
    return {t.task_arn for t in functions_tasks("RUNNING") if t.group.endswith(f"-{mark}")}


def is_under_way(function: dict[str, Any]) -> bool:
    """Whether what is asked for is not carried out yet, or somebody works on it."""
    return "worker" in function or function.get("applied") != function["generation"]


def functions_are_done() -> bool:
    """Whether every function is gone, at rest or running as is asked for, and every invocation over."""
    return all(map(_is_done, items("functions")))


def _is_done(item: dict[str, Any]) -> bool:
    if "due" not in item:
        return True
    is_live = "generation" in item and "deletedAt" not in item
    return (
        is_live
        and item["replicas"] > 0
        and _how_many(item) == f"{item['replicas']} of {item['replicas']}"
    )


def nothing(stage: Stage) -> None:
    """Only another member's server, whose licence is shared: nobody may touch it."""
    stage.does("create-instance", **BOB, allowLicenseSharing=True)
