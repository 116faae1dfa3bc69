"""Notices to members: told by an invocation of its own, so that nobody waits for Discord."""

from __future__ import annotations

import structlog

from services.aws import AWS_FAILURES
from services.instances import Instance
from services.platform import Platform

_log = structlog.get_logger()


def tell(platform: Platform, kind: str, instance: Instance, message: str, **facts: object) -> None:
    """Have a notice about a member's server sent to the member. Never fails."""
    announce(platform, kind, instance["userId"], message, instance["host"], **facts)


def announce(
    platform: Platform,
    kind: str,
    user_id: str | None,
    message: str,
    host: str = "",
    **facts: object,
) -> None:
    """Have a notice sent: `kind` for programs, `message` for the member, or for everybody. Never fails.

    Lambda repeats the invocation if sending fails, and at last keeps it in the dead-letter queue.
    """
    notice = {"kind": kind, "about": user_id, "host": host, "message": message, "facts": facts}
    try:
        platform.self_invocation.invoke_later(
            {"action": "send-notification", "userId": "system", **notice}
        )
    except AWS_FAILURES:
        # What the notice is about matters more than the notice.
        _log.warning("a notice was lost", details={"kind": kind}, exc_info=True)
