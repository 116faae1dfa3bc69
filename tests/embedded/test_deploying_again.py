"""A second deployment with another value: what is called has it."""

from __future__ import annotations

import pytest

from local import embedded, stack
from tests.embedded.conftest import free_port

pytestmark = pytest.mark.embedded


def test_a_second_deployment_publishes_the_changed_parameter() -> None:
    with embedded.running(free_port()) as aws:
        template = stack.build(aws.directory / "build")
        alias = stack.deploy(aws, template)["AliasArn"]
        first = aws.client("lambda").get_function_configuration(FunctionName=alias)
        stack.deploy(aws, template, IdleSeconds="1234")
        second = aws.client("lambda").get_function_configuration(FunctionName=alias)
    assert first["Environment"]["Variables"]["IDLE_SECONDS"] == "1800"
    assert second["Environment"]["Variables"]["IDLE_SECONDS"] == "1234"
    assert second["Version"] != first["Version"]
