"""function-update: another image, command, environment, size or number of replicas, by a rolling update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.budget import refuse_if_spent
from actions.errors import ChangesNothing, InvalidRequest
from actions.functions import forms
from actions.functions.carrying_out import Sent, carry_out, carry_out_soon
from actions.functions.errors import FunctionNotFound, NoFunctions
from actions.functions.function_create import parted, refuse_image
from actions.functions.function_get import existing
from actions.functions.locking import lock_patiently
from actions.functions.quota import amounts_of, claim, difference
from actions.functions.showing import shown
from actions.rates import counted_use, used_up
from actions.retrying import retry_on_conflict
from services import clock, ids
from services.aws import AWS_FAILURES
from services.concurrency import concurrently
from services.dynamodb import Attr, ConditionFailed, transact
from services.errors import Unfinished
from services.platform import Platform
from services.tenant_functions import Function

_CHOICES = ("image", "replicas", "command", "env", "cpu", "memory", "read_only")


class FunctionUpdate(UserRequest):
    """What is to be different. `env` is all variables; `***` stands for the secret value that there is."""

    name: forms.AnyName
    image: forms.Image | None = None
    replicas: forms.Replicas | None = None
    command: forms.Command | None = None
    env: forms.Env | None = None
    cpu: int | None = None
    memory: int | None = None
    read_only: bool | None = None


def function_update(request: FunctionUpdate, platform: Platform) -> Answer:
    """Change a function. Raises FunctionNotFound, QuotaExceeded, BudgetSpent, ChangesNothing, Contended."""
    if all(getattr(request, choice) is None for choice in _CHOICES):
        raise ChangesNothing(
            "image", "Give image, replicas, command, env, cpu, memory or readOnly."
        )
    if request.image:
        refuse_image(request.image, platform)
    if request.replicas != 0 and platform.settings.function_network == "none":
        raise NoFunctions
    function, sent = retry_on_conflict(lambda: _decided(request, platform))
    if sent:
        function = _carried_out(platform, function, sent)
    else:
        carry_out_soon(platform, function)
    return {"success": True, "function": shown(function)}


def _carried_out(platform: Platform, function: Function, sent: Sent) -> Function:
    """The function with what was sent, for which whoever works on it now is waited for: it is nowhere else.

    Raises what AWS refuses of that; all else the tick goes on with.
    """
    try:
        lock = lock_patiently(platform, function)
        try:
            carry_out(lock, sent)
        except (Unfinished, *AWS_FAILURES):
            if lock.item.get("secretMissing"):
                raise
    except ConditionFailed:
        raise FunctionNotFound(function["name"]) from None  # it was deleted meanwhile
    return lock.item


def _decided(request: FunctionUpdate, platform: Platform) -> tuple[Function, Sent | None]:
    table, user_id = platform.tenant_functions, request.user_id
    function, tenant = concurrently(
        lambda: existing(platform, user_id, request.name), lambda: table.tenant(user_id)
    )
    values, sent = _changes(request, function)
    if not values:
        return function, None  # it is so already
    changed = cast("Function", {**function, **values})
    if hint := forms.size_hint(changed["cpu"], changed["memory"]):
        raise InvalidRequest("There is no such size.", field="memory", suggestion=hint)
    more = difference(amounts_of(changed), amounts_of(function))
    now, generation = clock.now(), function["generation"] + 1
    if not values.keys() <= {"replicas"} or more["replicas"] > 0:  # less may always be asked for
        refuse_if_spent(platform, user_id)
    kept_shape = values.keys() <= {"replicas"}
    event = {"id": ids.new_id(), "kind": "function.updated", "at": now}
    values |= {
        "generation": generation,
        "shape": function["shape"] if kept_shape else generation,
        "updatedAt": now,
        "failures": 0,
        "events": [*function["events"], event],
        "due": table.due,
        "dueAt": now,
    }
    as_read = Attr("generation").eq(function["generation"])
    removed = ("heldBack", "reason", "noticedAt")
    try:
        transact(
            table.change(function, as_read, values, removed),
            claim(platform, user_id, more, tenant),
            counted_use(platform, user_id, "changes"),
        )
    except ConditionFailed as refused:
        if refused.failed == {2}:
            raise used_up(platform, "changes") from None
        raise
    left: Mapping[str, Any] = {n: v for n, v in function.items() if n not in removed}
    return cast("Function", {**left, **values}), sent


def _changes(request: FunctionUpdate, function: Function) -> tuple[dict[str, Any], Sent | None]:
    """What changes in the record, and what was sent of secret variables, if what is stored must change."""
    given = {
        "image": request.image,
        "replicas": request.replicas,
        "command": request.command,
        "cpu": request.cpu,
        "memory": request.memory,
        "readOnly": request.read_only,
    }
    values: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if value is not None and value != function.get(name)
    }
    if request.env is None:
        return values, None
    known = {
        n for n, v in request.env.items() if v == forms.HIDDEN and n in function["secretNames"]
    }
    plain, secrets = parted({n: v for n, v in request.env.items() if n not in known})
    former = function.get("secretSizes", {})
    sizes = {name: former.get(name, 0) for name in known} | forms.secret_sizes_of(secrets)
    forms.refuse_too_long(plain, sizes)
    changed = {"env": plain, "secretNames": sorted(known | set(secrets)), "secretSizes": sizes}
    values |= {n: v for n, v in changed.items() if secrets or v != function.get(n)}
    if not secrets and not function.get("secretMissing"):
        return values, None
    # What was missing is wanted no more, but what is to stay may not be there either.
    sent = Sent(function["generation"] + 1, secrets) if changed["secretNames"] else None
    values["secretMissing"] = sent.generation if sent else 0
    return values, sent


ACTION = Action(FunctionUpdate, function_update, Scope.USER)
