"""The end of a run: billed once, its licence free, its instance at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from actions.billing.entries import bill
from actions.billing.pricing import run_cost
from actions.billing.storage import Held, catch_up, held
from actions.instances.causes import UNCLEAN, noted, why_it_ended
from actions.instances.file_decisions import after_stop
from actions.instances.file_outcome import Outcome, outcome_of, outcome_of_erasing
from actions.instances.locking import Lock
from actions.instances.transitions import transition
from actions.licenses.interrupted import after_run
from actions.notices import tell
from services import clock, metrics
from services.counters import Amount
from services.dynamodb import Attr, ConditionFailed, Operation, absent, transact
from services.ecs import Task
from services.instances import Instance, InstanceStatus
from services.locks import LOCK_FIELDS
from services.platform import Platform
from services.runs import FILE_KINDS, End, EndCause, Run

_OF_THE_RUN = (
    "runId",
    "runKind",
    "runLicense",
    "runSize",
    "runWorld",
    "runOrder",
    "unsaved",
    "givesWay",
    "worldNotOpened",
    "taskArn",
    "address",
    "routing",
    "ruleArn",
    "phase",
    "lookedAt",
    "arrival",
    "saidReady",
    "seenAt",
    "upSince",
    "missingSince",
    "missedAt",
    "stopAskedAt",
    "clean",
    "players",
    "idleSince",
    "idleProvenAt",
    "noticeId",
    "noticedAt",
    "keepUntil",
    "endedBy",
)
_OF_THE_WORK = (*LOCK_FIELDS, "due", "dueAt")


def close_run(lock: Lock, task: Task, reason: str = "") -> None:
    """Close the instance's run in one transaction: the bill, the licence, the status, what is counted.

    An instance that is being destroyed stays so, and stays locked; else the lock is given back. Raises
    ConditionFailed if the run was closed already.
    """
    try:
        _close(lock, task, reason)
    except ConditionFailed:
        found = lock.platform.instances.find(lock.instance["userId"])
        if found is None or found.get("worker") != lock.lock_id:
            raise
        lock.instance = found  # a stop was decided, or a start wished for, meanwhile
        _close(lock, task, reason)


def _close(lock: Lock, task: Task, reason: str) -> None:
    lock.instance = catch_up(lock.platform, lock.instance)
    platform, instance = lock.platform, lock.instance
    now, run_id = clock.now(), instance["runId"]
    run = platform.runs.find(run_id)
    if run is None:
        raise LookupError(f"run {run_id} has no entry")
    started_at, stopped_at = _existed(instance, task)
    files = None
    if run["kind"] in FILE_KINDS:
        files = outcome_of(platform, instance, run, task)
    elif run["kind"] == "purge" and instance["status"] != InstanceStatus.DESTROYING:
        files = outcome_of_erasing(platform, instance, run, task)
    kept = _kept(platform, instance, run, files, stopped_at)
    ended = _files_ended(instance, task, files) if files else _ended(lock, run, task, reason)
    same_run = lock.held & Attr("runId").eq(run_id)
    # A start may be asked for, or taken back, without the lock: whether it is due then is decided here.
    waits = instance.get("startsAfter")
    same_run &= absent("startsAfter") if waits is None else Attr("startsAfter").eq(waits)
    cost = run_cost(stopped_at - started_at, run["rate"])
    all_cost = cost + (kept.cost if kept else 0)
    used: dict[str, Amount] = {"seconds": stopped_at - started_at, "cost": all_cost}
    operations = transition(
        platform, instance, ended.status, same_run, ended.values, ended.removed, used
    )
    operations += bill(platform, run, started_at, stopped_at, cost, ended.end, kept)
    operations += ended.more
    if license_id := run.get("licenseId"):
        operations.append(platform.licenses.release(license_id, run_id, now))
    if ended.status == InstanceStatus.DESTROYING:
        transact(*operations)
    else:
        lock.finish(*operations)
    if "taskArn" in instance:
        metrics.resource("ecs", -1)
    left = {key: value for key, value in instance.items() if key not in ended.removed}
    lock.instance = cast("Instance", {**left, **ended.values, "status": ended.status})
    if files and files.notice:
        kind, message = files.notice
        tell(platform, kind, instance, message, f"{run_id}:{kind}")


def _kept(
    platform: Platform, instance: Instance, run: Run, files: Outcome | None, at: int
) -> Held | None:
    """What the run has found its repository to hold, if it has; the instance notes it, too."""
    if files is None or files.held is None:
        return None
    found = held(platform, instance, files.held, at)
    files.values["stored"] = found.noted(run["runId"])
    return found


@dataclass(frozen=True)
class _Ended:
    """What the instance is and notes after the end, and what else is written with it."""

    status: InstanceStatus
    values: dict[str, Any]
    removed: tuple[str, ...]
    end: End
    more: list[Operation]


def _ended(lock: Lock, run: Run, task: Task, reason: str) -> _Ended:
    """Of a run that played, or erased files."""
    platform, instance = lock.platform, lock.instance
    end = _end_of(instance, run, task)
    values, removed = _at_rest(instance, task, reason, clock.now())
    if instance["status"] == InstanceStatus.DESTROYING:  # which ends its sessions itself
        return _Ended(instance["status"], values, removed, end, [])
    more: list[Operation] = []
    starts_again = False
    if not reason:  # with one, nothing was started
        more, starts_again = after_run(platform, instance, end.cause)
    told = bool(reason) and "againOf" not in run  # nobody asked for a start by itself
    follows = noted(platform, instance, run, task, end, starts_again=starts_again, told=told)
    if follows:
        end = replace(end, follow=follows.run)
        values |= follows.instance
    values |= after_stop(platform, instance, task)
    return _Ended(InstanceStatus.STOPPED, values, _without(removed, values), end, more)


def _files_ended(instance: Instance, task: Task, outcome: Outcome) -> _Ended:
    """Of a run that handled files: its status stays."""
    removed = (*_OF_THE_RUN, *outcome.removed)
    if instance["status"] != InstanceStatus.DESTROYING:
        removed += _OF_THE_WORK
    end = End(EndCause.FILES, task.stopped_at is not None)
    values = outcome.values
    if "renews" in instance:  # its definition has to be finished first
        values = {**values, "due": "instance", "dueAt": clock.now()}
    left = _without(removed, values)
    return _Ended(instance["status"], values, left, end, outcome.operations)


def _without(removed: tuple[str, ...], values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in removed if name not in values)


def _end_of(instance: Instance, run: Run, task: Task) -> End:
    seen = task.stopped_at is not None
    if run["kind"] == "purge":
        return End(EndCause.PURGE, seen)
    # Whether Foundry has ever answered: until then it has not come up.
    is_starting = instance["status"] == InstanceStatus.STARTING
    unasked = EndCause.FAILURE if is_starting else EndCause.CRASH
    if instance["status"] == InstanceStatus.DESTROYING:
        unasked = EndCause.DESTROY
    cause = instance.get("endedBy", unasked)
    return End(cause, seen, instance.get("clean"), instance.get("arrival"))


def _existed(instance: Instance, task: Task) -> tuple[int, int]:
    """From when to when the task is billed: from the pull of its image to its stop, by ECS's clock.

    AWS Fargate, Pricing: "from the time you start to download your container image until the task terminates".
    What ECS has forgotten is billed up to when it was last seen; what never came up, not at all.
    """
    started = task.pulled_from or task.started_at or instance.get("upSince")
    stopped = task.stopped_at or instance.get("seenAt") or started
    if started is None or stopped is None:
        return instance["statusSince"], instance["statusSince"]
    return started, max(started, stopped)


def _at_rest(
    instance: Instance, task: Task, reason: str, now: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    if instance["status"] == InstanceStatus.DESTROYING:
        exit_codes = list((task.exit_codes or {}).values())
        erased = instance.get("runKind") == "purge" and exit_codes == [0]
        return {"purged": erased or instance.get("purged", False)}, _OF_THE_RUN
    why = reason or ("" if instance["status"] == InstanceStatus.STOPPING else why_it_ended(task))
    if instance.get("clean") is False:
        why = f"{instance.get('reason', '')} {UNCLEAN}".strip()
    values: dict[str, Any] = {"statusSince": task.stopped_at or now}
    if why:
        values["reason"] = why
    return values, _OF_THE_RUN + _OF_THE_WORK
