"""move-session: another time, another length, or another world, for a booked session."""

from __future__ import annotations

from pydantic import model_validator

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import ChangesNothing, InvalidRequest, SessionHasBegun, SessionIsOver
from actions.instances.worlds import World
from actions.licenses.booking import book
from actions.licenses.reservations import first_due
from actions.lookup import instance_of
from actions.retrying import retry_on_conflict
from actions.scheduling.lookup import SessionId, session_of
from actions.scheduling.times import Minutes, Moment, checked_start
from services import clock
from services.platform import Platform
from services.sessions import OPEN, Session, SessionStatus


class MoveSession(UserRequest):
    """Whose session, which, and what is to be changed: when it starts, how many minutes it lasts, its world.

    With null as its world it is played in the server's own (set-world).
    """

    session_id: SessionId
    start_time: Moment | None = None
    duration: Minutes | None = None
    world: World | None = None

    @property
    def names_world(self) -> bool:
        """Whether the world is to be changed, be it to none."""
        return "world" in self.model_fields_set

    @model_validator(mode="after")
    def _changes_something(self) -> MoveSession:
        if self.start_time is None and self.duration is None and not self.names_world:
            raise ChangesNothing("startTime", "Give startTime, duration, world, or several.")
        return self


def move_session(request: MoveSession, platform: Platform) -> Answer:
    """Book the new time in place of the old one, in one transaction: if it cannot be had, the old one stays.

    A session that has begun, or is about to, can only be made longer or shorter, on the licence that it has;
    another world is opened by the next start. Raises SessionNotFound, SessionIsOver, SessionHasBegun, LicenseNeeded
    with how long it can last, LicenseWithdrawn, and what schedule-session does, BudgetSpent if it gets longer.
    """
    moved = retry_on_conflict(lambda: _move(request, platform))
    return {
        "success": True,
        "sessionId": moved["sessionId"],
        "startTime": moved["startTime"],
        "duration": moved["duration"],
        "message": "Session moved successfully",
    }


def _move(request: MoveSession, platform: Platform) -> Session:
    before = session_of(platform, request.user_id, request.session_id)
    if before["status"] not in OPEN:
        raise SessionIsOver(before["status"])
    instance = instance_of(platform, request.user_id)
    moved = _as_asked(request, before)
    start_time, end_time = moved["startTime"], moved["endTime"]
    if before["status"] == SessionStatus.SCHEDULED:
        if start_time != before["startTime"]:
            checked_start(start_time)
        moved["dueAt"] = first_due(platform.settings, start_time)
    elif start_time != before["startTime"]:
        raise SessionHasBegun(before["status"])
    elif end_time <= clock.now():
        raise InvalidRequest(
            "The session would have been over by now.",
            field="duration",
            value=moved["duration"],
            suggestion="End it with cancel-scheduled-session.",
        )
    elif before["status"] == SessionStatus.RUNNING:
        # Of a server that was stopped, the session ends soon, however long it was to last.
        is_up = instance.get("runLicense") == before["licenseId"]
        moved["dueAt"] = end_time if is_up else min(before["dueAt"], end_time)
    return book(platform, instance, moved, before)


def _as_asked(request: MoveSession, before: Session) -> Session:
    start_time = before["startTime"] if request.start_time is None else request.start_time
    duration = request.duration or before["duration"]
    end_time = start_time + duration * 60
    moved: Session = {
        **before,
        "startTime": start_time,
        "duration": duration,
        "endTime": end_time,
    }
    if request.names_world:
        moved.pop("world", None)
    if request.world:
        moved["world"] = request.world
    return moved


ACTION = Action(
    MoveSession,
    move_session,
    Scope.USER,
    Command(
        "Move a session, or change how long it lasts",
        options={
            "session_id": "Which session",
            "start_time": "When instead",
            "duration": "For how many minutes",
            "world": "In which world",
        },
    ),
)
