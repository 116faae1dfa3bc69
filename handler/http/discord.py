"""`POST /webhooks/discord`: what Discord posts, answered without the web application where an event brings it.

Discord waits three seconds, of which a fresh process would need one to load FastAPI (docs/architecture.md).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from handler import failures, telemetry
from handler.discord import PATH
from handler.discord.answering import answer
from handler.http.plain import as_http, headers_of
from services import ids
from services.platform import Platform


def answered(event: Mapping[str, Any], context: Any, platform: Platform) -> dict[str, Any]:
    """The answer for Discord, in the form that the event's sender takes."""
    request_id = getattr(context, "aws_request_id", None) or ids.new_run_id()
    details = {"method": "POST", "route": PATH}
    with telemetry.event(request_id) as event_log:
        try:
            said = answer(_body(event), headers_of(event), platform, event_log, request_id)
        except Exception as error:
            failure = failures.kind_of(error)
            event_log.failed(error, failure, details | {"status": failure.http_status})
            refused = failures.answer(error, request_id)
            return as_http(event, failure.http_status, refused, request_id)
        if said.failure:
            event_log.failed(*said.failure, details | {"status": 200})
        else:
            event_log.succeeded(details | {"status": 200})
    return as_http(event, 200, said.answer, request_id)


def _body(event: Mapping[str, Any]) -> bytes:
    """The body as it came, byte for byte: its signature is over that."""
    body = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else str(body).encode()
