"""batch-invoke: invokes up to a hundred functions side by side."""

from __future__ import annotations

import json
from functools import partial
from threading import Lock
from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, ClientRequest, Scope
from actions.errors import NotBegun, PlatformError, TooManyAtOnce
from actions.invocations.calling import Invocation, call, refused
from actions.invocations.reach import Reach, reach_of
from services import clock
from services.concurrency import concurrently
from services.errors import NoSlotFree
from services.platform import BATCH_WIDTH, Platform

_WAIT_SECONDS = 5.0  # for a place among those under way; the first of a batch waits for none
# Of all results together, as JSON within JSON: so Lambda carries an HTTP answer, which takes 6 MB (Lambda quotas).
_ANSWER_CHARACTERS = 5_500_000


class BatchInvoke(ClientRequest):
    """Who has which functions invoked."""

    invocations: Annotated[list[Invocation], Field(min_length=1, max_length=100)]


def batch_invoke(request: BatchInvoke, platform: Platform) -> Answer:
    """Invoke them, 25 at once; the results are in their order, and what fails leaves the others alone.

    Each takes a place of its own among those under way; what has none by the time a function may take is not begun.
    Raises TooManyAtOnce if there is none at all, or as many batches are under way as keep all places busy.
    """
    reach = reach_of(request, platform)
    if platform.slots.are_taken:
        raise TooManyAtOnce(platform.slots.most)
    until = clock.now() + platform.settings.request_timeout
    room = _Room(_ANSWER_CHARACTERS)
    try:
        with platform.batches.one(0):
            results = concurrently(
                *(
                    partial(_one, platform, reach, asked, until, room)
                    for asked in request.invocations
                ),
                width=BATCH_WIDTH,
            )
    except NoSlotFree:
        raise TooManyAtOnce(platform.slots.most) from None
    return {"success": True, "results": results}


def _one(platform: Platform, reach: Reach, asked: Invocation, until: int, room: _Room) -> Answer:
    try:
        if clock.now() >= until:
            raise NotBegun
        return room.with_what_fits(call(platform, reach, asked, _WAIT_SECONDS))
    except PlatformError as error:
        return refused(error)


class _Room:
    """What is left for the results of a batch, each of which is cut as it comes: all at once would not fit here."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self._taking = Lock()

    def with_what_fits(self, outcome: Answer) -> Answer:
        """The outcome, without its payload and log if there is no room for them."""
        size = len(json.dumps(json.dumps(outcome)))
        with self._taking:
            fits = size <= self._left
            if fits:
                self._left -= size
        return outcome if fits else _without_payload(outcome)


def _without_payload(outcome: Answer) -> Answer:
    kept = {name: v for name, v in outcome.items() if name not in ("payload", "logResult")}
    if not outcome.get("payload"):
        return kept
    told = "It was invoked; with its answer the whole would be too large."
    return kept | {"success": False, "statusCode": 413, "error": told}


ACTION = Action(BatchInvoke, batch_invoke, Scope.INVOKE)
