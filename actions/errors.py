"""What can go wrong, as the platform says it: raised with the facts, worded for who reads it.

handler/failures.py alone knows which code or status each surface gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class PlatformError(Exception):
    """A failure that its reader can understand. `details` holds field, value and suggestion."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = {key: value for key, value in details.items() if value is not None}


class InvalidRequest(PlatformError):
    """The request is not of the form that the contract asks for."""


class ChangesNothing(InvalidRequest):
    """The request names nothing that is to be changed."""

    def __init__(self, field: str, suggestion: str) -> None:
        super().__init__("Nothing is to be changed.", field=field, suggestion=suggestion)


class UnknownAction(InvalidRequest):
    """No action has that name."""

    def __init__(self, name: str, closest: Sequence[str]) -> None:
        hint = f"Did you mean {' or '.join(closest)}?" if closest else "See docs/actions.md."
        super().__init__(
            "There is no such action.", field="action", value=name[:64], suggestion=hint
        )


class Forbidden(PlatformError):
    """The caller may not do this."""


class NotFound(PlatformError):
    """What the request is about does not exist."""


class InstanceNotFound(NotFound):
    """The user has no instance."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            "You have no Foundry server yet.",
            field="userId",
            value=user_id,
            suggestion="Make one with create-instance.",
        )


class TableNotFound(NotFound):
    """Nobody's table is at the host name."""

    def __init__(self, host: str) -> None:
        super().__init__(
            "There is no table here.",
            field="host",
            value=host[:100],
            suggestion="Ask who sent you the link for the right one.",
        )


class SaveNotFound(NotFound):
    """The member has no such save, or none any more."""

    def __init__(self, save_id: str) -> None:
        super().__init__(
            "There is no such save.",
            field="saveId",
            value=save_id[:64],
            suggestion="list-saves shows those that there are.",
        )


class ImportNotFound(NotFound):
    """The member has uploaded nothing of that id, or it is not there any more."""

    def __init__(self, import_id: str) -> None:
        super().__init__(
            "There is no such import.",
            field="importId",
            value=import_id[:64],
            suggestion="begin-import says which there is, or begins one.",
        )


class NothingToBringBack(NotFound):
    """No server of the member's was destroyed lately, or its time is over."""

    def __init__(self) -> None:
        super().__init__(
            "There is no destroyed server of yours that could come back.",
            field="userId",
            suggestion="Make a new one with create-instance.",
        )


class NotForVisitors(Forbidden):
    """The table's member lets nobody else wake it."""

    def __init__(self) -> None:
        super().__init__(
            "Only its owner wakes this table.",
            suggestion="Ask its owner, who may also let others do it with set-wake.",
        )


class WrongCode(Forbidden):
    """The code is not the table's, or not any more."""

    def __init__(self) -> None:
        super().__init__(
            "That is not this table's code.",
            field="code",
            suggestion="Take the link that its owner has sent, or ask for a new one.",
        )


class StalePage(Forbidden):
    """A page that wakes is none of the table's, was used, or is older than ten minutes; which, is not said."""

    def __init__(self) -> None:
        super().__init__(
            "The page had grown too old to wake the table.",
            field="nonce",
            suggestion="Load it again, and try once more.",
        )


class BadTicket(Forbidden):
    """What is to let somebody import is no ticket for this server, or not any more; which, is not said."""

    def __init__(self) -> None:
        super().__init__(
            "This link does not let you import here, or not any more.",
            field="ticket",
            suggestion="Ask for a new one with import-link, in Discord with /saves import.",
        )


class Conflict(PlatformError):
    """The request does not fit the present state."""


class InstanceExists(Conflict):
    """The user has an instance already."""

    _GOING = "Wait some minutes: when status finds no server of yours any more, make another."
    _WAY_OUT: ClassVar = {
        "destroying": _GOING,
        "creating": "Wait until it has been made, or call create-instance again to finish it.",
        "starting": "Play on it, or destroy it before making another.",
        "running": "Play on it, or destroy it before making another.",
    }

    def __init__(self, host: str, status: str) -> None:
        super().__init__(
            f"You already have a Foundry server at https://{host}; {_state(status)}.",
            field="userId",
            status=_shown(status),
            suggestion=self._WAY_OUT.get(status, "Start it, or destroy it before making another."),
        )


class WrongState(Conflict):
    """The instance's status does not allow the action."""

    def __init__(self, wanted: str, status: str, suggestion: str) -> None:
        super().__init__(
            f"The server cannot be {wanted}: {_state(status)}.",
            status=_shown(status),
            suggestion=suggestion,
        )


class Busy(Conflict):
    """Another call is working on the instance at this moment."""

    def __init__(self, status: str) -> None:
        super().__init__(
            f"The server is being worked on just now; {_state(status)}.",
            status=_shown(status),
            suggestion="Try again in a minute. What was interrupted is finished by itself within ten.",
        )


class FilesBusy(Conflict):
    """The server's files are being put back: it starts when that is done, and never half way."""

    def __init__(self) -> None:
        super().__init__(
            "The server's files are being put back just now.",
            suggestion="Start it when status says that they are; that takes minutes, for large ones longer.",
        )


class Contended(Conflict):
    """So many decided about the same thing at the same time that the request's turn never came."""

    def __init__(self) -> None:
        super().__init__(
            "Too many others are asking for the same just now. Nothing was changed.",
            suggestion="Try again in a minute.",
        )


class ChangedMeanwhile(Conflict):
    """Somebody else changed at that very moment what the request was decided by."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody else has changed it at this very moment.",
            suggestion="Look at it, and try again. What was begun is finished by itself within ten minutes.",
        )


class LicenseTaken(Conflict):
    """No licence can be had for the run."""


class LeasedEnough(Conflict):
    """The member has had a licence reserved for as long as may be without starting on it."""

    def __init__(self, again_at: int | None) -> None:
        super().__init__(
            "You have had a licence reserved for three quarters of an hour.",
            until=again_at,
            suggestion="Start your server, or let others have it for a quarter of an hour.",
        )


class NoLicenseFree(Conflict):
    """No licence is free for a booking; one will be so many seconds later, unless that is None."""

    MESSAGE = "No licence is free for that time."

    def __init__(self, field: str, seconds_later: int | None, *, is_any: bool) -> None:
        later = None if seconds_later is None else -(-seconds_later // 60)  # minutes, rounded up
        if later is not None:
            hint = f"One is free for a session that begins {later} minutes later."
        elif is_any:
            hint = "None is later either, as far ahead as can be booked: choose an earlier time."
        else:
            hint = "Nobody shares a licence at present; bring one of your own."
        super().__init__(self.MESSAGE, field=field, minutesLater=later, suggestion=hint)


class LicenseNeeded(Conflict):
    """The licence of a session that has begun, or is about to, is another session's before it would be over."""

    def __init__(self, longest: int) -> None:
        super().__init__(
            "The session's licence is booked for another one by then.",
            field="duration",
            suggestion=f"It can last {longest} minutes.",
        )


class LicenseWithdrawn(Conflict):
    """The licence of a session that has begun, or is about to, was taken back by its owner."""

    def __init__(self) -> None:
        super().__init__(
            "The session's licence was taken back by its owner.",
            field="duration",
            suggestion="It ends when it was to, or earlier.",
        )


class Overlap(Conflict):
    """The member has another session at that time."""

    def __init__(self, field: str, session_id: str) -> None:
        super().__init__(
            "You have another session at that time.",
            field=field,
            sessionId=session_id,
            suggestion="Cancel that session, or choose another time.",
        )


class BookedOut(Conflict):
    """The member has as many sessions, or hours of them, booked as one may at a time."""

    def __init__(self, sessions: int, most_sessions: int, most_hours: int) -> None:
        booked = f"{sessions} {'session' if sessions == 1 else 'sessions'}"
        super().__init__(
            f"You have {booked} booked; {most_sessions} sessions or {most_hours} hours may be booked at a time.",
            sessions=sessions,
            mostSessions=most_sessions,
            mostHours=most_hours,
            suggestion="Cancel one with cancel-scheduled-session, choose a shorter one, or wait until one is over.",
        )


class BudgetSpent(Conflict):
    """This month has cost as much as it may."""

    def __init__(self, whose: str, ceiling: float, missing: float, page: str) -> None:
        where = f" at {page}" if page else ""
        super().__init__(
            f"{whose} budget of {ceiling:.2f} USD for this month is spent.",
            missing=missing,
            kofiPage=page or None,
            suggestion=f"A donation of {missing:.2f} USD{where} makes room; sessions already booked take place.",
        )


class NeedsItsSession(Conflict):
    """The member's server runs for the session, and may not go on without it; `why` says so."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why} Your server goes on for this session only.",
            field="sessionId",
            suggestion="Stop your server with stop-instance, then end the session.",
        )


class UnderMaintenance(Conflict):
    """No server starts while the platform is being maintained."""

    def __init__(self, until: int | None) -> None:
        super().__init__(
            "The platform is being maintained; no server starts just now.",
            until=until,
            suggestion="Try again when the maintenance is over.",
        )


class SessionNotFound(NotFound):
    """The user has no such session."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            "You have no such session.",
            field="sessionId",
            value=session_id,
            suggestion="get-scheduled-sessions lists yours.",
        )


class SessionIsOver(Conflict):
    """The session is over, or was cancelled."""

    def __init__(self, status: str) -> None:
        super().__init__(
            f"The session is {status}; nothing of it can be changed any more.",
            status=status,
            suggestion="get-scheduled-sessions lists yours.",
        )


class SessionHasBegun(Conflict):
    """A session that has begun, or is about to, keeps the time at which it starts."""

    def __init__(self, status: str) -> None:
        super().__init__(
            f"The session is {status}: it cannot start at another time any more.",
            field="startTime",
            status=status,
            suggestion="Change its duration, or cancel it and book another one.",
        )


class NoSuchClient(NotFound):
    """No client has that id."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            "There is no such client.",
            field="clientId",
            value=client_id,
            suggestion="client-list shows them all.",
        )


class ClientExists(Conflict):
    """A client has that id already."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            "There is a client of that id already.",
            field="clientId",
            value=client_id,
            suggestion="client-rotate gives it another secret; client-revoke removes it.",
        )


class NoSuchFunction(NotFound):
    """There is no such function."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "Failed to retrieve function configuration: there is no such function, version or alias.",
            field="functionName",
            value=name,
            suggestion="list-functions shows what there is.",
        )


class PayloadTooLarge(InvalidRequest):
    """A payload is larger than Lambda takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The payload is longer than {most:,} bytes.",
            field="payload",
            suggestion="Store what is large elsewhere, and send where it is.",
        )


class AnswerTooLarge(PayloadTooLarge):
    """Whoever carries the answer does not take as much. What was asked for is done."""

    def __init__(self) -> None:
        PlatformError.__init__(
            self,
            "It is done, but its answer is too large to be carried.",
            suggestion="Have what is large stored elsewhere, or ask for less.",
        )


class NoCapacity(Conflict):
    """ECS does not run the task now; `why` says so in words for the member."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why} Nothing is running and nothing is charged.",
            suggestion="Try again in a few minutes; tell the operator if it stays so.",
        )


class StartDelayed(Conflict):
    """ECS starts nothing now, or it is not certain what became of a request. The tick goes on with it."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why} The start goes on by itself.",
            status="starting",
            suggestion="Ask for its status in some minutes.",
        )


class Unauthenticated(PlatformError):
    """Who calls is not known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, suggestion="Send a valid token: Authorization: Bearer <token>.")


class NoToken(Unauthenticated):
    """Who calls does not say who that is."""

    def __init__(self) -> None:
        super().__init__("There is no bearer token.")


class NotTheClient(Unauthenticated):
    """The client's id, or its secret, is wrong."""

    def __init__(self) -> None:
        PlatformError.__init__(
            self,
            "client_id or client_secret is not right.",
            suggestion="client-create says a client's secret once, and client-rotate gives it another.",
        )


class TokenHasExpired(Unauthenticated):
    """The token was good once."""

    def __init__(self) -> None:
        super().__init__("The token has expired.")


class RateLimited(PlatformError):
    """Too much was asked for; the same request may succeed after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int, **details: Any) -> None:
        said = {"retryAfter": retry_after, "suggestion": "Wait, then try again."} | details
        super().__init__(message, **said)
        self.retry_after = retry_after


class UsedUp(RateLimited):
    """The member has had as much of something as a day allows. `retry_at` is when the next day begins."""

    def __init__(self, what: str, allowed: int, now: int, retry_at: int) -> None:
        super().__init__(
            f"Your {what} of today are used up: a day has {allowed} of them.",
            retry_at - now,
            retryAt=retry_at,
            suggestion="Try again after midnight UTC.",
        )


class TooManyAtOnce(RateLimited):
    """As many invocations are under way as may be at once; none was begun."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} invocations are under way already; this one was not begun.", 1)


class TooManyAttempts(RateLimited):
    """A client, or somebody at an address, has failed too often to prove who that is."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts with a wrong secret.", retry_after)


class TooManyWakes(RateLimited):
    """A table, or somebody at an address, has been woken or tried too often."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("This was tried too often.", retry_after)


class AwsRefused(PlatformError):
    """AWS did not answer a question; asking again may help."""

    def __init__(self, code: str, request_id: str) -> None:
        super().__init__(
            f"AWS Lambda client error: {code} (request id {request_id or 'unknown'})",
            suggestion="Try again; tell the operator if it stays so.",
        )


class TimedOut(PlatformError):
    """Something that the platform had to ask did not answer in time."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} did not answer in time.", suggestion="Try again in a minute.")


class FunctionTimedOut(TimedOut):
    """A function did not answer in time. Whether it has run is not known."""

    def __init__(self, seconds: int) -> None:
        PlatformError.__init__(
            self,
            f"The function did not answer within {seconds} seconds; it may have run, or run still.",
            suggestion="Invoke what takes long asynchronously.",
        )


class NotBegun(TimedOut):
    """The time of a batch was up before an invocation's turn came."""

    def __init__(self) -> None:
        PlatformError.__init__(
            self,
            "It was not begun: the batch has taken as long as a function may.",
            suggestion="Send smaller batches.",
        )


_HALF = {"creating": "it is being made", "destroying": "it is being destroyed"}


def _state(status: str) -> str:
    return _HALF.get(status, f"its status is {status}")


def _shown(status: str) -> str:
    """The contract has no word for a server that is being made or destroyed."""
    return "unknown" if status in _HALF else status
