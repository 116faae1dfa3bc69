"""The end of a run: billed once, its licence free, its instance at rest."""

from __future__ import annotations

from typing import cast

from actions.costs import run_cost
from actions.instances.work import DESTROYING, STOPPED, STOPPING
from services import clock, metrics
from services.dynamodb import Attr, transact
from services.ecs import Task
from services.instances import Instance
from services.platform import Platform

_OF_THE_RUN = (
    "runId",
    "runKind",
    "runLicense",
    "taskArn",
    "address",
    "routing",
    "seenAt",
    "upSince",
    "idleSince",
    "noticedAt",
    "keepUntil",
)
_OF_THE_WORK = ("worker", "workerUntil", "due", "dueAt")


def settle(
    platform: Platform, instance: Instance, worker: str, task: Task, reason: str = ""
) -> Instance:
    """Close the instance's run in one transaction: the bill, the licence, the status.

    An instance that is being destroyed stays so, and `worker` keeps the work on it. Raises ConditionFailed
    if the run was settled already.
    """
    now, run_id = clock.now(), instance["runId"]
    started_at, stopped_at = _existed(instance, task)
    values, removed = _at_rest(instance, task, reason, now)
    mine = Attr("worker").eq(worker) & Attr("runId").eq(run_id)
    operations = [platform.instances.change(instance, mine, values, removed)]
    run = platform.runs.find(run_id)
    if run is None:
        raise LookupError(f"run {run_id} has no entry")
    cost = run_cost(stopped_at - started_at, run["cpu"], run["memory"])
    operations.append(platform.runs.close(run, started_at, stopped_at, cost))
    if license_id := run.get("licenseId"):
        operations.append(platform.licenses.release(license_id, run_id, now))
    transact(*operations)
    if "taskArn" in instance:
        metrics.resource("ecs", -1)
    left = {key: value for key, value in instance.items() if key not in removed}
    return cast("Instance", {**left, **values})


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
) -> tuple[dict[str, object], tuple[str, ...]]:
    if instance["status"] == DESTROYING:
        exit_codes = list((task.exit_codes or {}).values())
        erased = instance.get("runKind") == "purge" and exit_codes == [0]
        return {"purged": erased or instance.get("purged", False)}, _OF_THE_RUN
    why = reason or ("" if instance["status"] == STOPPING else _why(task))
    values: dict[str, object] = {"status": STOPPED, "statusSince": task.stopped_at or now}
    if why:
        values["reason"] = why
    return values, _OF_THE_RUN + _OF_THE_WORK


def _why(task: Task) -> str:
    codes = [str(code) for code in (task.exit_codes or {}).values() if code]
    ended = f" (exit code {', '.join(codes)})" if codes else ""
    return f"{task.stopped_reason or task.stop_code or 'The task is gone'}{ended}"[:200]
