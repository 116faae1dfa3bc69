"""function-create: a container of the member's own, as many of it as asked for.

The record is written first, with the quota's share; what it asks for is carried out at once, or by the tick.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import model_validator

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.budget import refuse_if_spent
from actions.errors import Forbidden, InvalidRequest
from actions.functions import forms
from actions.functions.carrying_out import Sent, carry_out
from actions.functions.errors import FunctionExists, NoFunctions, QuotaExceeded
from actions.functions.locking import FunctionLock, left_to_the_tick
from actions.functions.quota import amounts_of, claim
from actions.functions.showing import shown
from actions.rates import counted_use, used_up
from actions.retrying import retry_on_conflict
from services import clock, ids
from services.dynamodb import ConditionFailed, transact
from services.locks import lock_fields
from services.platform import Platform
from services.secrecy import is_secret
from services.tenant_functions import Function, live_entry


class FunctionCreate(UserRequest):
    """What is to run. CPU units (1024 a vCPU) and MiB; `readOnly` makes the container's own files so."""

    name: forms.Name
    image: forms.Image
    replicas: forms.Replicas = 1
    command: forms.Command | None = None
    env: forms.Env | None = None
    cpu: int = forms.SMALLEST[0]
    memory: int = forms.SMALLEST[1]
    read_only: bool = False

    @model_validator(mode="after")
    def _has_a_size(self) -> FunctionCreate:
        if hint := forms.size_hint(self.cpu, self.memory):
            raise InvalidRequest("There is no such size.", field="memory", suggestion=hint)
        return self


def function_create(request: FunctionCreate, platform: Platform) -> Answer:
    """Have a function run. Raises FunctionExists, QuotaExceeded, NoFunctions, BudgetSpent."""
    refuse_image(request.image, platform)
    if platform.settings.function_network == "none":
        raise NoFunctions
    refuse_if_spent(platform, request.user_id)
    function, sent = _intended(request)
    retry_on_conflict(lambda: _record(platform, function))
    lock = FunctionLock(platform, function, function["worker"])
    with left_to_the_tick():
        carry_out(lock, sent)
    return {"success": True, "function": shown(lock.item)}


def refuse_image(image: str, platform: Platform) -> None:
    """Raise Forbidden if images from there are not taken.

    ECS fetches with a role that may fetch the operator's own image from a private repository: that is not theirs.
    """
    if ".dkr.ecr" in forms.full_reference(image).partition("/")[0]:
        raise Forbidden("images of private repositories are not taken", field="image", value=image)
    registries = platform.settings.registries
    if not forms.is_from(image, registries):
        raise Forbidden(
            f"images come from {', '.join(registries)} only",
            field="image",
            value=image,
            suggestion="Name one from there with its registry.",
        )


def parted(env: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Variables that may be seen, and those that look like secrets. Raises InvalidRequest for a hidden value."""
    if hidden := next((name for name, value in env.items() if value == forms.HIDDEN), None):
        raise InvalidRequest(
            "env is not valid.",
            field="env",
            suggestion=f"{forms.HIDDEN} stands for a secret value that there is: send that of {hidden} itself.",
        )
    secrets = {name: value for name, value in env.items() if is_secret(name, value)}
    return {name: value for name, value in env.items() if name not in secrets}, secrets


def _record(platform: Platform, function: Function) -> None:
    user_id, name = function["userId"], function["name"]
    table = platform.tenant_functions
    tenant = table.tenant(user_id)
    group = f"{platform.settings.stack}/{ids.new_id()}"
    try:
        claimed = claim(platform, user_id, amounts_of(function), tenant, group)
        transact(table.begin(function), claimed, counted_use(platform, user_id, "changes"))
    except QuotaExceeded:
        if table.find(user_id, name):  # which is the more helpful answer
            raise FunctionExists(name, user_id) from None
        raise
    except ConditionFailed as refused:
        if 0 in refused.failed:
            raise FunctionExists(name, user_id) from None
        if 2 in refused.failed:
            raise used_up(platform, "changes") from None
        raise


def _intended(request: FunctionCreate) -> tuple[Function, Sent | None]:
    now, function_id = clock.now(), ids.new_run_id()
    plain, secrets = parted(request.env or {})
    intended: dict[str, Any] = {
        "userId": request.user_id,
        "entry": live_entry(request.name),
        "functionId": function_id,
        "name": request.name,
        "image": request.image,
        "replicas": request.replicas,
        "env": plain,
        "secretNames": sorted(secrets),
        "secretSizes": forms.secret_sizes_of(secrets),
        "cpu": request.cpu,
        "memory": request.memory,
        "readOnly": request.read_only,
        "createdAt": now,
        "updatedAt": now,
        "generation": 1,
        "shape": 1,
        "tasks": {},
        "seen": 0,
        "failures": 0,
        "events": [{"id": ids.new_id(), "kind": "function.created", "at": now}],
        **lock_fields(ids.new_id(), now),
        "due": "function",
        "dueAt": now,
        **({"command": request.command} if request.command else {}),
        **({"secretMissing": 1} if secrets else {}),
    }
    return cast("Function", intended), Sent(1, secrets) if secrets else None


ACTION = Action(FunctionCreate, function_create, Scope.USER)
