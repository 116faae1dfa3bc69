"""ECS's part in members' functions, minute by minute: what an image does follows from its name."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from tests.fargate import Fargate
from tests.model import emulated
from tests.model.lives import FORGOTTEN_SECONDS, Life

GOOD, CRASHING, MISSING = "nginx:alpine", "crashing:1", "missing:1"
INVOCATION_SECONDS = 100


@dataclass
class Cluster(Fargate):
    """Tasks of services and of invocations; `lives` are those of all tasks, by their runs' ids."""

    lives: dict[str, Life] = field(default_factory=dict)
    inactive: dict[str, float] = field(default_factory=dict)  # since when services are

    def alive(self) -> list[Any]:
        """The tasks that have not stopped."""
        return [task for task in emulated.tasks(self.cluster) if task.last_status != "STOPPED"]

    def is_busy(self) -> bool:
        """Whether anything runs, or is there to run."""
        return bool(self.alive() or self.services("ACTIVE") or self.services("DRAINING"))

    def carries_on(self) -> None:
        """A round: what has run for long enough ends, what is missing is started, what was started comes up."""
        for task in self.alive():
            if _has_done(task):
                self.exit(task.task_arn, int(_image(task) == CRASHING))
        self.start_tasks()
        for arn in self.coming():
            self.moves(arn)
        self.stop_tasks()
        for arn in self.going():
            self.go_down(arn)
        self.deactivate()
        self.note()

    def moves(self, arn: str) -> None:
        """A task comes up, or cannot, or goes down."""
        task = next(task for task in self.alive() if task.task_arn == arn)
        if task.desired_status == "STOPPED":
            self.go_down(arn)
        elif _image(task) == MISSING:
            self.cannot_pull(arn)
        else:
            self.come_up(arn)
            self.log(arn, "hello")
        self.note()

    def note(self) -> None:
        """Note how long tasks have existed, and let ECS forget what ended an hour ago."""
        for task in emulated.tasks(self.cluster):
            alone = not task.group.startswith("service:")
            life = self.lives.setdefault(task.started_by if alone else task.id, Life())
            life.begin, life.end = _moment(task, "pull_started_at"), _moment(task, "stopped_at")
            if life.end and time.time() - life.end > FORGOTTEN_SECONDS:
                life.forgotten = True
                self.forgets(task.task_arn)
        for name in self.services("INACTIVE"):
            since = self.inactive.setdefault(name, time.time())
            if time.time() - since > FORGOTTEN_SECONDS:
                self.forgets_service(name)


def _has_done(task: Any) -> bool:
    if task.last_status != "RUNNING" or task.desired_status != "RUNNING":
        return False
    lived = time.time() - task.started_at.timestamp()
    is_invocation = not task.group.startswith("service:")
    return (is_invocation and lived >= INVOCATION_SECONDS) or (
        _image(task) == CRASHING and lived > 0
    )


def _image(task: Any) -> str:
    return str(task.containers[0].image)


def _moment(task: Any, name: str) -> int | None:
    found = getattr(task, name, None)
    return int(found.timestamp()) if found else None
