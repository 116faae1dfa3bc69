"""Lists page by page: an answer with `next` has more behind it, for who asks the same again with that `next`."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from actions.action import Answer, Request, UserRequest
from actions.errors import InvalidRequest
from services.dynamodb import ForeignPosition, Position

T = TypeVar("T")
_Text = Annotated[str, Field(min_length=1, max_length=1024)]


class Paged(Request):
    """How many at most, and after which page: what the answer before had as `next`."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    next: Annotated[str, Field(min_length=1, max_length=4096)] | None = None


class ListRequest(UserRequest, Paged):
    """A list that a member or an administrator asks for."""


class _Cursor(BaseModel):
    """What `next` holds: of which list it is, and behind which of its items the page begins. Nothing secret."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    of: dict[str, Any]
    after: dict[_Text, _Text]


def paged(
    request: Paged, read: Callable[[Position | None], tuple[list[T], Position | None]]
) -> tuple[list[T], Answer]:
    """The page that is asked for, and what the answer says of the one behind it.

    Raises InvalidRequest for a `next` of another list, of another member's or with another filter, or of nobody's.
    """
    of = _list_of(request)
    try:
        items, last = read(None if request.next is None else _read(request.next, of))
    except ForeignPosition:
        raise InvalidRequest(
            "next is not valid.",
            field="next",
            suggestion="Send the next of the answer before, with the same other fields; none for the first page.",
        ) from None
    return items, {} if last is None else {"next": _written(of, last)}


def _list_of(request: Paged) -> dict[str, Any]:
    fields = request.model_dump(by_alias=True, exclude={"limit", "next"}, exclude_none=True)
    return {"list": type(request).__name__, **fields}


def _read(text: str, of: dict[str, Any]) -> Position:
    try:
        cursor = _Cursor.model_validate_json(urlsafe_b64decode(text))
    except ValueError:
        raise ForeignPosition from None
    if cursor.of != of:
        raise ForeignPosition
    return cursor.after


def _written(of: dict[str, Any], last: Position) -> str:
    return urlsafe_b64encode(json.dumps({"of": of, "after": last}).encode()).decode()
