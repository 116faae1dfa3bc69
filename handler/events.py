"""What an event is, told by its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.errors import InvalidRequest

HTTP = "http"
DIRECT = "direct"
TASK_CHANGE = "task-change"
QUEUE = "queue"
DISCORD = "foundry.discord"
ORDER = "order"  # of somebody in Discord, sealed by the platform for itself


@dataclass(frozen=True)
class Recognised:
    """An event's kind and, but for HTTP, the action it asks for with its payload."""

    kind: str
    action: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


def recognise(event: Any) -> Recognised:
    """Tell what an event is. Raises InvalidRequest for what is none of those that the platform knows.

    HTTP comes first: an HTTP client chooses its event's body and query, so an `action` key beside an
    HTTP event's own keys must never make a direct invocation of it.
    """
    if not isinstance(event, Mapping):
        raise InvalidRequest("The payload is not a JSON object.", suggestion='Send {"action": …}.')
    if is_http(event):
        return Recognised(HTTP)
    if event.get("source") == "aws.ecs" and event.get("detail-type") == "ECS Task State Change":
        return Recognised(
            TASK_CHANGE, "observe-task", {"userId": "system", "detail": event.get("detail")}
        )
    if _is_of(event, "aws:sqs"):
        return Recognised(
            QUEUE, "deliver-webhooks", {"userId": "system", "records": event["Records"]}
        )
    if _is_of(event, "aws:dynamodb"):
        payload = {"userId": "system", "records": event["Records"]}
        return Recognised(DIRECT, "update-panels", payload)
    if event.get("source") == DISCORD:
        return Recognised(ORDER, payload={"sealed": str(event.get("sealed", ""))})
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise InvalidRequest(
            "The payload names no action.",
            field="action",
            suggestion='Send {"action": "status", "userId": …}; docs/actions.md lists all actions.',
        )
    return Recognised(DIRECT, action, event)


def _is_of(event: Mapping[str, Any], source: str) -> bool:
    """Whether Lambda has taken records from a queue or a stream; the action looks at whose it is."""
    records = event.get("Records")
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(r, Mapping) and r.get("eventSource") == source for r in records)
    )


def is_http(event: Any) -> bool:
    """Whether an event comes from API Gateway (REST or HTTP API), a function URL or a load balancer."""
    if not isinstance(event, Mapping):
        return False
    context = event.get("requestContext")
    return "httpMethod" in event or (
        isinstance(context, Mapping) and bool({"http", "elb"} & set(context))
    )
