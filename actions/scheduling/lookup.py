"""A member's session by its id."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.errors import SessionNotFound
from services.platform import Platform
from services.sessions import Session

SessionId = Annotated[str, Field(min_length=1, max_length=64)]


def session_of(platform: Platform, user_id: str, session_id: str) -> Session:
    """The member's session as it is now; raises SessionNotFound, also for somebody else's."""
    session = platform.sessions.find(session_id)
    if session is None or session["userId"] != user_id:
        raise SessionNotFound(session_id)
    return session
