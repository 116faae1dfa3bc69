"""user-token: a token for a member, for who may speak for members, such as the backend of the Discord bot."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import Forbidden
from actions.functions.errors import namespace_of
from services.platform import Platform

EXPIRES_IN = 3600  # seconds
_Text = Annotated[str, Field(max_length=256)]


class UserToken(UserRequest):
    """Whom the token is for. `username` and `email` are only said again: who a member is, is the id alone."""

    username: _Text | None = None
    email: _Text | None = None


def user_token(request: UserToken, platform: Platform) -> Answer:
    """A token for an hour. Raises Forbidden for an administrator's: no scope makes anybody one."""
    user_id, settings = request.user_id, platform.settings
    admins = settings.admins | set(platform.registry.admins()["users"])
    if user_id in admins and not settings.sandbox:
        raise Forbidden("An administrator's token is not given to others.", field="userId")
    return {
        "success": True,
        "token": platform.tokens.issue(user_id, EXPIRES_IN),
        "expiresIn": EXPIRES_IN,
        "userId": user_id,
        "username": request.username or user_id,
        "email": request.email or "",
        "namespace": namespace_of(user_id),
    }


ACTION = Action(UserToken, user_token, Scope.SPEAKER)
