"""batch-invoke: invokes up to a hundred functions side by side."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, ClientRequest, Scope
from actions.errors import PlatformError, TooManyAtOnce
from actions.invocations.calling import Invocation, call, refused
from actions.invocations.reach import Reach, reach_of
from services.concurrency import outcomes_of
from services.platform import Platform

_WIDTH = 25
_WAIT_SECONDS = 5.0  # for a place among those under way; the first of a batch waits for none
# Of all results together, as JSON within JSON: so Lambda carries an HTTP answer, which takes 6 MB (Lambda quotas).
_ANSWER_CHARACTERS = 5_500_000


class BatchInvoke(ClientRequest):
    """Who has which functions invoked."""

    invocations: Annotated[list[Invocation], Field(min_length=1, max_length=100)]


def batch_invoke(request: BatchInvoke, platform: Platform) -> Answer:
    """Invoke them, 25 at once; the results are in their order, and what fails leaves the others alone.

    Each takes a place of its own among those under way. Raises TooManyAtOnce if there is none at all.
    """
    reach = reach_of(request, platform)
    if platform.slots.are_taken:
        raise TooManyAtOnce(platform.slots.most)
    outcomes = outcomes_of(
        [partial(_one, platform, reach, asked) for asked in request.invocations],
        width=_WIDTH,
    )
    return {"success": True, "results": _bounded(outcomes)}


def _one(platform: Platform, reach: Reach, asked: Invocation) -> Answer:
    try:
        return call(platform, reach, asked, _WAIT_SECONDS)
    except PlatformError as error:
        return refused(error)


def _bounded(outcomes: list[Answer | BaseException]) -> list[Answer]:
    """The results, without the payloads for which the answer has no room left."""
    room, results = _ANSWER_CHARACTERS, []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        shown = outcome if _size(outcome) <= room else _without_payload(outcome)
        room -= _size(shown)
        results.append(shown)
    return results


def _size(outcome: Answer) -> int:
    return len(json.dumps(json.dumps(outcome)))


def _without_payload(outcome: Answer) -> Answer:
    if not outcome.get("payload"):
        return outcome
    told = "It was invoked; with its answer the whole would be too large."
    kept = {name: value for name, value in outcome.items() if name != "payload"}
    return kept | {"success": False, "statusCode": 413, "error": told}


ACTION = Action(BatchInvoke, batch_invoke, Scope.INVOKE)
