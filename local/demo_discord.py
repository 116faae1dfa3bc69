"""The demo community's Discord server, played (local/discord), and the way from it to the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local import demo, stack
from local.discord import Channel, Discord, Role, played
from local.discord.guild import MANAGE_GUILD
from local.embedded import Embedded
from local.front import Front
from local.processes import LocalError

PORT = 8081
HOST = "discord.localhost"  # browsers find it on this machine
_PATH = "/webhooks/discord"
_SECRET = f"{stack.STACK}/discord"
_PATIENCE = 10.0  # seconds; Discord itself has lost it long before
BOSS = "100000000000000009"  # who has the administrators' role, and no server


@dataclass(frozen=True)
class Community:
    """The guild in which the demo community is."""

    discord: Discord
    admins: Role
    tables: Channel
    port: int

    @property
    def url(self) -> str:
        """The page for people."""
        return f"http://{HOST}:{self.port}"

    def keep_secret(self, aws: Embedded) -> None:
        """What an operator keeps of Discord (docs/discord.md)."""
        held = {
            "publicKey": self.discord.public_key,
            "botToken": self.discord.bot_token,
            "guildId": self.discord.guild_id,
            "adminRoleId": self.admins.id,
            "api": self.discord.api,
        }
        aws.client("secretsmanager").create_secret(Name=_SECRET, SecretString=json.dumps(held))

    def move_in(self, aws: Embedded, table: demo.Table) -> None:
        """Let Discord take the endpoint's address, register the commands, and give a table its panel.

        LocalError if any of it is refused.
        """
        if not self.discord.ping():
            raise LocalError("The platform does not answer Discord as Discord wants it.")
        demo.ask(aws, stack.FUNCTION, "admin-register-commands")
        where = {"userId": table.owner, "channelId": self.tables.id}
        demo.ask(aws, stack.FUNCTION, "set-panel", **where)


@contextmanager
def running(way_in: Front, port: int) -> Iterator[Community]:
    """The played Discord on 127.0.0.1:`port`, which tells the platform behind the front of what people do.

    LocalError if the port is taken.
    """

    def endpoint(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        asked = Request(f"{way_in.url}{_PATH}", body, headers)  # noqa: S310 - http, see Front
        try:
            with urlopen(asked, timeout=_PATIENCE) as said:  # noqa: S310
                return said.status, said.read()
        except HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return 503, b""

    with ExitStack() as at_the_end:
        try:
            discord = at_the_end.enter_context(played(endpoint, port=port))
        except OSError as error:
            raise LocalError(f"Port {port} cannot be had ({error.strerror}).") from None
        discord.elsewhere[way_in.domain] = f"localhost:{way_in.port}"
        yield _settled(discord, port)


def _settled(discord: Discord, port: int) -> Community:
    """The people and the channels there."""
    discord.channel("general")
    tables = discord.channel("tables")
    admins = discord.role("Administrators", permissions=MANAGE_GUILD)
    for ident, name in demo.PEOPLE.items():
        roles = [admins] if ident == demo.ADMIN else []
        taken = any(one.username == name for one in discord.guild.members.values())
        # Two people of one name are told apart by what they are called in all of Discord.
        discord.joins(
            f"{name} II" if taken else name, roles, nick=name if taken else None, ident=ident
        )
    discord.joins("Greta", [admins], ident=BOSS)
    return Community(discord, admins, tables, port)
