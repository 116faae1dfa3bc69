"""The tick's part: what is due of functions, whatever was interrupted or missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from actions.billing.budget import refuse_if_spent
from actions.due_work import due_now
from actions.errors import BudgetSpent
from actions.functions.billing import close_run
from actions.functions.carrying_out import carry_out, next_look
from actions.functions.jobs import follow_job
from actions.functions.locking import lock_function
from actions.functions.observing import noted, observe
from actions.functions.showing import available
from actions.functions.teardown import tear_down
from actions.instances.ending import (
    CONSISTENCY_SECONDS,
    MISSING,
    REMEMBERED_SECONDS,
    is_missing_for_long,
    missed,
)
from actions.instances.idling import NOTICE_SECONDS
from actions.notices import announce
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr
from services.ecs_services import Look
from services.errors import Unfinished
from services.platform import Platform
from services.tenant_functions import (
    Function,
    Job,
    SeenTask,
    is_deleted,
    is_job,
    service_name,
)

LOOK_AGAIN_SECONDS = 880  # every third tick, which may come some seconds early
_BUDGET_AGAIN_SECONDS = 3500
Step = Callable[[], bool]


def due_functions(platform: Platform) -> list[Function | Job]:
    """The functions and invocations that want attention now."""
    table = platform.tenant_functions
    return due_now(table.due_keys(clock.now()), lambda key: _find(platform, *key))


def _find(platform: Platform, user_id: str, entry: str) -> Function | Job | None:
    table = platform.tenant_functions
    return table.find_job(user_id, entry) if is_job(entry) else table.find_entry(user_id, entry)


def steps(platform: Platform, due: Sequence[Function | Job]) -> list[Step]:
    """A step for each that is due. ECS is asked once for all of them, and not at all if nothing is due."""
    if not due:
        return []
    try:
        look = platform.ecs_services.tasks()
    except AWS_FAILURES as error:  # servers are looked after all the same
        return [partial(_fail, error)] * len(due)
    return [
        partial(follow_job, platform, cast("Job", item), look)
        if is_job(item["entry"])
        else partial(_step, platform, cast("Function", item), look)
        for item in due
    ]


def _fail(error: Exception) -> bool:
    raise error


def _step(platform: Platform, function: Function, look: Look) -> bool:
    """Bring a function a step further. Always False: no server was stopped. Raises Busy, ConditionFailed."""
    for task in look.of_group(f"service:{service_name(function)}"):
        observe(platform, task)
    table = platform.tenant_functions
    found = table.find_entry(function["userId"], function["entry"])
    if found is None:
        return False  # deleted meanwhile
    found = _without_forgotten(platform, found, look)
    if is_deleted(found):
        tear_down(lock_function(platform, found), look)
        return False
    found = _within_budget(platform, found)
    if found.get("applied") != found["generation"]:
        with suppress(Unfinished):  # which is due again soon
            carry_out(lock_function(platform, found))
    else:
        _look_again(platform, found, look)
    return False


def _without_forgotten(platform: Platform, function: Function, look: Look) -> Function:
    """The function without tasks of which ECS has shown nothing for longer than it remembers a stopped one.

    They are billed up to when they were last seen. One answer that leaves out a task says nothing, however long it
    was not asked for: since when none shows it is noted.
    """
    tasks = {task_id: _looked_for(seen, look) for task_id, seen in function["tasks"].items()}
    if tasks != function["tasks"]:
        change = noted(platform, function, {"tasks": tasks})
        function = platform.tenant_functions.apply_update(change)  # type: ignore[assignment]
    long_ago = look.asked_at - REMEMBERED_SECONDS - CONSISTENCY_SECONDS
    for task_id, seen in tasks.items():
        if is_missing_for_long(seen) and seen["seenAt"] <= long_ago:
            function = _forget(platform, function, task_id, seen)
    return function


def _looked_for(seen: SeenTask, look: Look) -> SeenTask:
    known = {name: value for name, value in seen.items() if name not in MISSING}
    return cast("SeenTask", known if look.has(seen["arn"]) else known | missed(seen, look.asked_at))


def _forget(platform: Platform, function: Function, task_id: str, seen: SeenTask) -> Function:
    platform.ecs_services.stop_task(seen["arn"], "AWS has shown nothing of it for long")
    table, run = platform.tenant_functions, platform.runs.find(task_id)
    left = {i: s for i, s in function["tasks"].items() if i != task_id}
    change = noted(platform, function, {"tasks": left})
    if run and "stoppedAt" not in run:
        started = run["startedAt"]
        close_run(platform, run, (started, max(started, seen["seenAt"])), change, seen=False)
    return table.find_entry(function["userId"], function["entry"]) or function


def _within_budget(platform: Platform, function: Function) -> Function:
    """The function, which is held back while the budget is spent, after its member was told, and then goes on."""
    try:
        refuse_if_spent(platform, function["userId"])
    except BudgetSpent as spent:
        if function["replicas"] == 0 or "heldBack" in function:
            return function
        return _hold_back(platform, function, spent.message)
    if function.get("heldBack") == "budget" or "noticedAt" in function:
        return _asked_for_anew(platform, function, {}, ("heldBack", "noticedAt"))
    return function


def _hold_back(platform: Platform, function: Function, why: str) -> Function:
    table, now = platform.tenant_functions, clock.now()
    told_at = function.get("noticedAt")
    if told_at is None:
        notice_id = f"{function['functionId']}:{function['generation']}:budget"
        minutes, name = NOTICE_SECONDS // 60, function["name"]
        message = f"Your function {name} stops in {minutes} minutes. {why}"
        facts = {"function": name, "stopsAt": now + NOTICE_SECONDS}
        user_id = function["userId"]
        if not announce(
            platform, "function-stops", user_id, message, notice_id=notice_id, facts=facts
        ):
            return function
        same = Attr("generation").eq(function["generation"])
        values = {"noticedAt": now, "dueAt": now + NOTICE_SECONDS}
        table.apply_update(table.change(function, same, values))
        return {**function, **values}  # type: ignore[typeddict-item]
    if now - told_at < NOTICE_SECONDS:
        return function
    return _asked_for_anew(platform, function, {"heldBack": "budget"}, ("noticedAt",))


def _asked_for_anew(
    platform: Platform, function: Function, values: dict[str, Any], removed: tuple[str, ...]
) -> Function:
    table, generation = platform.tenant_functions, function["generation"]
    same = Attr("generation").eq(generation)
    change = table.change(function, same, {**values, "generation": generation + 1}, removed)
    return table.apply_update(change)  # type: ignore[return-value]


def _look_again(platform: Platform, function: Function, look: Look) -> None:
    """Say when the tick looks next: not at all at what is at rest, and was so for longer than ECS lags."""
    table, now = platform.tenant_functions, clock.now()
    as_read = Attr("generation").eq(function["generation"]) & Attr("seen").eq(function["seen"])
    can_run = "heldBack" not in function and "definition" in function
    wanted = function["replicas"] if can_run else 0
    has_no_money = function.get("heldBack") == "budget"
    is_quiet = not (function["tasks"] or wanted or has_no_money or look.unknown)
    since = function.get("quietSince", now)
    if since < function["appliedAt"]:
        since = now
    if is_quiet and now - since >= CONSISTENCY_SECONDS:
        # Whoever is about to note a task has read that somebody looks: that is not so any more.
        values = {"seen": function["seen"] + 1}
        table.apply_update(table.change(function, as_read, values, ("due", "dueAt", "quietSince")))
        return
    if has_no_money:
        pause = _BUDGET_AGAIN_SECONDS
    elif "noticedAt" in function:
        pause = max(function["noticedAt"] + NOTICE_SECONDS - now, 0)
    elif is_quiet:
        pause = since + CONSISTENCY_SECONDS - now
    elif wanted and available(function) == wanted:
        pause = LOOK_AGAIN_SECONDS
    else:
        pause = CONSISTENCY_SECONDS
    quiet = {"quietSince": since} if is_quiet else {}
    quiet["dueAt"] = now + next_look(function, pause)
    removed = () if is_quiet else ("quietSince",)
    table.apply_update(table.change(function, as_read, quiet, removed))
