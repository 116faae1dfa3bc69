"""What becomes of a session that is being prepared or played when its server's run ends before its time."""

from __future__ import annotations

from typing import Any

from actions.licenses.reservations import booking_in_play
from services import clock
from services.dynamodb import Operation
from services.instances import Instance, booked_now
from services.platform import Platform
from services.runs import EndCause
from services.sessions import Session, SessionStatus

MOST_RESTARTS = 3
REOPEN_SECONDS = 900  # how long a stopped server's session stays reserved, to be started again


def after_run(
    platform: Platform, instance: Instance, cause: EndCause
) -> tuple[list[Operation], bool]:
    """The operations by which the session goes on that the instance's run was for, and whether it starts again.

    After a crash the session is prepared anew at once, so many times; then, and after a stop, it ends in a while
    unless its server is started again. Starts that come to nothing while it is prepared are counted with the
    crashes. Maintenance ends none: the member may start again when it is over. The
    operations are refused if the session is no longer as it was read.
    """
    now = clock.now()
    if cause == EndCause.FAILURE and (counted := _not_up(platform, instance, now)):
        return counted, False
    booking = booking_in_play(instance, now) if "upSince" in instance else None  # type: ignore[arg-type]
    session = platform.sessions.find(booking["sessionId"]) if booking else None
    if session is None or session["status"] != SessionStatus.RUNNING:
        return [], False
    if now >= session["endTime"] or cause == EndCause.MAINTENANCE:
        return [], False
    if cause != EndCause.CRASH:
        stopped = {"dueAt": min(now + REOPEN_SECONDS, session["endTime"])}
        return [platform.sessions.move(session, SessionStatus.RUNNING, stopped)], False
    restarts = session.get("restarts", 0) + 1
    if restarts > MOST_RESTARTS:
        reason = f"Its server crashed {restarts} times."
        given_up: dict[str, Any] = {"dueAt": now, "reason": reason}
        return [platform.sessions.move(session, SessionStatus.RUNNING, given_up)], False
    again = {"restarts": restarts, "restartedAt": now, "dueAt": now}
    return [platform.sessions.move(session, SessionStatus.PREPARING, again)], True


def failed_too_often(session: Session) -> bool:
    """Whether its server is not started again by itself any more."""
    return session.get("restarts", 0) > MOST_RESTARTS


def _not_up(platform: Platform, instance: Instance, now: int) -> list[Operation]:
    """The operation that counts a start for a session that is being prepared; none if it was for none."""
    booking = booked_now(instance, now)
    session = platform.sessions.find(booking["sessionId"]) if booking else None
    if session is None or session["status"] != SessionStatus.PREPARING:
        return []
    if session["licenseId"] != instance.get("runLicense"):
        return []
    counted: dict[str, Any] = {"restarts": session.get("restarts", 0) + 1, "dueAt": now}
    return [platform.sessions.move(session, session["status"], counted, ("reason",))]
