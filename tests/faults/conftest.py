"""One stage for all tests here, each of which plays on a copy of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from moto import mock_aws
from moto.moto_api import state_manager

from tests import world
from tests.aws_calls import AWS
from tests.faults.inventory import inventory
from tests.faults.scenarios import warm_up
from tests.faults.stage import Stage
from tests.lagging import hooks


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """The function among those who call it: play on copies of it (`stage.copy`), never on this very one.

    Foundry does not answer: there is no network.
    """
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        environment = world.build()
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(socket, "getaddrinfo", _no_network)
        world.new_process()
        AWS.queue.clear()
        hooks.begin_anew()
        stage = Stage(world.Ecs(world.cluster(environment), lambda _: None))
        with stage.still():
            warm_up(stage)
            inventory()
        yield stage
        AWS.end()


def _no_network(*_: Any, **__: Any) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "no network in these tests")
