"""Notices to members: told by an invocation of its own, so that nobody waits for Discord."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from services import ids
from services.aws import AWS_FAILURES
from services.instances import Instance
from services.platform import Platform

_log = structlog.get_logger()


def tell(
    platform: Platform,
    kind: str,
    instance: Instance,
    message: str,
    notice_id: str | None = None,
    **facts: object,
) -> bool:
    """Have a notice about a member's server sent to the member, as `announce` does."""
    about = {"host": instance["host"], "notice_id": notice_id, "facts": facts}
    return announce(platform, kind, instance["userId"], message, **about)  # type: ignore[arg-type]


def announce(
    platform: Platform,
    kind: str,
    user_id: str | None,
    message: str,
    *,
    host: str = "",
    notice_id: str | None = None,
    facts: Mapping[str, object] | None = None,
) -> bool:
    """Have a notice sent: `kind` for programs, `message` for the member, or for everybody. Never fails.

    Whoever may send it again gives it an id: a notice is told once. False if it could not be handed over;
    else Lambda repeats the invocation if sending fails, and at last keeps it in the dead-letter queue.
    """
    notice = {
        "kind": kind,
        "about": user_id,
        "host": host,
        "message": message,
        "facts": facts or {},
    }
    order = {"action": "send-notification", "userId": "system", **notice}
    try:
        platform.self_invocation.invoke_later(order | {"noticeId": notice_id or ids.new_id()})
    except AWS_FAILURES:
        # What the notice is about matters more than the notice.
        _log.warning("a notice was lost", details={"kind": kind}, exc_info=True)
        return False
    return True
