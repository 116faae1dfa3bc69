"""get-logs: what a member's server has written, without secrets, and why it last ended though nobody asked for it.

The newest lines, the oldest first; where there are older ones, `next` in the answer is what to send for those. With
`follow` the answer has an `after`: the same request with it is answered with what has come since, and has another.
Lines are kept for three days.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import InvalidRequest
from actions.instances.known_causes import known
from actions.instances.server_logs import known_secrets, masked_line
from actions.log_reading import Log, Position, first_moment, newest, onwards, shown
from actions.lookup import instance_of
from services.instances import Instance
from services.platform import Platform
from services.task_logs import LogEvent

MOST_LINES = 1000
_MOST_OF_A_MOMENT = 1_000_000


class GetLogs(UserRequest):
    """How many lines of which containers; those before a former answer's, or what has come after it.

    `prepare` is the container that prepares a start.
    """

    limit: Annotated[int, Field(ge=1, le=MOST_LINES)] = 100
    container: Literal["foundry", "prepare"] | None = None
    next: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    follow: bool = False
    after: Position | None = None


class _Older(BaseModel):
    """What `next` holds: the oldest line that was shown, and its place in its moment. Nothing secret."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    until: Annotated[int, Field(ge=0)]  # when it was written
    line: Annotated[str, Field(min_length=1, max_length=128)]  # its id
    place: Annotated[int, Field(ge=1, le=_MOST_OF_A_MOMENT)]


def get_logs(request: GetLogs, platform: Platform) -> Answer:
    """The lines; `at` is Unix seconds with milliseconds. Raises InstanceNotFound, InvalidRequest.

    `lastFailure` is the last end that nobody asked for: its cause, and the lines that were kept of it.
    """
    instance = instance_of(platform, request.user_id)
    log = _log_of(platform, instance, request.container)
    if request.after:
        return _renamed(onwards(platform, log, request.after))
    if request.follow:
        return _renamed(newest(platform, log, request.limit, None, follow=True))
    failure = {} if request.next else _last_failure(platform, instance)
    return _page(request, platform, log) | failure


def _log_of(platform: Platform, instance: Instance, container: str | None) -> Log:
    secrets = known_secrets(platform, instance, instance.get("taskDefinitionLicense"))

    def line(event: LogEvent) -> Answer:
        message = masked_line(event.message, secrets)
        return {**shown(event), "container": event.container, "message": message}

    prefix = f"{instance['instanceId']}/{container}" if container else instance["instanceId"]
    return Log(prefix, first_moment(instance["createdAt"]), line)


def _page(request: GetLogs, platform: Platform, log: Log) -> Answer:
    """The newest lines, or those before the last page."""
    older = _read(request.next) if request.next else None
    if older:
        found = platform.task_logs.before(
            log.prefix, log.first, request.limit, older.line, older.until, older.place
        )
    else:
        found = platform.task_logs.newest(log.prefix, log.first, request.limit)
    page = found.read[-request.limit :]
    answer: dict[str, Any] = {"success": True, "lines": [log.shown(event) for event in page]}
    if page and (len(found.read) > len(page) or found.token):
        oldest = page[0]
        place = sum(event.at == oldest.at for event in page)
        if older and older.until == oldest.at:
            place += older.place
        answer["next"] = _written(_Older(until=oldest.at, line=oldest.id, place=place))
    return answer


def _last_failure(platform: Platform, instance: Instance) -> Answer:
    run = platform.runs.find(instance["failedRun"]) if "failedRun" in instance else None
    if run is None or "why" not in run:
        return {}
    row = known(run["why"])
    failure = {
        "runId": run["runId"],
        "endedAt": run["stoppedAt"],
        **row.shown,
        "message": row.sentence,
        "lines": run.get("lines", []),
    }
    return {"lastFailure": failure}


def _renamed(answer: Answer) -> Answer:
    """Where it goes on is `after` here, since `next` is the page before."""
    answer["after"] = answer.pop("next")
    return answer


def _written(older: _Older) -> str:
    return base64.urlsafe_b64encode(older.model_dump_json().encode()).decode()


def _read(text: str) -> _Older:
    try:
        return _Older.model_validate_json(base64.urlsafe_b64decode(text))
    except ValueError:
        raise InvalidRequest(
            "next is not valid.",
            field="next",
            suggestion="Send the next of the answer before; none for the newest lines.",
        ) from None


ACTION = Action(
    GetLogs,
    get_logs,
    Scope.USER,
    Command(
        "What your server has logged last",
        options={
            "limit": "How many lines",
            "container": "Of Foundry, or of what prepares its start",
        },
    ),
)
