"""function-invoke: the function's image run once, as a task of its own, with an input."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, cast

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.budget import refuse_if_spent
from actions.errors import Conflict, NoCapacity
from actions.functions import forms
from actions.functions.billing import rate_of
from actions.functions.carrying_out import security_group
from actions.functions.definition import CONTAINER
from actions.functions.errors import NoFunctions
from actions.functions.function_get import existing
from actions.functions.jobs import ARRIVAL_SECONDS, finish, share_of, told
from actions.functions.quota import claim
from actions.rates import counted_use, used_up
from actions.retrying import retry_on_conflict
from services import clock, ids
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed, transact
from services.errors import EcsBusy, TaskRefused, Unfinished
from services.platform import Platform
from services.runs import Run
from services.tenant_functions import KEPT_SECONDS, Function, Job, job_entry

# RunTask takes 8,192 characters of overrides in all, which are JSON themselves (ECS API, TaskOverride).
_LONGEST_OVERRIDES = 8000


class FunctionInvoke(UserRequest):
    """Which one, and the input: any JSON."""

    name: forms.AnyName
    input: Any = None


def function_invoke(request: FunctionInvoke, platform: Platform) -> Answer:
    """Run the function once. Answers when ECS has taken the task, not when it has ended.

    Raises FunctionNotFound, QuotaExceeded, BudgetSpent, NoCapacity, Conflict while the function is not made yet.
    """
    if platform.settings.function_network == "none":
        raise NoFunctions
    refuse_if_spent(platform, request.user_id)
    existing(platform, request.user_id, request.name)
    run_id = ids.new_run_id()
    # Before anything is recorded: if these fail, nothing was begun.
    variables = _variables(platform, run_id, request.input)
    try:
        group = security_group(platform, request.user_id)
    except Unfinished:
        raise _not_ready(request.name) from None
    function, job, run = retry_on_conflict(lambda: _decided(request, platform, run_id))
    _launch(platform, function, job, run, variables, group)
    return {
        "success": True,
        "message": f"Function '{request.name}' invoked successfully",
        "jobName": job["jobName"],
    }


def _not_ready(name: str) -> Conflict:
    return Conflict(
        f"function '{name}' is not ready to be invoked",
        field="name",
        suggestion="Look at its status, and try again in a minute.",
    )


def _decided(request: FunctionInvoke, platform: Platform, run_id: str) -> tuple[Function, Job, Run]:
    function = existing(platform, request.user_id, request.name)
    if function.get("definitionShape") != function["shape"]:
        raise _not_ready(request.name)
    now, user_id = clock.now(), function["userId"]
    table = platform.tenant_functions
    tenant = table.tenant(user_id)
    name = f"{function['name']}-invoke-{now}"
    if table.find_job(user_id, job_entry(function, name)):
        name += f"-{ids.new_id()[:4]}"  # another in this very second
    intended: dict[str, Any] = {
        "userId": user_id,
        "entry": job_entry(function, name),
        "functionId": function["functionId"],
        "functionName": function["name"],
        "jobName": name,
        "runId": run_id,
        "status": "pending",
        "cpu": function["cpu"],
        "memory": function["memory"],
        "requestedAt": now,
        "events": [{"id": ids.new_id(), "kind": "function.invoked", "at": now}],
        "due": table.due,
        "dueAt": now + ARRIVAL_SECONDS,
        "expiresAt": now + KEPT_SECONDS,
    }
    job = cast("Job", intended)
    run: Run = {
        "runId": run_id,
        "userId": user_id,
        "instanceId": function["functionId"],
        "kind": "job",
        "cpu": job["cpu"],
        "memory": job["memory"],
        "rate": rate_of(platform, job["cpu"], job["memory"]),
        "requestedAt": now,
        "jobEntry": job["entry"],
    }
    defined = Attr("definition").eq(function["definition"])  # and so it is not deleted either
    try:
        transact(
            table.change(function, defined, {"invokedAt": now}),
            table.begin_job(job),
            platform.runs.begin(run),
            claim(platform, user_id, share_of(job), tenant),
            counted_use(platform, user_id, "changes"),
        )
    except ConditionFailed as refused:
        if refused.failed == {4}:
            raise used_up(platform, "changes") from None
        raise
    return function, job, run


def _launch(
    platform: Platform,
    function: Function,
    job: Job,
    run: Run,
    variables: dict[str, str],
    group: str,
) -> None:
    """Ask ECS for the task. What it refuses is over at once; what is not known is the tick's to find out."""
    placement = platform.ecs_services.placement(group)
    try:
        arn = platform.ecs.run(
            run["runId"], function["definition"], {CONTAINER: variables}, placement=placement
        )
    except (EcsBusy, TaskRefused) as refused:
        reason = (
            refused.cause.value if isinstance(refused, TaskRefused) else "AWS is busy just now."
        )
        now = clock.now()
        with suppress(ConditionFailed):  # the tick was quicker
            finish(platform, job, run, (now, now), {"status": "failed", "reason": reason})
        raise NoCapacity(reason) from refused
    # Its end may have come first. What cannot be noted or told now, the tick notes and tells.
    with suppress(ConditionFailed, *AWS_FAILURES):
        transact(platform.tenant_functions.change_job(job, {"taskArn": arn}))
        transact(platform.tenant_functions.change_job(job, told(platform, job)))


def _variables(platform: Platform, run_id: str, given: Any) -> dict[str, str]:
    text = json.dumps({} if given is None else given, ensure_ascii=False)
    if len(json.dumps(text).encode()) <= _LONGEST_OVERRIDES - 200:
        return {"INPUT_JSON": text}
    return {"INPUT_URL": platform.inputs.keep(run_id, text)}


ACTION = Action(FunctionInvoke, function_invoke, Scope.USER)
