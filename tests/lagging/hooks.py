"""Where botocore lets us in: before a request is sent, and when its answer has come.

Imported once (tests/conftest.py), before any client is made. What tests/aws_calls.py and
tests/model/interrupting.py do to a call comes first; what a call has brought about is noted even if its answer is
then lost.
"""

from __future__ import annotations

from typing import Any

import botocore.handlers
from botocore.handlers import REGISTER_FIRST, REGISTER_LAST

from tests.lagging import answers, groups, log_events, refusals, services
from tests.lagging.lag import LAG
from tests.lagging.past import PAST
from tests.lagging.strictness import Strictness

STRICT = Strictness()
_ASKED, _HERE = "asked", "answered here"


def begin_anew() -> None:
    """AWS is well, and nothing has happened yet."""
    LAG.end()
    PAST.forget()
    STRICT.forget()
    log_events.LOGS.forget()


def _with_parameters(params: Any, context: dict[str, Any], **_: Any) -> None:
    context[_ASKED] = params


def _before(model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
    if "amazonaws.com" not in params["url"]:
        return None  # an embedded AWS is another one
    name, asked = f"{model.service_model.service_name}.{model.name}", context[_ASKED]
    reply = refusals.refused(name, asked) if LAG.is_on else None
    for strict in (STRICT, services, groups, log_events):
        reply = reply or strict.before(name, asked)
    context[_HERE] = reply is not None
    if LAG.is_on and reply is None:
        answers.note_before(name, asked)
    return reply


def _after(
    http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
) -> None:
    if context.get(_HERE, True) or http_response.status_code >= 300:
        return
    name, asked = f"{model.service_model.service_name}.{model.name}", context[_ASKED]
    services.after(name, asked, parsed)
    STRICT.after(name, asked, parsed)
    if LAG.is_on:
        answers.note_after(name, asked, parsed)
        refusals.note_after(name, asked, parsed)
        answers.as_it_lags(name, asked, parsed)


botocore.handlers.BUILTIN_HANDLERS.extend(
    [
        ("before-parameter-build", _with_parameters, REGISTER_LAST),
        ("before-call", _before, REGISTER_LAST),
        ("after-call", _after, REGISTER_FIRST),
    ]
)
