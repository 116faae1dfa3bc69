"""A booked session on its way: its licence freed, its server started, the session begun and completed.

The tick calls `advance` for each session that is due; the rule may fire twice or overlap with itself. Each
step is a conditional write, and says by `dueAt` when the next one is to be taken.
"""

from __future__ import annotations

from typing import Any

import structlog

from actions.errors import PlatformError, StartDelayed
from actions.instances.aftermath import last_failed_run, worth_trying_at
from actions.instances.file_work import carry_on_now
from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.launching import launch
from actions.instances.locking import Lock
from actions.instances.sleeping import bring_back
from actions.instances.starting import start_run
from actions.instances.stop import decide_stop
from actions.instances.warming import tell_of_session
from actions.licenses import rules
from actions.licenses.interrupted import failed_too_often
from actions.licenses.reservations import (
    booking_in_play,
    close,
    how_it_ended,
    reserved_time,
)
from actions.notices import tell
from services import clock
from services.instances import AT_REST, UP, Instance, InstanceStatus, is_running
from services.platform import Platform
from services.runs import EndCause
from services.sessions import Session, SessionStatus

_log = structlog.get_logger()
LEAD_SECONDS = 300  # the contract's schedule prepares what begins within the next five minutes
RETRY_WINDOW_SECONDS = (
    600  # how long after it should have been a session's failed start is tried again
)
_STEP_SECONDS = 60

PREEMPTED = "A scheduled session needs the licence."


def advance(platform: Platform, session: Session) -> bool:
    """Take a due session a step further; True if that started its server.

    Raises ConditionFailed if somebody else took that step.
    """
    now = clock.now()
    if session["status"] == SessionStatus.RUNNING and now < session["endTime"]:
        _end_early(platform, session)
        return False
    if session["status"] in (SessionStatus.RUNNING, SessionStatus.COMPLETED):
        _complete(platform, session)
        return False
    begins, _ = reserved_time(platform.settings, session["startTime"], session["duration"])
    if now < session["startTime"] - LEAD_SECONDS:
        _preempt(platform, session, stop_now=now >= begins)
        if now >= begins:
            _wake_files(platform, session["userId"])
        next_at = begins if now < begins else session["startTime"] - LEAD_SECONDS
        _reschedule(platform, session, session["status"], next_at)
        return False
    return _prepare(platform, session)


def _wake_files(platform: Platform, user_id: str) -> None:
    """Have the files of a server put back that is asleep: large ones take longer than it takes to start."""
    instance = platform.instances.find(user_id)
    if instance and "asleep" in instance and not {"work", "runId"} & instance.keys():
        bring_back(platform, instance, is_wanted=False)
        carry_on_now(platform, platform.instances.find(user_id) or instance)


def _prepare(platform: Platform, session: Session) -> bool:
    """Start the session's server, take over the one that runs, or give up."""
    instance = platform.instances.find(session["userId"])
    if instance is None:
        close(platform, session, how_it_ended(session), "The server was destroyed.")
        return False
    if instance["status"] == InstanceStatus.RUNNING and _on_its_licence(instance, session):
        _begin(platform, session, instance)
        return False
    at = clock.now()
    if not _is_on_its_way(instance, session):
        failed = last_failed_run(platform, instance) if session.get("restarts") else None
        if failed:
            session.setdefault("reason", instance.get("reason", ""))
            at = max(at, worth_trying_at(failed, session["restarts"] - 1))
        if failed_too_often(session) or at > _latest_start(session):
            _give_up(platform, session, instance)
            return False
    if at > clock.now():
        _reschedule(platform, session, SessionStatus.PREPARING, at)
        return False
    _reschedule(platform, session, SessionStatus.PREPARING, at + _STEP_SECONDS)
    _preempt(platform, session, stop_now=True)
    try:
        return _start(platform, session, instance)
    except PlatformError as error:
        # A licence that is not free yet, no capacity, a server that is still stopping: the next minute tries again.
        _note_failure(platform, session, error.message)
        return False


def _latest_start(session: Session) -> int:
    return session.get("restartedAt", session["startTime"]) + RETRY_WINDOW_SECONDS


def _is_on_its_way(instance: Instance, session: Session) -> bool:
    """Whether its server is starting: it arrives, or the other tick gives it up within a quarter of an hour."""
    return instance["status"] == InstanceStatus.STARTING and _on_its_licence(instance, session)


def _start(platform: Platform, session: Session, instance: Instance) -> bool:
    """Start the server if it is at rest; one that runs on another licence is stopped to be started anew."""
    if instance["status"] in AT_REST:
        lock = _decided(platform, session, instance)
        if lock is None:
            return False
        with lock:
            launch(lock)
        return True
    if instance["status"] in UP and not _on_its_licence(instance, session):
        reason = "It starts again on the licence of the session."
        decide_stop(platform, instance, reason, ended_by=EndCause.SESSION)
    return False


def _decided(platform: Platform, session: Session, instance: Instance) -> Lock | None:
    """The start, decided; what has to be done with its files before begins, if it has not."""
    try:
        return start_run(platform, instance, session)
    except StartDelayed:
        carry_on_now(platform, platform.instances.find(session["userId"]) or instance)
        raise


def _on_its_licence(instance: Instance, session: Session) -> bool:
    return instance.get("runLicense") == session["licenseId"]


def _preempt(platform: Platform, session: Session, *, stop_now: bool) -> None:
    """See to it that nobody else holds the session's licence: tell the borrower, later stop the server."""
    license = platform.licenses.find(session["licenseId"])
    holder = license.get("holderUserId") if license else None
    if license is None or holder in (None, session["userId"]):
        return
    now = clock.now()
    if "leaseUntil" in license or not rules.holder_of(license, now):
        return  # a lease runs out by itself, and cannot be renewed so shortly before
    borrower = platform.instances.find(holder)
    if borrower is None or borrower.get("runLicense") != license["licenseId"]:
        return
    if stop_now:
        if decide_stop(platform, borrower, PREEMPTED, ended_by=EndCause.PREEMPTED):
            tell(platform, "gave-way", borrower, f"Your server is stopped: {PREEMPTED}")
    else:
        minutes = rules.GIVE_WAY_SECONDS // 60
        message = f"Your server stops in {minutes} minutes: {PREEMPTED}"
        # Two ticks may come here at once: it is one notice, told once.
        notice_id = f"{session['sessionId']}:{session['startTime']}:{borrower.get('runId')}"
        tell(platform, "about-to-stop", borrower, message, notice_id)


def _begin(platform: Platform, session: Session, instance: Instance) -> None:
    """The server is up: the session runs until its end."""
    values = {"runId": instance["runId"], "dueAt": session["endTime"]}
    platform.sessions.apply(
        platform.sessions.move(session, SessionStatus.RUNNING, values, ("reason",))
    )
    # Of one that comes up, its arrival tells.
    if instance.get("saidReady", session["sessionId"]) != session["sessionId"]:
        booking = next(b for b in instance["bookings"] if b["sessionId"] == session["sessionId"])
        tell_of_session(platform, instance, booking, instance["phase"])


def _end_early(platform: Platform, session: Session) -> None:
    """Its server was stopped a while ago: what it had reserved is free again, unless it has been started anew."""
    instance = platform.instances.find(session["userId"])
    if instance and instance["status"] in UP and _on_its_licence(instance, session):
        goes_on = {"dueAt": session["endTime"]}
        platform.sessions.apply(
            platform.sessions.move(session, SessionStatus.RUNNING, goes_on, ("reason",))
        )
        return
    reason = session.get("reason") or "Its server was stopped."
    close(platform, session, SessionStatus.COMPLETED, reason)
    if instance and "reason" in session:
        _tell_of_failure(platform, session, instance, reason)


def _complete(platform: Platform, session: Session) -> None:
    """The booked time is over; what it had booked is given back when nothing counts from its end any more."""
    if session["status"] == SessionStatus.COMPLETED:
        if _still_runs(platform, session):
            _reschedule(
                platform, session, SessionStatus.COMPLETED, clock.now() + LOOK_AGAIN_SECONDS
            )
        else:
            close(platform, session, SessionStatus.COMPLETED)
        return
    settings = platform.settings
    forgotten = session["endTime"] + max(settings.grace_seconds, settings.overrun_seconds)
    done = platform.sessions.move(session, SessionStatus.COMPLETED, {"dueAt": forgotten})
    platform.sessions.apply(done)


def _still_runs(platform: Platform, session: Session) -> bool:
    """Whether a server runs on for the session: then its booking says when that stops."""
    instance = platform.instances.find(session["userId"])
    if instance is None or not is_running(instance):
        return False
    runs_for = booking_in_play(instance, clock.now())
    return runs_for is not None and runs_for["sessionId"] == session["sessionId"]


def _give_up(platform: Platform, session: Session, instance: Instance) -> None:
    reason = session.get("reason") or "The server did not start in time."
    if failed_too_often(session):
        reason = f"Its server failed {session['restarts']} times. {reason}"
    close(platform, session, how_it_ended(session), reason)
    _tell_of_failure(platform, session, instance, reason)


def _tell_of_failure(platform: Platform, session: Session, instance: Instance, reason: str) -> None:
    what = "has ended early" if "runId" in session else "was cancelled"
    message = f"Your session {what}: {reason}"
    tell(platform, "session-failed", instance, message, sessionId=session["sessionId"])


def _reschedule(platform: Platform, session: Session, status: SessionStatus, due_at: int) -> None:
    """Take this step, and no other tick with us, and be due again at `due_at`."""
    reason = {"reason": session["reason"]} if session.get("reason") else {}
    moved = platform.sessions.move(session, status, {"dueAt": due_at, **reason})
    session.update(platform.sessions.apply(moved))  # type: ignore[typeddict-item]


def _note_failure(platform: Platform, session: Session, reason: str) -> None:
    details: dict[str, Any] = {"sessionId": session["sessionId"], "reason": reason}
    _log.warning("a session's server could not be started yet", details=details)
    values = {"reason": reason[:200]}
    platform.sessions.apply(platform.sessions.move(session, session["status"], values))
