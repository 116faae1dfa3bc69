"""schedule-session: books a session with a licence for it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.instances.worlds import World
from actions.licenses.booking import book
from actions.licenses.reservations import first_due
from actions.lookup import instance_of
from actions.retrying import retry_on_conflict
from actions.scheduling.times import Minutes, Moment, checked_start
from services import clock, ids
from services.platform import Platform
from services.sessions import Session, SessionStatus


class ScheduleSession(UserRequest):
    """When to play and for how many minutes; in which world, if not in the server's own (set-world)."""

    start_time: Moment
    duration: Minutes
    title: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=2000)] | None = None
    world: World | None = None


def schedule_session(request: ScheduleSession, platform: Platform) -> Answer:
    """Book the session; its server starts by itself five minutes before.

    Raises InstanceNotFound, NoLicenseFree with the next free time, Overlap with an own session, BudgetSpent,
    BookedOut when the member has as much booked as one may.
    """
    checked_start(request.start_time)
    session = _new(request, platform)
    booked = retry_on_conflict(
        lambda: book(platform, instance_of(platform, request.user_id), session)
    )
    return {
        "success": True,
        "sessionId": booked["sessionId"],
        "startTime": booked["startTime"],
        "duration": booked["duration"],
        "message": "Session scheduled successfully",
    }


def _new(request: ScheduleSession, platform: Platform) -> Session:
    session: Session = {
        "sessionId": ids.new_run_id(),
        "userId": request.user_id,
        "startTime": request.start_time,
        "endTime": request.start_time + request.duration * 60,
        "duration": request.duration,
        "status": SessionStatus.SCHEDULED,
        "licenseId": "",
        "createdAt": clock.now(),
        "due": "session",
        "dueAt": first_due(platform.settings, request.start_time),
    }
    if request.title:
        session["title"] = request.title
    if request.description:
        session["description"] = request.description
    if request.world:
        session["world"] = request.world
    return session


ACTION = Action(
    ScheduleSession,
    schedule_session,
    Scope.USER,
    Command(
        "Book a session; your server starts by itself",
        options={
            "start_time": "When, such as 2026-12-04 20:00",
            "duration": "For how many minutes",
            "title": "What to call it",
            "description": "What it is about",
            "world": "In which world, if not the server's own",
        },
    ),
)
