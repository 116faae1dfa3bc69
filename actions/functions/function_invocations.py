"""function-invocations: what was invoked of a function within the month, the latest first."""

from __future__ import annotations

from actions.action import Action, Answer, Scope
from actions.functions import forms
from actions.functions.function_get import existing
from actions.paging import ListRequest, paged
from services.platform import Platform
from services.tenant_functions import Job


class FunctionInvocations(ListRequest):
    """Of which function."""

    name: forms.AnyName


def function_invocations(request: FunctionInvocations, platform: Platform) -> Answer:
    """The invocations with how far each is, its exit code, times and cost in USD. Raises FunctionNotFound."""
    function = existing(platform, request.user_id, request.name)
    found, rest = paged(
        request,
        lambda after: platform.tenant_functions.jobs(function, request.limit, after),
    )
    return {"success": True, "invocations": [_shown(job) for job in found], **rest}


def _shown(job: Job) -> Answer:
    shown: Answer = {"jobName": job["jobName"], "status": job["status"]}
    fields = ("requestedAt", "startedAt", "finishedAt", "exitCode", "reason")
    shown |= {name: job[name] for name in fields if name in job}  # type: ignore[literal-required]
    if "cost" in job:  # of some seconds: cents would hide it
        shown["cost"] = float(job["cost"])
    return shown


ACTION = Action(FunctionInvocations, function_invocations, Scope.USER)
