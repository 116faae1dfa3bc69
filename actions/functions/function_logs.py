"""function-logs: what the containers of a function have written, of all its tasks and invocations, by time.

With `follow` the answer has a `next`. The same request with it as `after` is answered with what has come since, and
has another. A line that comes up to 15 seconds late is told, none is told twice. Lines are kept for three days.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.functions import forms
from actions.functions.function_get import existing
from actions.log_reading import Log, Position, Since, first_moment, newest, onwards, shown
from services.platform import Platform
from services.tenant_functions import resource_name

MOST_LINES = 10_000


class FunctionLogs(UserRequest):
    """How many of the newest lines of which function, since when; or what has come after a former answer."""

    name: forms.AnyName
    tail: Annotated[int, Field(ge=1, le=MOST_LINES)] = 100
    since: Since | None = None
    follow: bool = False
    after: Position | None = None


def function_logs(request: FunctionLogs, platform: Platform) -> Answer:
    """The lines, the oldest first; `at` is Unix seconds with milliseconds. Raises FunctionNotFound.

    `truncated` if there are older ones that were asked for, but all together are too long for an answer.
    """
    function = existing(platform, request.user_id, request.name)
    log = Log(resource_name(function), first_moment(function["createdAt"]), shown)
    if request.after:
        return onwards(platform, log, request.after)
    since = None if request.since is None else int(request.since)
    return newest(platform, log, request.tail, since, follow=request.follow)


ACTION = Action(FunctionLogs, function_logs, Scope.USER)
