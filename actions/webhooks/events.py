"""What webhooks are told of, and how it is written on its way to them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from actions.action import Request, UserId

Kind = Literal["function.created", "function.updated", "function.deleted", "function.invoked"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# It becomes a header, and a part of what is signed: no line can end in it, and nothing of it can be a full stop.
EventId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Message(Request):
    """One event for one webhook, as the queue has it."""

    user_id: UserId
    webhook_id: str
    event_id: EventId
    type: Kind
    at: int
    data: dict[str, Any]
