"""admin-list-sessions: members' sessions with their ids, for administrators.

Of one member, the earliest first; of all, in no order from page to page, and by their start within one. `from`
and `until` (Unix seconds) bound the start. At most `limit`; where there may be more, `next` in the answer is what
to send for those that follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import Field

from actions.action import Action, Answer, Scope, UserId
from actions.command import Command
from actions.errors import InvalidRequest
from actions.paging import ListRequest, paged
from actions.scheduling.get_scheduled_sessions import shown
from actions.scheduling.times import LATEST, Moment
from services.platform import Platform


class AdminListSessions(ListRequest):
    """The administrator who asks; whose sessions, beginning when, and in which state: all where it is left out."""

    target_user_id: UserId | None = None
    begins_from: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None
    status: Literal["scheduled", "preparing", "running", "completed", "cancelled"] | None = None


def admin_list_sessions(request: AdminListSessions, platform: Platform) -> Answer:
    """A page of sessions, past and coming.

    A member's are read from the index of members, between the two times. No index has those of all members by time:
    the table is read as far as the page needs. Raises InvalidRequest.
    """
    least, most = request.begins_from or 0, LATEST if request.until is None else request.until
    if least > most:
        raise InvalidRequest(
            "until is before from.",
            field="until",
            suggestion="Give a time that is not before from.",
        )

    def in_state(session: Mapping[str, Any]) -> bool:
        return request.status in (None, session["status"])

    def wanted(session: Mapping[str, Any]) -> bool:
        return in_state(session) and least <= session["startTime"] <= most

    sessions, member = platform.sessions, request.target_user_id
    if member:
        only = in_state if request.status else None
        read = partial(sessions.of_user, member, request.limit, times=(least, most), wanted=only)
    else:
        read = partial(sessions.everybodys, request.limit, wanted=wanted)
    found, more = paged(request, read)
    rows = [{"userId": session["userId"], **shown(session)} for session in found]
    return {"success": True, "sessions": sorted(rows, key=_by_start), **more}


def _by_start(row: Answer) -> tuple[int, str]:
    return row["startTime"], row["sessionId"]


ACTION = Action(
    AdminListSessions,
    admin_list_sessions,
    Scope.ADMIN,
    Command(
        "Members' sessions",
        options={
            "target_user_id": "Whose, if not everybody's",
            "status": "In which state",
        },
        at_once=True,
    ),
)
