"""list-data: a page of mock data, made-up records to try a program with.

`name` says which: users, products or orders. `where` keeps the records whose fields have those values, `limit` and
`offset` choose the page; `total` is how many there are on all pages.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import InvalidRequest
from services.mock_data import endpoints
from services.platform import Platform


class ListData(UserRequest):
    """Which list, which of its records, and which page of them."""

    name: Annotated[str, Field(max_length=40, json_schema_extra={"enum": [*endpoints()]})]
    where: dict[str, str] = Field(default={}, max_length=10)
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000)


def list_data(request: ListData, platform: Platform) -> Answer:
    """One page. Raises InvalidRequest for a list or a field that there is not."""
    known = endpoints()
    if request.name not in known:
        raise InvalidRequest(
            "There is no such list.",
            field="name",
            value=request.name,
            suggestion=f"There are {', '.join(known)}.",
        )
    _check_filters(request, known[request.name]["filters"])
    found = [
        record
        for record in platform.mock_data.records(request.name)
        if all(_text(record.get(field)) == value for field, value in request.where.items())
    ]
    page = found[request.offset : request.offset + request.limit]
    return {
        "success": True,
        "items": page,
        "total": len(found),
        "limit": request.limit,
        "offset": request.offset,
    }


def _check_filters(request: ListData, allowed: list[str]) -> None:
    for field in request.where:
        if field not in allowed:
            raise InvalidRequest(
                f"{request.name} cannot be filtered by {field[:64]}.",
                field=field[:64],
                suggestion=f"Filter by {', '.join(allowed)}.",
            )


def _text(value: Any) -> str:
    """A field's value as a query writes it: `true`, not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


ACTION = Action(ListData, list_data, Scope.USER)
