"""list-invocations: what was invoked, by whom, with what and what came of it; the latest first."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from actions.action import Action, Answer, ClientId, ClientRequest, Scope
from actions.paging import Paged, paged
from services import clock
from services.dynamodb import ForeignPosition, Item, Position
from services.invocations import DAY, between, days, is_between
from services.platform import Platform

_READS = 40  # pages of a day or a client that one answer looks through
_PAGE = 200
_OWN = {"day", "expiresAt"}  # attributes that are the table's own affair
_Moment = Annotated[int, Field(ge=0, lt=2**33)]


class ListInvocations(ClientRequest, Paged):
    """Who asks, and for which: of a function (as it was named), of a success or none, within a time (Unix seconds).

    A client sees its own. An administrator sees all, or `ofClient`'s.
    """

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    function_name: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    success: bool | None = None
    since: _Moment | None = None
    until: _Moment | None = None
    of_client: ClientId | None = None


def list_invocations(request: ListInvocations, platform: Platform) -> Answer:
    """The log, some 30 days back (`INVOCATION_DAYS`). A page may be short, or empty, and still have a `next`.

    Raises InvalidRequest.
    """
    found, more = paged(request, partial(_page, platform, request))
    return {"success": True, "invocations": [_shown(record) for record in found], **more}


def _page(
    platform: Platform, request: ListInvocations, after: Position | None
) -> tuple[list[Item], Position | None]:
    """Read on until the page is full, or enough was looked through."""
    since, until = _bounds(request, platform)
    if since > until:  # DynamoDB refuses such a condition
        return [], None
    parts = _parts(request, since, until)
    if after is not None:
        parts, after = _from(parts, dict(after))
        if after is not None and not is_between(after.get("id", ""), since, until):
            raise ForeignPosition
    found: list[Item] = []
    last: Position | None = None
    for _ in range(_READS):
        read, last = platform.invocations.page(
            min(_PAGE, request.limit - len(found)), after, of=parts[0], where=between(since, until)
        )
        found += [record for record in read if _is_wanted(request, record)]
        if last is not None:
            last = {**last, "part": parts[0][1]}
            after = {name: value for name, value in last.items() if name != "part"}
        elif len(parts) > 1:
            parts, after = parts[1:], None
            last = {"part": parts[0][1]}  # from its beginning
        if last is None or len(found) >= request.limit:
            break
    return found, last


def _bounds(request: ListInvocations, platform: Platform) -> tuple[int, int]:
    now = clock.now()
    oldest = now - platform.settings.invocation_days * DAY
    until = now if request.until is None else min(request.until, now)
    return max(oldest, request.since or 0), until


def _parts(request: ListInvocations, since: int, until: int) -> list[tuple[str, str]]:
    """What of the table is looked through, in this order."""
    client = request.client_id or request.of_client
    if client is not None:
        return [("client_id", client)]
    return [("day", day) for day in days(since, until)]


def _from(
    parts: list[tuple[str, str]], after: Position
) -> tuple[list[tuple[str, str]], Position | None]:
    """The parts that are left, and where in the first of them to go on. Raises ForeignPosition."""
    began = after.pop("part", None)
    left = [i for i, part in enumerate(parts) if part[1] == began]
    if not left:
        raise ForeignPosition
    return parts[left[0] :], after or None


def _is_wanted(request: ListInvocations, record: Item) -> bool:
    wanted: dict[str, Any] = {"function_name": request.function_name, "success": request.success}
    return all(value is None or record.get(name) == value for name, value in wanted.items())


def _shown(record: Item) -> Answer:
    return {name: value for name, value in record.items() if name not in _OWN}


ACTION = Action(ListInvocations, list_invocations, Scope.READ)
