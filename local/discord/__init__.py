"""A played Discord: its API over HTTP, interactions as it delivers them, and people who use it; as strict as the
real.

    with played(endpoint) as discord:
        ada = discord.joins("Ada")
        seen = discord.command(ada, "server start", name="friday")
        assert seen.text == "It starts."

Every rule names its source, a page of Discord's documentation for developers, at the top of the module that
holds it.
"""

from local.discord.guild import Channel, Member, Message, NotPossible, Role
from local.discord.interactions import NOTHING, Choices, Interaction
from local.discord.playing import Discord
from local.discord.starting import played

__all__ = [
    "NOTHING",
    "Channel",
    "Choices",
    "Discord",
    "Interaction",
    "Member",
    "Message",
    "NotPossible",
    "Role",
    "played",
]
