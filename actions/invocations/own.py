"""The platform's own function, invoked for a client: as an HTTP request with a token of that client's.

What reached the function as it is would be a direct invocation, which is believed in whatever user it names.
"""

from __future__ import annotations

import json

from actions import ACTIONS
from actions.errors import Forbidden, InvalidRequest
from actions.invocations.reach import Reach
from services.platform import Platform

_TOKEN_SECONDS = (
    300  # as long as the function itself may run; an asynchronous event may wait, and then fails
)
_GATEWAY = "actions.invocations."


def event(payload: str, reach: Reach, platform: Platform) -> str:
    """The event for a payload `{"action": …}`. Raises InvalidRequest, and Forbidden for invocations within one."""
    try:
        asked = json.loads(payload)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise InvalidRequest(
            "The payload is not a JSON object.", field="payload", suggestion='Send {"action": …}.'
        )
    if ACTIONS.get(str(asked.get("action")), "").startswith(_GATEWAY):
        raise Forbidden("The platform does not invoke itself by itself.", field="payload")
    token = _token(reach, platform)
    return json.dumps(
        {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
            "requestContext": {
                "stage": "$default",
                "domainName": "invocations",
                "http": {
                    "method": "POST",
                    "path": "/",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "invocations",
                },
            },
            "body": payload,
            "isBase64Encoded": False,
        }
    )


def _token(reach: Reach, platform: Platform) -> str:
    if reach.client is None:
        return platform.tokens.issue(reach.user_id, _TOKEN_SECONDS)
    return platform.tokens.issue_to_client(reach.client, _TOKEN_SECONDS)


def answered(payload: str) -> str:
    """What the action answered, out of the HTTP answer; what is none is left as it is."""
    try:
        return str(json.loads(payload)["body"])
    except (ValueError, KeyError, TypeError):
        return payload
