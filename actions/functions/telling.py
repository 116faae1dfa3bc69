"""Webhooks are told of what was decided about a function: by whoever carries it out, until it was told.

What is to be told is noted with the decision itself. It may be told twice, under the same id, never not at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from actions.action import Answer
from actions.functions.showing import in_short
from actions.functions.wording import in_snake_case
from actions.webhooks.emitting import emit
from services.platform import Platform
from services.tenant_functions import Event, Function, Job


def tell_of_function(platform: Platform, function: Function) -> None:
    """Tell what is still to be told of a function. Raises what AWS raises."""
    _tell(platform, function["userId"], function["events"], in_short(function))


def tell_of_job(platform: Platform, job: Job) -> None:
    """Tell what is still to be told of an invocation. Raises what AWS raises."""
    about = {
        "functionId": job["functionId"],
        "name": job["functionName"],
        "jobName": job["jobName"],
        "requestedAt": job["requestedAt"],
    }
    _tell(platform, job["userId"], job["events"], about)


def _tell(platform: Platform, user_id: str, events: Iterable[Event], about: Answer) -> None:
    for event in events:
        emit(platform, user_id, event["id"], event["kind"], in_snake_case(about), event["at"])
