"""admin-revoke-token: takes one of the platform's own tokens back.

`python -m handler.token` says a token's id when it issues it; it is the claim `jti` of the token. A token of before
tokens had ids is valid until it expires, or until the key that signed it is changed (docs/operating.md).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, AdminOrder, Answer, Scope, hinted
from actions.command import Command
from actions.errors import Conflict
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import transact
from services.platform import Platform
from services.registry import LONGEST_TOKEN_SECONDS, REVOKED_SECONDS

_MOST = 1000  # in one item, which every process reads again and again


class AdminRevokeToken(AdminOrder):
    """Who takes which token back, and why."""

    token_id: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9-]{1,64}$", max_length=64),
        hinted("Send the id that was printed with the token: letters, digits and dashes."),
    ]


def admin_revoke_token(request: AdminRevokeToken, platform: Platform) -> Answer:
    """Let a token be taken no longer; twice changes nothing. Raises Conflict when too many are revoked already."""
    retry_on_conflict(lambda: _revoke(platform, request.token_id))
    return {
        "success": True,
        "message": f"The token is refused, everywhere within {REVOKED_SECONDS} seconds",
    }


def _revoke(platform: Platform, token_id: str) -> None:
    now, revoked = clock.now(), platform.registry.revoked_tokens()
    kept = [token for token in revoked["tokens"] if token["until"] > now]
    if any(token["id"] == token_id for token in kept):
        return
    if len(kept) >= _MOST:
        raise Conflict(
            f"{_MOST:,} tokens are revoked already.",
            field="tokenId",
            suggestion="Change the key that signs tokens: with it all of them end.",
        )
    # When it expires nobody knows here; by then any token has.
    kept.append({"id": token_id, "until": now + LONGEST_TOKEN_SECONDS})
    transact(platform.registry.revoke_tokens(kept, revoked))


ACTION = Action(
    AdminRevokeToken,
    admin_revoke_token,
    Scope.ADMIN,
    Command(
        "Take an access token back",
        options={
            "token_id": "The token's id, its jti",
            "reason": "Why; the audit keeps it",
        },
    ),
)
