"""A table that sleeps, and its code."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from tests.world import sample

ADA = sample("create-instance")["userId"]


@pytest.fixture
def ada(invoke, freezer, once):
    """Ada's id; she has a server that has never run."""
    freezer.move_to("2026-03-01T20:00:00Z")
    assert once(lambda: invoke(sample("create-instance")))["success"]
    return ADA


@pytest.fixture
def code(invoke, ada):
    """The code of her table, as its link has it."""
    return code_in(invoke("status", userId=ada)["wakeUrl"])


def code_in(link: str) -> str:
    """The code in a link to a table's page."""
    return parse_qs(urlsplit(link).query)["code"][0]
