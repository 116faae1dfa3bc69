"""From a run that was decided to the task itself."""

from __future__ import annotations

from actions.errors import NoCapacity, StartDelayed
from actions.instances.asking import ask_for_task, find_task
from actions.instances.closing import close_run
from actions.instances.locking import Lock
from services import clock, metrics
from services.dynamodb import Attr
from services.ecs import Task
from services.errors import EcsBusy, TaskRefused
from services.locks import LOCK_FIELDS
from services.runs import FILE_KINDS

ARRIVAL_SECONDS = 120  # how long a new task may take before the tick has a look
_BUSY = "AWS is busy just now."


def launch(lock: Lock, *, is_retry: bool = False) -> Task | None:
    """Bring the decided run's task into being; the lock is given back with its ARN noted.

    `is_retry` when an earlier attempt may have got that far; returns the task as ECS shows it if it had. Raises
    as get_task does.
    """
    task = get_task(lock, is_retry=is_retry)
    note_task(lock, task.arn)
    return task if task.status else None


def get_task(lock: Lock, *, is_retry: bool = False) -> Task:
    """The decided run's task: found, if an earlier attempt may have got that far, else asked for.

    Raises NoCapacity if ECS never will, and the instance is then as if it had not been started; StartDelayed if
    ECS will not just now, or if of an earlier attempt there may be a task that it does not show yet: then the
    tick tries again.
    """
    run_id = lock.instance["runId"]
    try:
        found = find_task(lock) if is_retry else None
        return found or Task(ask_for_task(lock), run_id, status="", desired_status="")
    except EcsBusy as busy:
        raise _delayed(lock, _BUSY) from busy
    except TaskRefused as refused:
        # A purge has to be, so that its run stays until there is room; a member may start again, and what is done
        # with files is tried again.
        if is_retry or refused.cause.is_passing or lock.instance.get("runKind") == "purge":
            raise _delayed(lock, refused.cause.value) from refused
        close_run(lock, Task("", run_id, "STOPPED", ""), refused.cause.value)
        raise NoCapacity(refused.cause.value) from refused


def note_task(lock: Lock, task_arn: str, **values: object) -> None:
    """Note the run's task, and `values`, and give the lock back."""
    same_run = lock.held & Attr("runId").eq(lock.instance["runId"])
    updates = {"taskArn": task_arn, "due": "instance", "dueAt": clock.now() + ARRIVAL_SECONDS}
    removed = (*LOCK_FIELDS, "formerRevision")
    lock.finish(lock.platform.instances.change(lock.instance, same_run, updates | values, removed))
    metrics.resource("ecs", 1)


def _delayed(lock: Lock, why: str) -> StartDelayed:
    delayed = StartDelayed(why)
    if lock.instance["runKind"] not in FILE_KINDS:
        lock.note({"reason": delayed.message})
    return delayed
