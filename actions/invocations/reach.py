"""Which functions somebody may have invoked: of those that the operator allows, what the client's patterns name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from actions.action import ClientRequest
from actions.errors import Forbidden, InvalidRequest, NoSuchClient
from services.clients import Client
from services.lambda_functions import LIVE, ForeignFunction, FunctionName
from services.platform import Platform

EVERYTHING = ("*",)
# Its form is told by function_in, where it is logged: what is no name is not refused with a whole batch.
NamedFunction = Annotated[str, Field(min_length=1, max_length=256)]


@dataclass(frozen=True)
class Reach:
    """Who asks, a client or an administrator, and what is in their reach."""

    user_id: str
    client: Client | None
    patterns: Sequence[str]

    @property
    def who(self) -> str:
        """Who asks, as the log names them: no client's id has a colon."""
        return self.client["clientId"] if self.client else f"user:{self.user_id}"


def reach_of(request: ClientRequest, platform: Platform) -> Reach:
    """The reach of the client that asks; an administrator reaches whatever the operator allows.

    Raises NoSuchClient for one that was removed a moment ago.
    """
    if request.client_id is None:
        return Reach(request.user_id or "", None, EVERYTHING)
    client = platform.clients.known(request.client_id)
    if client is None:
        raise NoSuchClient(request.client_id)
    return Reach("", client, client["functions"])


def function_in(reach: Reach, text: str, platform: Platform, qualifier: str | None) -> FunctionName:
    """The function that is meant, with `qualifier` or the one that is part of its name.

    Raises InvalidRequest for what is no function's name, and Forbidden for what is out of reach.
    """
    try:
        named = platform.lambda_functions.named(text)
    except ForeignFunction:
        raise Forbidden(
            "Only functions of the platform's own account and region can be had.",
            field="functionName",
        ) from None
    if named is None:
        raise InvalidRequest(
            "functionName is not valid.",
            field="functionName",
            suggestion="Send a function's name or ARN.",
        )
    if named.qualifier and qualifier and named.qualifier != qualifier:
        raise InvalidRequest(
            "functionName names another version than alias or version does.",
            field="functionName",
            suggestion="Name the version once.",
        )
    if not is_within(reach, named.name, platform):
        raise Forbidden("This function may not be invoked.", field="functionName")
    which = qualifier or named.qualifier
    if not is_own(named.name, platform):
        return FunctionName(named.name, which)
    if which not in (None, LIVE):
        raise Forbidden(
            "The platform's own function is invoked as it is deployed.",
            field="functionName",
            suggestion=f"Leave alias and version out, or send the alias {LIVE}.",
        )
    return FunctionName(named.name, LIVE)


def is_within(reach: Reach, name: str, platform: Platform) -> bool:
    """Whether a function may be invoked and seen."""
    allowed = is_own(name, platform) or _matches(name, platform.settings.invokable)
    return allowed and _matches(name, reach.patterns)


def is_own(name: str, platform: Platform) -> bool:
    """Whether it is the platform's own function."""
    return name == platform.settings.aws_lambda_function_name


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
