"""What all tests share: an emulated AWS around the function, fresh for each test."""

from __future__ import annotations

import os

# Before any client is made: nothing here may ever reach a real account.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_XRAY_SDK_ENABLED": "false",
}

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from moto import mock_aws
from moto.moto_api import state_manager

from tests import aws_calls, world


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A fresh AWS with the stack's resources; the function's environment names them."""
    with mock_aws():
        # Tasks change when a test says so, not whenever somebody looks.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        environment = world.build()
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        world.new_process()
        aws_calls.AWS.queue.clear()
        yield environment
        aws_calls.AWS.end()


@pytest.fixture
def freezer() -> Iterator[FrozenDateTimeFactory]:
    """Time that stands still until a test moves it: `freezer.tick(300)`, `freezer.move_to(...)`."""
    with freeze_time() as frozen:
        yield frozen


Invoke = Callable[..., dict[str, Any]]


@pytest.fixture
def invoke(aws: dict[str, str]) -> Invoke:
    """Call the function as `aws lambda invoke` does: `invoke("status", userId="ada")`, or with an event."""
    from handler.app import lambda_handler

    def call(action: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
        event = {"action": action, **fields} if isinstance(action, str) else action
        return lambda_handler(event, world.Context())

    return call


@pytest.fixture
def ecs(aws: dict[str, str], invoke: Invoke) -> world.Ecs:
    """ECS's own part: tasks that come up and end."""
    return world.Ecs(aws["CLUSTER_ARN"], invoke)
