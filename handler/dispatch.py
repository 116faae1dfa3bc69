"""From a name and a payload to an answer: find the action, authorise, validate, call. Knows no transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError

import actions
from actions.action import Action, AdminOrder, Answer, ClientRequest, Request, Scope
from actions.errors import ChangedMeanwhile, Forbidden, InvalidRequest
from handler import failures
from services.errors import ConditionFailed
from services.platform import Platform

SYSTEM = "system"
SPEAKER = Scope.USER.value  # the scope of who may speak for members
# What an administrator has invoked is in the log, and at the function, as theirs: nobody does it for another.
_IN_ONES_OWN_NAME = (Scope.INVOKE, Scope.READ)


@dataclass(frozen=True)
class Caller:
    """Who calls: a user, or a client. Neither is named where the payload is believed (IAM vouches for the caller).

    Only a `trusted` caller may be the platform itself: a direct invocation, a schedule, an AWS event.
    """

    user_id: str | None = None
    trusted: bool = False
    scopes: frozenset[str] = frozenset()
    client_id: str | None = None
    is_admin: bool = False  # by a role of the guild, which Discord vouches for


DIRECT = Caller(trusted=True)


def run(name: str, payload: Mapping[str, Any], caller: Caller, platform: Platform) -> Answer:
    """Carry out the action `name`. Raises whatever it raises; handler/failures.py words it."""
    action = actions.find(name)
    if action.scope is Scope.SYSTEM and not caller.trusted:
        raise Forbidden("Only the platform itself may do this.", field="action")
    request = _validated(action, payload)
    if isinstance(request, ClientRequest) and _is_of_client(action.scope, request, caller):
        return _carried_out(action, request, platform)
    _authorise(action.scope, getattr(request, "user_id", None), caller, platform)
    if isinstance(request, AdminOrder):
        return _audited(name, action, request, caller, platform)
    return _carried_out(action, request, platform)


def _carried_out(action: Action[Any], request: Request, platform: Platform) -> Answer:
    """What the action answers; a write that was refused, as what it was decided by has changed, is a conflict."""
    try:
        return action.run(request, platform)
    except ConditionFailed as quicker:
        raise ChangedMeanwhile from quicker


def _audited(
    name: str, action: Action[Any], order: AdminOrder, caller: Caller, platform: Platform
) -> Answer:
    """Carry out an administrator's order; the audit says that it was asked for, and what came of it."""
    from actions.admin import auditing

    entry = auditing.note(platform, name, order, caller.user_id or order.user_id)
    try:
        answer = _carried_out(action, order, platform)
    except Exception as error:
        auditing.close(platform, entry, failures.kind_of(error).code)
        raise
    auditing.close(platform, entry, "done")
    return answer


def is_systems_own(name: str) -> bool:
    """Whether the action is the platform's own, so that nobody waits for its answer."""
    return actions.find(name).scope is Scope.SYSTEM


def _validated(action: Action[Any], payload: Mapping[str, Any]) -> Request:
    try:
        request: Request = action.request.model_validate(payload)
    except ValidationError as error:
        raise failures.invalid(error, secret_fields(action.request)) from None
    return request


def secret_fields(model: type[Request]) -> frozenset[str]:
    """The names, as the contract writes them, of the fields whose values must not be shown."""
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if SecretStr.__name__ in str(field.annotation)
    )


def _authorise(scope: Scope, user_id: str | None, caller: Caller, platform: Platform) -> None:
    """Refuse who may not. A request about a user is that user's, an admin's or the platform's own."""
    if scope in (Scope.PUBLIC, Scope.SYSTEM):  # `run` has refused SYSTEM to all but the platform
        return
    if user_id is None:
        raise InvalidRequest("userId is missing.", field="userId", suggestion="Give userId.")
    if user_id == SYSTEM:
        raise Forbidden('"system" is the schedules\' own user.', field="userId", value=user_id)
    if scope is Scope.SPEAKER:
        if SPEAKER not in caller.scopes and not caller.trusted:
            raise Forbidden(
                f'This needs the scope "{SPEAKER}".',
                suggestion="An administrator gives it to a client with client-create.",
            )
        return
    is_others_affair = caller.user_id != user_id and not caller.trusted
    if is_others_affair and (scope in _IN_ONES_OWN_NAME or scope.value not in caller.scopes):
        raise Forbidden("You can act for yourself only.", field="userId")
    asking = {user_id, caller.user_id or user_id}  # over HTTP also the token's user must be one
    is_admins = scope is Scope.ADMIN or scope in _IN_ONES_OWN_NAME
    vouched_for = {caller.user_id} if caller.is_admin else set()
    if is_admins and not all(_is_admin(user, platform) for user in asking - vouched_for):
        raise Forbidden(
            "Only administrators may do this.",
            field="userId",
            suggestion="The operator names administrators in ADMIN_USER_IDS, they name others by admin-grant.",
        )


def _is_of_client(scope: Scope, request: ClientRequest, caller: Caller) -> bool:
    """Whether a client asks, which needs the scope. Raises Forbidden for who is none, or another, or lacks it."""
    if request.client_id is None and caller.client_id is None:
        return False
    if request.client_id != caller.client_id and not caller.trusted:
        raise Forbidden("You can act for yourself only.", field="clientId")
    if scope.value not in caller.scopes and not caller.trusted:
        raise Forbidden(
            f'This client lacks the scope "{scope.value}".',
            suggestion="An administrator gives scopes with client-create.",
        )
    return True


def _is_admin(user_id: str, platform: Platform) -> bool:
    return user_id in platform.settings.admins or user_id in platform.registry.admins()["users"]
