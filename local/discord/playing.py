"""The played Discord itself: what people do in it, and what they see."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.discord import deliveries
from local.discord.answers import Json
from local.discord.components import SELECTS, every
from local.discord.deliveries import Answer, Endpoint
from local.discord.events import Events
from local.discord.filling import chosen, filled
from local.discord.guild import BOT, Channel, Guild, Member, Message, NotPossible, Role
from local.discord.interactions import Choices, Interaction, Signer, made
from local.discord.limits import Buckets, Limits
from local.discord.options import Typed, Value, allowed, typed
from local.discord.registry import Registry
from local.discord.responses import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT

Asked = tuple[str, str, Any, int]  # method, path, body, status


@dataclass
class Discord:
    """One guild, one application in it, and all who are there."""

    endpoint: Endpoint
    now: Callable[[], float]
    stopwatch: Callable[[], float]
    guild: Guild
    application_id: str
    bot_token: str
    commands: Registry
    events: Events
    buckets: Buckets
    api: str = ""  # where it answers
    signer: Signer = field(default_factory=Signer)
    limits: Limits = field(default_factory=dict)
    down: bool = False  # every request gets 503
    fails_with: list[int] = field(
        default_factory=list
    )  # statuses of the next answers, for which nothing is done; 200 for one that is as it should be
    loses: int = 0  # so many requests that change something do so, and their answers are lost
    requests: list[Asked] = field(default_factory=list)
    interactions: dict[str, Interaction] = field(default_factory=dict)  # by their tokens
    nonces: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    # Hosts whose names lead nowhere on this machine, and where the page finds what is there: "play.example" and
    # "localhost:8080" for https://ada.play.example at http://ada.localhost:8080.
    elsewhere: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def guild_id(self) -> str:
        """The guild's id."""
        return self.guild.id

    @property
    def public_key(self) -> str:
        """What the application knows Discord by."""
        return self.signer.public

    def joins(
        self,
        name: str,
        roles: Sequence[Role] = (),
        permissions: int = 0,
        nick: str | None = None,
        locale: str = "en-US",
        ident: str | None = None,
    ) -> Member:
        """A person comes into the guild; `permissions` are those besides @everyone's and the roles'.

        `ident` is the id of somebody who has been in Discord before.
        """
        given = ident or self.guild.ids.next()
        member = Member(given, name, self.now(), list(roles), permissions, nick, locale)
        return self.guild.join(member)

    def leaves(self, who: Member) -> None:
        """A person leaves the guild."""
        who.here = False

    def role(self, name: str, permissions: int = 0, mentionable: bool = False) -> Role:
        """A new role."""
        role = Role(self.guild.ids.next(), name, permissions, mentionable)
        self.guild.roles[role.id] = role
        return role

    def channel(self, name: str, bot_permissions: int = BOT) -> Channel:
        """A new text channel, in which the bot may do this."""
        ident = self.guild.ids.next()
        channel = Channel(ident, name, self.guild.id, bot_permissions=bot_permissions)
        self.guild.channels[ident] = channel
        return channel

    def command(
        self,
        who: Member,
        name: str,
        /,
        *,
        channel: Channel | None = None,
        given: Mapping[str, Value] | None = None,
        **options: Value,
    ) -> Interaction:
        """A person enters a command, such as "server start"; options that have odd names go into `given`."""
        place = self._place(who, channel, commands=True)
        command, found = self._typed(who, name, {**options, **(given or {})})
        return self._deliver(made(*self._by(who, place), COMMAND, _command_data(command, found)))

    def types(
        self,
        who: Member,
        name: str,
        /,
        *,
        option: str,
        text: str,
        channel: Channel | None = None,
        given: Mapping[str, Value] | None = None,
        **others: Value,
    ) -> Choices:
        """A person has typed this much of an option; the choices that are proposed."""
        place = self._place(who, channel, commands=True)
        filled_in = {**others, **(given or {})}
        command, found = self._typed(who, name, filled_in, (option, text))
        asking = made(*self._by(who, place), AUTOCOMPLETE, _command_data(command, found))
        self._deliver(asking)
        choices = Choices()
        choices.refused = asking.refused
        if asking.response and not asking.refused:
            choices.extend(asking.response["data"].get("choices") or [])
        return choices

    def press(
        self, who: Member, message: Json | Interaction, custom_id: str, values: Sequence[Any] = ()
    ) -> Interaction:
        """A person presses a button of a message, or chooses from a menu of it."""
        shown = self.find(message)
        if shown.only not in (None, who) or (shown.channel.recipient or who) is not who:
            raise NotPossible(f"{who.name} does not see this message.")
        self._place(who, shown.channel)
        component = _component(shown, custom_id)
        data: Json = {"component_type": component["type"], "custom_id": custom_id}
        data["id"] = component["id"]
        if component["type"] in SELECTS:
            data |= chosen(component, values)
        by = self._by(who, shown.channel)
        pressed = made(*by, COMPONENT, data, message=copy.deepcopy(shown.data))
        pressed.source = shown
        return self._deliver(pressed)

    def submits(self, who: Member, seen: Interaction, /, **values: Any) -> Interaction:
        """A person fills in a modal, by the custom ids of its fields, and sends it."""
        if seen.modal is None or seen.who is not who:
            raise NotPossible(f"{who.name} has no modal open.")
        more: Json = {"message": seen.source.data} if seen.source else {}
        data = filled(seen.modal, values)
        sent = made(*self._by(who, seen.channel), MODAL_SUBMIT, data, **more)
        sent.source = seen.source
        self._deliver(sent)
        if not sent.refused:
            seen.modal = None  # else it stays open, so that nothing is lost
        return sent

    def messages(self, channel: Channel, reader: Member | None = None) -> list[Json]:
        """What everybody sees in a channel, oldest first; with a reader, also what only they see."""
        return [copy.deepcopy(each.data) for each in self.guild.said(channel, reader)]

    def direct_messages(self, who: Member) -> list[Json]:
        """What the bot said to a person alone, oldest first."""
        return self.messages(self.guild.direct(who), who)

    def delete(self, what: Json | Interaction | Message | Channel) -> None:
        """A person deletes a message or a channel."""
        self.guild.delete(what if isinstance(what, Channel) else self.find(what))

    def interested(self, event_id: str, who: Member, yes: bool = True) -> None:
        """A person says that they are interested in an event, or no longer."""
        self.events.mark(event_id, who, yes)

    def ping(self) -> bool:
        """Whether the endpoint is such that Discord would take its address."""
        return deliveries.ping(self)

    def redeliver(self, seen: Interaction) -> Answer:
        """The same request once more, to the letter."""
        return self.endpoint(seen.body, dict(seen.headers))

    def forge(self, seen: Interaction, body: bytes, **headers: str) -> Answer:
        """Somebody else's request, with the signature of a real one; headers by their names, `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.endpoint(body, seen.headers | named)

    def late(self, seen: Interaction, seconds: float) -> Answer:
        """The same interaction, rightly signed, with a timestamp that is so many seconds old."""
        return self.endpoint(seen.body, self.signer.headers(seen.body, self.now() - seconds))

    def find(self, message: Json | Interaction | Message) -> Message:
        """A message as it is now."""
        shown = message.message if isinstance(message, Interaction) else message
        ident = shown.id if isinstance(shown, Message) else (shown or {}).get("id", "")
        if ident not in self.guild.messages:
            raise NotPossible("There is no such message, or no longer.")
        return self.guild.messages[ident]

    def _by(self, who: Member, channel: Channel) -> tuple[Guild, str, Member, Channel]:
        return self.guild, self.application_id, who, channel

    def _place(self, who: Member, channel: Channel | None, commands: bool = False) -> Channel:
        if not who.here:
            raise NotPossible(f"{who.name} has left.")
        of_guild = [each for each in self.guild.channels.values() if not each.recipient]
        place = channel or (of_guild[0] if of_guild else self.channel("general"))
        if place.id not in self.guild.channels:
            raise NotPossible(f"The channel {place.name} is no more.")
        if commands and place.recipient:
            raise NotPossible("A guild's commands are not available in direct messages.")
        return place

    def _typed(
        self,
        who: Member,
        name: str,
        given: Mapping[str, Value],
        focus: tuple[str, str] | None = None,
    ) -> tuple[Json, Typed]:
        first, *path = name.removeprefix("/").split()
        command = self.commands.called(first)
        if command is None or not allowed(command, who):
            raise NotPossible(f"{who.name} has no command /{first}.")
        return command, typed(command, path, given, focus)

    def _deliver(self, interaction: Interaction) -> Interaction:
        return deliveries.deliver(self, interaction)


def _command_data(command: Json, found: Typed) -> Json:
    data = {
        "guild_id": command["guild_id"],
        "id": command["id"],
        "name": command["name"],
        "type": 1,
    }
    more = {"options": found.options, "resolved": found.resolved}
    return data | {name: value for name, value in more.items() if value}


def _component(message: Message, custom_id: str) -> Json:
    for each in every(message.data["components"]):
        if each.get("custom_id") == custom_id and not each.get("disabled"):
            return each
    raise NotPossible(f"There is nothing to press that is called {custom_id}.")
