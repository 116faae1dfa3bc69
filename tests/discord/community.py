"""The community's Discord server, played (local/discord), with the platform behind its application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from handler.events import DISCORD
from local.discord import Discord, Interaction, Member, played
from services.values import serialize
from tests import world
from tests.aws_calls import AWS
from tests.conftest import Invoke
from tests.http.shapes import ask
from tests.webhooks.conftest import Queue
from tests.world import STACK

PATH = "/webhooks/discord"
FORM = {"foundryLicense": "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF", "foundryAdminKey": "a-key-to-the-setup"}


@dataclass
class Community:
    """The guild, some of its members, and Lambda, which carries out what the function has asked itself."""

    discord: Discord
    invoke: Invoke
    queue: Queue
    ada: Member
    ben: Member
    boss: Member  # has the administrators' role
    servers: dict[str, Any] = field(default_factory=dict)  # when the stream was last read

    def asks(self, who: Member, command: str, **options: Any) -> Interaction:
        """Somebody types a command; all that comes of it is done."""
        return self.carried_out(self.discord.command(who, command, given=options))

    def makes_server(self, who: Member) -> Interaction:
        """Somebody makes a server by the form."""
        form = self.discord.command(who, "server create")
        return self.carried_out(self.discord.submits(who, form, **FORM))

    def presses(self, who: Member, seen: Interaction) -> Interaction:
        """Somebody presses the only button there is; all that comes of it is done."""
        [button] = [one for row in (seen.message or {})["components"] for one in row["components"]]
        return self.carried_out(self.discord.press(who, seen, button["custom_id"]))

    def carried_out(self, seen: Interaction) -> Interaction:
        """What was put off is done."""
        for order in self.orders():
            AWS.queue.remove(order)
            self.invoke(order)
        return seen

    def orders(self) -> list[dict[str, Any]]:
        """What the function has asked itself for Discord, and Lambda has not carried out yet."""
        return [order for order in AWS.queue if order.get("source") == DISCORD]

    def made_up(self, who: Member, kind: int, data: dict[str, Any]) -> dict[str, Any]:
        """An interaction of somebody's that Discord's own client would not send."""
        return {
            "id": self.discord.guild.ids.next(),
            "type": kind,
            "token": "t",
            "guild_id": self.discord.guild_id,
            "member": {"user": {"id": who.id, "username": who.name.lower()}, "roles": []},
            "data": data,
        }

    def signs(self, payload: dict[str, Any]) -> tuple[int, Any]:
        """Something that Discord signs and this one would not send."""
        body = json.dumps(payload).encode()
        status, said = endpoint(body, self.discord.signer.headers(body, self.discord.now()))
        return status, json.loads(said)


def changed_record(kind: str, user: str, old: Any, new: Any) -> dict[str, Any]:
    """A change of the table of instances as Lambda hands it on (Amazon DynamoDB, Streams record)."""
    images = {"OldImage": old, "NewImage": new}
    typed = {
        name: {attribute: serialize(value) for attribute, value in image.items()}
        for name, image in images.items()
        if image
    }
    return {
        "eventName": kind,
        "eventSource": "aws:dynamodb",
        "eventSourceARN": f"arn:aws:dynamodb:{world.REGION}:{world.ACCOUNT}:table/{STACK}-instances/stream/x",
        "dynamodb": {"Keys": {"userId": {"S": user}}, **typed},
    }


def endpoint(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """The function behind API Gateway."""
    said = ask("POST", PATH, body, **cast("Any", headers))
    return said.status, said.body


def secret(discord: Discord, role: str = "") -> dict[str, str]:
    """What the operator keeps of Discord; `api` leads to the played one."""
    return {
        "publicKey": discord.public_key,
        "botToken": discord.bot_token,
        "guildId": discord.guild_id,
        "adminRoleId": role,
        "api": discord.api,
    }


def set_up(discord: Discord, monkeypatch: pytest.MonkeyPatch, **held: str) -> None:
    """The stack knows its application."""
    name, text = f"{STACK}/discord", json.dumps(held)
    world.client("secretsmanager").create_secret(Name=name, SecretString=text)
    monkeypatch.setenv("DISCORD_APPLICATION_ID", discord.application_id)
    world.new_process()


@pytest.fixture
def community(
    aws: dict[str, str], invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Community]:
    """A guild with two members and an administrator; the commands are registered."""
    with played(endpoint) as discord:
        role = discord.role("Game masters", permissions=1 << 5)
        set_up(discord, monkeypatch, **secret(discord, role.id))
        url = world.client("sqs").get_queue_url(QueueName=f"{STACK}-webhooks")["QueueUrl"]
        registered = invoke("admin-register-commands", userId="admin")
        assert registered["success"], registered
        ada, ben = discord.joins("Ada"), discord.joins("Ben")
        boss = discord.joins("Boss", roles=[role])
        yield Community(discord, invoke, Queue(invoke, url), ada, ben, boss)
