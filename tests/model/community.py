"""The community's Discord server in a story: who is in it, what AWS delivers because of it, and what it shows.

Discord is the played one (local/discord), with the function behind its application. Changes of the table of
instances arrive as DynamoDB's stream and Lambda bring them (template.yaml, PanelChanges), answers that Discord did
not take as SQS does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from handler import app
from handler.discord import PATH
from handler.events import DISCORD
from local.discord import Channel, Discord, Interaction, Member, played
from tests import world
from tests.discord.community import changed_record, secret
from tests.http.shapes import Asked, v2
from tests.model import emulated
from tests.model.commands import USERS
from tests.model.emulated import Item
from tests.model.simulation import Event, Simulation
from tests.webhooks.conftest import Queue
from tests.world import STACK

CREW, STRANGER = "3" * 18, "4" * 18  # members of the guild who have no server
CHANNELS = 2
_HOPEFUL_SECONDS = 40 * 60  # after which it may be too late to tell what somebody has asked for
_RETRIES = 10  # of a batch of changes (template.yaml, PanelChanges)
_OF_PANELS = ("panel", "events")  # with which the attributes begin that a panel changes by itself


@dataclass
class Community:
    """One guild for one story."""

    on: Simulation
    discord: Discord
    queue: Queue
    members: dict[str, Member] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    asked: list[Interaction] = field(default_factory=list)  # what was put off, in its order
    changes: list[Event] = field(default_factory=list)  # records of the stream, on their way
    carried_out: set[str] = field(default_factory=set)  # the ids of orders
    uncertain: set[str] = field(
        default_factory=set
    )  # whose panel may be there, though it was said that it is not
    deleted: set[str] = field(default_factory=set)  # the ids of messages that people have deleted
    given_up: set[str] = field(default_factory=set)  # the ids of interactions whose answers may be
    down_since: int | None = None
    _tries: int = 0
    _before: dict[str, Item] = field(default_factory=dict)

    def comes_to_be(self) -> None:
        """Who there is, and which channels and commands."""
        for user in (*USERS, CREW, STRANGER):
            self.members[user] = self.discord.joins(user.title(), ident=user)
        for number in range(CHANNELS):
            self.new_channel(f"tables-{number}")
        answer = self.on.asks("admin-register-commands", "admin")
        assert answer is not None
        assert answer["success"], answer

    def new_channel(self, name: str) -> None:
        """Another channel in which the bot may write."""
        self.channels.append(self.discord.channel(name))

    # --- what people do --------------------------------------------------------------------------

    def types(self, user: str, command: str, **options: Any) -> Interaction:
        """Somebody gives a command."""
        return self._note(self.discord.command(self.members[user], command, given=options))

    def presses(self, user: str, which: int) -> tuple[str, str] | None:
        """Somebody presses a button of a panel; returns the action and whose table it is. None if there is none."""
        buttons = [
            (message, one["custom_id"])
            for message in self.said()
            for row in message["components"]
            for one in row["components"]
        ]
        if not buttons:
            return None
        message, custom_id = buttons[which % len(buttons)]
        self._note(self.discord.press(self.members[user], message, custom_id))
        _, action, owner = custom_id.split(":")
        return action, owner

    def _note(self, seen: Interaction) -> Interaction:
        if seen.is_thinking:
            self.asked.append(seen)
        return seen

    def deletes(self, message: Any) -> None:
        """Somebody deletes a message."""
        self.deleted.add(message["id"])
        self.discord.delete(message)

    def deletes_channel(self, which: int) -> None:
        """Somebody deletes a channel, with all that was said in it; there is another one then."""
        gone = self.channels.pop(which % len(self.channels))
        self.deleted |= {message["id"] for message in self.discord.messages(gone)}
        self.discord.delete(gone)
        self.new_channel("another")

    def is_down(self, is_so: bool) -> None:
        """Discord is out of reach from now on, or not any more."""
        if not is_so and self.down_since and self.on.now - self.down_since > _HOPEFUL_SECONDS:
            self.given_up |= {seen.id for seen in self.asked}
        self.down_since = (self.down_since or self.on.now) if is_so else None
        self.discord.down = is_so

    def said(self) -> list[Any]:
        """What everybody reads in the guild's channels."""
        return [m for channel in self.channels for m in self.discord.messages(channel)]

    # --- what AWS delivers ------------------------------------------------------------------------

    def endpoint(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """The function behind API Gateway, which answers 500 where its process has died."""
        said = self.on.call(v2(Asked("POST", PATH, headers=headers, body=body)))
        if said is None or "statusCode" not in said:
            return 500, b'{"message":"Internal Server Error"}'
        return said["statusCode"], said["body"].encode()

    @contextmanager
    def looking_on(self, event: Event) -> Iterator[None]:
        """Around an invocation: what has changed is in the stream, and what was done before is done no more."""
        order, alone = self._order(event), self.on.invocations
        before = state() if order in self.carried_out else None
        yield
        if before is not None and self.on.invocations == alone:
            assert state() == before, "an order was carried out a second time"
        self._note_changes()

    def note_done(self, event: Event) -> None:
        """An invocation has come to its end: it raised nothing, and its process did not die."""
        if (order := self._order(event)) is not None:
            self.carried_out.add(order)
            noted = [i for i in emulated.items("registry") if i["name"] == f"order:{order}"]
            assert all("outcome" in item for item in noted), "nobody knows that it was carried out"

    def _order(self, event: Event) -> str | None:
        if event.get("source") != DISCORD:
            return None
        return str(app.platform().discord.unseal(event["sealed"])["id"])

    def _note_changes(self) -> None:
        """What the filters of the stream let through."""
        now = {item["userId"]: item for item in emulated.items("instances")}
        for user in self._before.keys() | now.keys():
            old, new = self._before.get(user, {}), now.get(user, {})
            if old == new:
                continue
            if "panelChannel" in new:
                self.changes.append(changed_record("MODIFY" if old else "INSERT", user, old, new))
            elif "panelChannel" in old and not new:
                self.changes.append(changed_record("REMOVE", user, old, new))
        self._before = now

    def deliver(self) -> bool:
        """Changes and answers that are on their way arrive; whether there were any."""
        return self.deliver_changes() or self.carry_answers()

    def deliver_changes(self) -> bool:
        """Lambda hands over a batch of the stream, again if the function fails."""
        if not self.changes:
            return False
        batch = self.changes[:100]
        answer = self.on.call({"Records": batch})
        self._tries += 1
        if (answer is not None and answer.get("success")) or self._tries > _RETRIES:
            del self.changes[: len(batch)]
            self._tries = 0
        return True

    def carry_answers(self) -> bool:
        """Lambda takes from the queue what can be taken now."""
        event = self.queue.take()
        if event is None:
            return False
        answer = self.on.call(event)
        if answer is not None and "batchItemFailures" in answer:
            self.queue.settle(event, answer)
        return True

    def is_behind(self) -> bool:
        """Whether the minute's tick finds anything to do here."""
        noted = [i for i in emulated.items("registry") if i["name"] == "panels-behind"]
        is_noted = any(item["users"] or item["gone"] for item in noted)
        return is_noted or (self.on.now // 60 % 5 == 0 and bool(self.discord.events.listed(False)))


@contextmanager
def community(on: Simulation) -> Iterator[Community]:
    """A guild for one story, whose application the stack knows."""

    def endpoint(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        return made.endpoint(body, headers)

    with played(endpoint) as discord:
        world.client("secretsmanager").put_secret_value(
            SecretId=f"{STACK}/discord", SecretString=json.dumps(secret(discord))
        )
        os.environ["DISCORD_APPLICATION_ID"] = discord.application_id
        world.new_process()
        url = world.client("sqs").get_queue_url(QueueName=f"{STACK}-webhooks")["QueueUrl"]
        made = Community(on, discord, Queue(lambda event: on.call(event) or {}, url))
        on.community = made
        try:
            made.comes_to_be()
            yield made
        finally:
            on.community = None
            del os.environ["DISCORD_APPLICATION_ID"]
            world.new_process()


def state() -> list[Item]:
    """Servers, sessions and saves, without what their panels are."""
    found = [item for table in ("instances", "sessions", "saves") for item in emulated.items(table)]
    return [{n: v for n, v in item.items() if not n.startswith(_OF_PANELS)} for item in found]
