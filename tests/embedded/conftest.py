"""An embedded AWS that is really asked over the network, around the function in this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

from local import embedded
from services import aws as clients
from tests import world


def free_port() -> int:
    """A port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ministack() -> Iterator[embedded.Embedded]:
    """One embedded AWS for all tests here; it checks no policies."""
    with embedded.running(free_port()) as running:
        yield running


@pytest.fixture(scope="module")
def connected(ministack: embedded.Embedded) -> Iterator[embedded.Embedded]:
    """The clients of this process talk to the embedded AWS, and to nothing else before and after."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in embedded.CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", ministack.endpoint)
        forget_clients()
        yield ministack
        forget_clients()


@pytest.fixture
def aws(connected: embedded.Embedded, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Like the fixture of the same name of the other tests: a fresh AWS with the stack's resources."""
    reset = Request(f"{connected.endpoint}/_ministack/reset", method="POST")  # noqa: S310 - loopback
    with urlopen(reset, timeout=30):  # noqa: S310 - as above
        environment = world.build()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    world.new_process()
    return environment


def forget_clients() -> None:
    """Clients are made anew, for another AWS."""
    caches: tuple[Any, ...] = (clients._made, clients._session, world.client, world._dynamodb)
    for cache in caches:
        cache.cache_clear()
    world.new_process()
