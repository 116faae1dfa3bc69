"""What an action is made of: a request model, a function, a scope, and how Discord shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from actions.command import Command
from services.platform import Platform

Answer = dict[str, Any]

DISCORD_ID = re.compile(r"\d{15,20}", re.ASCII)


def hinted(hint: str | Callable[[Any], str]) -> WrapValidator:
    """For a field's type: what is said of a value that is refused, instead of pydantic's own words for it.

    Those may be a regular expression. A function is asked with the value, which may be anything.
    """

    def checked(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        try:
            return check(value)
        except ValidationError:
            raise ValueError(hint if isinstance(hint, str) else hint(value)) from None

    return WrapValidator(checked)


# Discord ids are digits; other callers have names. Nothing here can break out of a key, a path or a log line.
UserId = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@|-]*$"),
    hinted(
        'Send the id alone, digits only, as a text such as "123456789012345678":'
        " a number of this size loses its last digits in JSON."
    ),
]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=256)]


class Scope(Enum):
    """Who may call an action."""

    PUBLIC = "public"  # anyone: it names no user, and shows no more of one's affairs than everybody may see
    USER = "user"  # the user it is about
    ADMIN = "admin"  # a user named by ADMIN_USER_IDS or by admin-grant
    INVOKE = "invoke"  # a client with that scope, or an admin
    READ = "read"  # the same
    SPEAKER = "speaker"  # who may speak for members: a client with the scope `user`
    SYSTEM = "system"  # the schedules and the platform itself


class Request(BaseModel):
    """A request as the contract writes it, in camel case. Types are not converted, extra fields ignored."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class UserRequest(Request):
    """A request about the user's own instance."""

    user_id: UserId


# What a file, a log line and a URL take, and AWS's names, too.
CLIENT_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
ClientId = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=CLIENT_ID),
    hinted("Send letters, digits, dots, dashes and underscores, at most 64."),
]


class ClientRequest(Request):
    """A request of a client, or of an administrator. A client is told by its token."""

    client_id: ClientId | None = None
    user_id: UserId | None = None


class AdminOrder(UserRequest):
    """A request by which an administrator changes something: the audit notes it, with the reason."""

    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class SystemRequest(Request):
    """A request by a schedule or by the platform itself."""

    user_id: Literal["system"]


R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class Action(Generic[R]):
    """One row of the table of actions."""

    request: type[R]
    run: Callable[[R, Platform], Answer]
    scope: Scope
    command: Command | None = None  # how Discord shows it, where it does
