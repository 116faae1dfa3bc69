"""Who and what there is: people, roles, channels, messages; and the ids of all of them.

Sources: API Reference, Snowflakes; User Object; Guild Member Object; Permissions, Role Object and Bitwise
Permission Flags; Channel Object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.discord.answers import Json

_EPOCH = 1_420_070_400_000  # milliseconds: the first second of 2015
ADMINISTRATOR = 1 << 3
MANAGE_GUILD = 1 << 5
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_EVENTS = 1 << 33
CREATE_EVENTS = 1 << 44
ALL = (1 << 53) - 1
# What Discord gives @everyone in a new guild is not documented; this is what the played guild gives.
EVERYONE = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | USE_APPLICATION_COMMANDS
EVERYONE |= 1 << 6 | 1 << 14 | 1 << 15  # reactions, embeds, files
BOT = EVERYONE | CREATE_EVENTS


class NotPossible(Exception):
    """A person cannot do this with Discord's client."""


def written(moment: float) -> str:
    """A moment as Discord writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


@dataclass
class Snowflakes:
    """Ids that are unique, grow, and have the time in them."""

    now: Callable[[], float]
    last: int = 0

    def next(self) -> str:
        """One more."""
        first = (int(self.now() * 1000) - _EPOCH) << 22
        # Twelve bits of one millisecond are counted; more would be of the next one, as under a clock that stands.
        self.last = max(first, self.last + 1)
        return str(self.last)


@dataclass(eq=False)
class Role:
    """A role; who has it may do what it permits."""

    id: str
    name: str
    permissions: int = 0
    mentionable: bool = False

    def shown(self) -> Json:
        """As the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "position": 1,
            "permissions": str(self.permissions),
            "managed": False,
            "mentionable": self.mentionable,
            "flags": 0,
        }


@dataclass(eq=False)
class Member:
    """A person in the guild. `permissions` are those besides @everyone's and the roles'."""

    id: str
    name: str
    joined_at: float
    roles: list[Role] = field(default_factory=list)
    permissions: int = 0
    nick: str | None = None
    locale: str = "en-US"
    takes_direct_messages: bool = True
    here: bool = True  # false once the person has left

    @property
    def may(self) -> int:
        """All permissions together."""
        every = EVERYONE | self.permissions
        for role in self.roles:
            every |= role.permissions
        return ALL if every & ADMINISTRATOR else every

    @property
    def username(self) -> str:
        """The name that is unique in all of Discord."""
        return re.sub(r"[^a-z0-9_.]", "", self.name.lower()) or f"user{self.id}"

    def user(self) -> Json:
        """As the API shows the person."""
        return user(self.id, self.username, self.name)

    def shown(self, whole: bool = True) -> Json:
        """As the API shows the member; not whole: as in `resolved`."""
        found: Json = {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None,
            "flags": 0,
            "joined_at": written(self.joined_at),
            "nick": self.nick,
            "pending": False,
            "permissions": str(self.may),
            "premium_since": None,
            "roles": [role.id for role in self.roles],
            "unusual_dm_activity_until": None,
        }
        return found | ({"deaf": False, "mute": False, "user": self.user()} if whole else {})


def user(ident: str, username: str, shown_as: str | None, bot: bool = False) -> Json:
    """A user, as the API shows one."""
    found: Json = {
        "id": ident,
        "username": username,
        "avatar": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "discriminator": "0000" if bot else "0",
        "display_name_styles": None,
        "global_name": shown_as,
        "primary_guild": None,
        "public_flags": 0,
    }
    return found | ({"bot": True} if bot else {})


@dataclass(eq=False)
class Channel:
    """A text channel, or what the bot and one person say to each other."""

    id: str
    name: str
    guild_id: str | None
    recipient: Member | None = None
    bot_permissions: int = BOT  # what the bot may do in it
    last_message_id: str | None = None

    def shown(self) -> Json:
        """As the API shows it."""
        found: Json = {"id": self.id, "last_message_id": self.last_message_id, "flags": 0}
        if self.recipient:
            return found | {"type": 1, "recipients": [self.recipient.user()]}
        return found | {
            "type": 0,
            "guild_id": self.guild_id,
            "name": self.name,
            "nsfw": False,
            "parent_id": None,
            "permission_overwrites": [],
            "position": 0,
            "rate_limit_per_user": 0,
            "topic": None,
        }

    def partial(self, who: Member) -> Json:
        """As an interaction shows it."""
        found = self.shown()
        if not self.recipient:
            del found["permission_overwrites"]
            found["permissions"] = str(who.may)
        return found


@dataclass(eq=False)
class Message:
    """A message; `only` is the one who sees it if it is ephemeral."""

    channel: Channel
    data: Json
    only: Member | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["id"])


@dataclass
class Guild:
    """A guild and all that is in it."""

    now: Callable[[], float]
    ids: Snowflakes
    id: str
    members: dict[str, Member] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)  # direct messages, too
    messages: dict[str, Message] = field(default_factory=dict)
    bot_permissions: int = BOT  # what the bot may do in the guild as a whole

    def join(self, member: Member) -> Member:
        """A person comes in."""
        if any(each.username == member.username for each in self.members.values()):
            raise NotPossible(f"Somebody is called {member.username} already.")
        self.members[member.id] = member
        return member

    def direct(self, who: Member) -> Channel:
        """Where the bot and a person talk; the same one each time."""
        for channel in self.channels.values():
            if channel.recipient is who:
                return channel
        channel = Channel(self.ids.next(), who.name, None, who)
        self.channels[channel.id] = channel
        return channel

    def said(self, channel: Channel, reader: Member | None = None) -> Iterable[Message]:
        """What is to be read in a channel, oldest first: by everybody, or by one person."""
        for message in sorted(self.messages.values(), key=lambda each: int(each.id)):
            if message.channel is channel and message.only in (None, reader):
                yield message

    def delete(self, what: Message | Channel) -> None:
        """A message goes, or a channel with all that was said in it."""
        if isinstance(what, Message):
            del self.messages[what.id]
            return
        del self.channels[what.id]
        for ident in [each.id for each in self.messages.values() if each.channel is what]:
            del self.messages[ident]
