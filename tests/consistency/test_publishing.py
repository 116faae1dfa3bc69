"""Every deployment publishes what it configures: whatever callers reach has the new values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template import Stack

BEFORE = Stack()
# Another valid value of each parameter that is no number.
OTHERWISE = {
    "Environment": "prod",
    "HostedZoneId": "Z0123456789",
    "CurrencyRates": "EUR=1.08",
    "KofiPage": "https://ko-fi.com/demo",
    "DocsPublic": "true",
    "LogLevel": "DEBUG",
    "Tracing": "false",
}


def called(stack: Stack) -> Any:
    """What callers reach: the version of the function that the alias points to."""
    (alias,) = (p for _, p in stack.resources("AWS::Lambda::Alias"))
    return alias["FunctionVersion"]


def settings(stack: Stack) -> dict[str, str]:
    """The function's environment."""
    found: dict[str, str] = stack.properties("Function")["Environment"]["Variables"]
    return found


def changed(parameter: str) -> Stack:
    """The stack deployed again with one parameter changed."""
    before = BEFORE.parameters[parameter]
    other = str(int(before) + 1) if before.isdigit() else "other"
    return Stack(given={parameter: OTHERWISE.get(parameter, other)})


@pytest.mark.parametrize("parameter", BEFORE.parameters)
def test_another_value_that_the_function_sees_publishes_another_version(parameter: str) -> None:
    after = changed(parameter)
    seen = parameter == "FunctionName" or settings(after) != settings(BEFORE)
    assert (called(after) != called(BEFORE)) is seen
    # Lambda refuses to publish a function that is what it was: its own description changes, too.
    assert (description(after) != description(BEFORE)) is (settings(after) != settings(BEFORE))


def description(stack: Stack) -> str:
    """The function's description."""
    found: str = stack.properties("Function")["Description"]
    return found


def test_the_same_values_publish_nothing() -> None:
    assert called(Stack()) == called(BEFORE)


def test_what_a_resource_comes_to_publishes_another_version_too() -> None:
    """It is no parameter: SAM cannot see it, CloudFormation does when it deploys."""
    assert called(Stack(account="210987654321")) != called(BEFORE)  # other ARNs and ids


@pytest.mark.parametrize(("key", "value"), [("CodeUri", "s3://bucket/other"), ("Timeout", 299)])
def test_other_code_and_another_time_limit_publish_another_version(key: str, value: object) -> None:
    """What stands in the template becomes part of the version's logical name."""
    after = Stack()
    after.source["Resources"]["Function"]["Properties"][key] = value
    assert {n for n, _ in after.resources("AWS::Lambda::Version")}.isdisjoint(
        n for n, _ in BEFORE.resources("AWS::Lambda::Version")
    )


def test_every_setting_is_numbered() -> None:
    content = BEFORE.properties("SettingsVersion")["Content"]
    shown = dict(line.split("=", 1) for line in content.splitlines())
    assert shown == {name: str(value) for name, value in settings(BEFORE).items()}
