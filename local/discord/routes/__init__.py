"""Discord's HTTP API, by what its addresses are about; `ROUTES` is all of it that is played."""

from local.discord.routes import channels, commands, events, webhooks

ROUTES = (*commands.ROUTES, *webhooks.ROUTES, *channels.ROUTES, *events.ROUTES)
