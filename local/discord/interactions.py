"""What an application is told when somebody does something, and what the person sees of its answer.

Sources: Receiving and Responding, Interaction Object, Interaction Structure, Authorizing Integration Owners Object;
Message Resource, Message Interaction Metadata Object; Interactions Overview, Validating Security Request Headers.
"""

from __future__ import annotations

import base64
import copy
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from local.discord.answers import Json
from local.discord.guild import Channel, Guild, Member, Message
from local.discord.messages import LOADING

VALID = 900  # seconds that a token is good for
NOTHING = "The application did not respond"
_ATTACHMENTS = 10_485_760  # bytes, in a guild without boosts
Headers = dict[str, str]


@dataclass(frozen=True)
class Signer:
    """Discord's key of an application."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> str:
        """The half that the application has, in hexadecimal digits."""
        return self.key.public_key().public_bytes_raw().hex()

    def headers(self, body: bytes, moment: float) -> Headers:
        """Of a request with that body."""
        timestamp = str(int(moment))
        return {
            "Content-Type": "application/json",
            "User-Agent": "Discord-Interactions/1.0 (+https://discord.com)",
            "X-Signature-Ed25519": self.key.sign(timestamp.encode() + body).hex(),
            "X-Signature-Timestamp": timestamp,
        }


@dataclass(eq=False)
class Interaction:
    """Something that a person did, and what became of it.

    `response` is what the application answered, `refused` why Discord did not take that; `text`, which is what the
    person reads, is `NOTHING` then. What was answered later is seen in `message` and `followups` as it is now.
    """

    guild: Guild
    who: Member
    channel: Channel
    kind: int
    id: str
    token: str
    made: float
    payload: Json
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    response: Json | None = None
    refused: str | None = None
    modal: Json | None = None
    source: Message | None = None  # where it came from, if that was a component
    original: str | None = None  # id of the message that is `@original`
    answered: bool = False  # so that its token is good
    shown: list[str] = field(default_factory=list)  # ids of what was said afterwards

    @property
    def message(self) -> Json | None:
        """`@original` as it is now; None if there is none, or no longer."""
        found = self.guild.messages.get(self.original or "")
        return copy.deepcopy(found.data) if found else None

    @property
    def text(self) -> str | None:
        """What the person reads."""
        if self.refused:
            return NOTHING
        message = self.message
        return str(message["content"]) if message else None

    @property
    def followups(self) -> list[Json]:
        """What was said afterwards, as it is now."""
        every = self.guild.messages
        return [copy.deepcopy(every[each].data) for each in self.shown if each in every]

    @property
    def is_thinking(self) -> bool:
        """Whether the person still sees that the application is thinking."""
        message = self.message
        return bool(message and message["flags"] & LOADING)

    @property
    def is_ephemeral(self) -> bool:
        """Whether the answer is for the person alone."""
        found = self.guild.messages.get(self.original or "")
        return bool(found and found.only)


class Choices(list[Json]):
    """What autocomplete proposes; nothing, with a reason in `refused`, if the answer was not taken."""

    refused: str | None = None


def made(
    guild: Guild,
    application: str,
    who: Member,
    channel: Channel,
    kind: int,
    data: Json,
    **more: Any,
) -> Interaction:
    """An interaction that is about to be delivered."""
    ident = guild.ids.next()
    secret = f"interaction:{ident}:{secrets.token_urlsafe(48)}"
    token = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
    payload: Json = {
        "app_permissions": str(channel.bot_permissions),
        "application_id": application,
        "attachment_size_limit": _ATTACHMENTS,
        "authorizing_integration_owners": owners(channel),
        "channel": channel.partial(who),
        "channel_id": channel.id,
        "context": 1 if channel.recipient else 0,
        "data": data,
        "entitlement_sku_ids": [],
        "entitlements": [],
        "id": ident,
        "locale": who.locale,
        "token": token,
        "type": kind,
        "version": 1,
    }
    if channel.recipient:
        payload["user"] = who.user()
    else:
        payload |= {
            "guild": {"features": [], "id": guild.id, "locale": "en-US"},
            "guild_id": guild.id,
            "guild_locale": "en-US",
            "member": who.shown(),
        }
    payload |= copy.deepcopy(more)
    return Interaction(guild, who, channel, kind, ident, token, guild.now(), payload)


def owners(channel: Channel) -> Json:
    """For whom the application was installed: the guild, or nobody of it in direct messages."""
    return {"0": channel.guild_id or "0"}


def encoded(payload: Json) -> bytes:
    """As Discord sends it."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def metadata(interaction: Interaction, original: str | None = None) -> Json:
    """What a message tells of the interaction that it answers."""
    found: Json = {
        "id": interaction.id,
        "type": interaction.kind,
        "user": interaction.who.user(),
        "authorizing_integration_owners": owners(interaction.channel),
    }
    if original:
        found["original_response_message_id"] = original
    if interaction.source:
        found["interacted_message_id"] = interaction.source.id
    if interaction.payload["data"].get("name"):
        found |= {"name": interaction.payload["data"]["name"], "command_type": 1}
    return found
