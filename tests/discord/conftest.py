"""A Discord with an application in it, and two people; and the community, whose application is the platform."""

from __future__ import annotations

import pytest

from local.discord import played
from tests.discord.application import Application, Clock
from tests.discord.community import community

__all__ = ["community"]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(clock):
    application = Application(clock)
    with played(application, now=clock, stopwatch=application.stopwatch) as discord:
        application.discord = discord
        discord.limits.clear()
        yield application


@pytest.fixture
def discord(app):
    return app.discord


@pytest.fixture
def ada(discord):
    return discord.joins("Ada")


@pytest.fixture
def bob(discord):
    return discord.joins("Bob", nick="Bobby")


@pytest.fixture
def tables(discord):
    return discord.channel("tables")
