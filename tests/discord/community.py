"""The community's Discord server, played (local/discord), with the platform behind its application."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from handler.app import RetryLater
from handler.events import DISCORD
from local.discord import Discord, Interaction, Member, NotPossible, played
from tests import world
from tests.aws_calls import AWS
from tests.conftest import Invoke
from tests.http.shapes import ask
from tests.webhooks.conftest import Queue
from tests.world import STACK

ADMIN = "admin"


@dataclass
class Community:
    """The guild, its members, and Lambda, which carries out what the function has asked itself."""

    discord: Discord
    invoke: Invoke
    queue: Queue
    ada: Member
    ben: Member
    boss: Member  # has the administrators' role

    def asks(self, who: Member, command: str, **options: Any) -> Interaction:
        """Somebody types a command, and reads what comes of it."""
        return self.carried_out(self.discord.command(who, command, given=options))

    def carried_out(self, seen: Interaction) -> Interaction:
        """All that was put off is done."""
        self.works()
        return seen

    def works(self) -> None:
        """Lambda invokes the function with what it has asked itself for Discord."""
        for order in [o for o in AWS.queue if o.get("source") == DISCORD]:
            AWS.queue.remove(order)
            self.invoke(order)


def endpoint(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """The function behind API Gateway."""
    said = ask("POST", "/webhooks/discord", body, **headers)
    return said.status, said.body


@pytest.fixture
def community(aws: Any, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Iterator[Community]:
    """A guild with a member, another one and an administrator; commands are registered."""
    with played(endpoint) as discord:
        role = discord.role("Game masters", permissions=1 << 5)
        held = {
            "publicKey": discord.public_key,
            "botToken": discord.bot_token,
            "guildId": discord.guild_id,
            "adminRoleId": role.id,
            "api": discord.api,
        }
        world.client("secretsmanager").create_secret(
            Name=f"{STACK}/discord", SecretString=json.dumps(held)
        )
        monkeypatch.setenv("DISCORD_APPLICATION_ID", discord.application_id)
        world.new_process()
        queue = Queue(
            invoke, world.client("sqs").get_queue_url(QueueName=f"{STACK}-webhooks")["QueueUrl"]
        )
        registered = invoke("admin-register-commands", userId=ADMIN)
        assert registered["success"], registered
        people = [discord.joins("Ada"), discord.joins("Ben"), discord.joins("Boss", roles=[role])]
        yield Community(discord, invoke, queue, *people)


__all__ = ["ADMIN", "Community", "NotPossible", "RetryLater", "endpoint", "time"]
