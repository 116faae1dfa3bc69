"""send-notification: one notice, to the stack's event bus and to Discord if that is configured."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from actions.action import Action, Answer, Scope, SystemRequest, UserId
from services.platform import Platform


class SendNotification(SystemRequest):
    """What to tell whom; without `about`, everybody."""

    kind: Annotated[str, Field(min_length=1, max_length=64)]
    about: UserId | None = None
    host: Annotated[str, Field(max_length=253)] = ""
    message: Annotated[str, Field(min_length=1, max_length=1000)]
    facts: dict[str, Any] = Field(default_factory=dict)


def send_notification(request: SendNotification, platform: Platform) -> Answer:
    """Send the notice. Raises Undelivered if it did not arrive everywhere: Lambda then repeats it."""
    mention = f"<@{request.about}> " if request.about else ""
    platform.notice_channels.post(mention + request.message)
    detail = {"userId": request.about, "message": request.message, "host": request.host}
    platform.notice_channels.put(request.kind, detail | {"facts": request.facts})
    return {"success": True, "message": "Notification sent"}


ACTION = Action(SendNotification, send_notification, Scope.SYSTEM)
