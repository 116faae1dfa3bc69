"""send-notification: one notice, to the stack's event bus and to Discord if that is configured."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from actions.action import DISCORD_ID, Action, Answer, Scope, SystemRequest, UserId
from actions.errors import Conflict
from services import clock, ids
from services.dynamodb import ConditionFailed
from services.platform import Platform


class SendNotification(SystemRequest):
    """What to tell whom; without `about`, everybody."""

    notice_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    about: UserId | None = None
    host: Annotated[str, Field(max_length=253)] = ""
    message: Annotated[str, Field(min_length=1, max_length=1000)]
    facts: dict[str, Any] = Field(default_factory=dict)


def send_notification(request: SendNotification, platform: Platform) -> Answer:
    """Send the notice to where it has not been sent yet; a notice without an id is always new.

    Raises Undelivered if it did not arrive everywhere, Conflict while it is being sent: Lambda then repeats it.
    """
    notice_id = request.notice_id or ids.new_id()
    try:
        posted, put = platform.registry.claim_notice(notice_id, clock.now())
    except ConditionFailed:
        raise Conflict("The notice is being sent just now.", field="noticeId") from None
    if not posted:
        member = request.about if request.about and DISCORD_ID.fullmatch(request.about) else None
        mention = f"<@{member}> " if member else ""
        platform.notice_channels.post(mention + request.message, rings=member)
        platform.registry.note_sent(notice_id, "posted")
    if not put:
        detail = {"userId": request.about, "message": request.message, "host": request.host}
        platform.notice_channels.put(request.kind, detail | {"facts": request.facts})
        platform.registry.note_sent(notice_id, "put")
    return {"success": True, "message": "Notification sent"}


ACTION = Action(SendNotification, send_notification, Scope.SYSTEM)
