"""What changes something is disturbed, asked for at random, and played under the function's own role."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from actions import ACTIONS
from tests.actions_that_read import ONLY_READ
from tests.faults.scenarios import SCENARIOS

ROLE = [Path("tests/embedded", name) for name in ("test_role.py", "scenes.py", "member.py")]
# What nobody asks for: it follows from what somebody asks for, and so is in those stories.
FOLLOWS = {
    "observe-task": "ECS tells of the task in each story that starts or stops a server",
    "finish-stop": "the function has itself carry out the stop in each story that stops a server",
    "send-notification": "it keeps nothing; Lambda sends it again, and at last keeps it for the operator",
}

# What is about Discord is played where Discord is.
ELSEWHERE = {
    "admin-register-commands": "tests/discord",
    # These write what Discord shows beside: tests/discord/test_panels.py lets each call of theirs fail.
    "set-panel": "tests/discord",
    "update-panels": "tests/discord",
}
# What writes nothing but a count of the day, which tests/rates plays.
COUNTS = {"chat"}
WRITING = sorted(set(ACTIONS) - ONLY_READ - ELSEWHERE.keys())


def named(paths: list[Path]) -> set[str]:
    """The actions that are named in modules."""
    trees = [ast.parse(path.read_text()) for path in paths]
    found = [n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return {value for value in found if isinstance(value, str) and value in ACTIONS}


def test_only_actions_are_said_to_read_or_to_follow():
    assert ONLY_READ | FOLLOWS.keys() | COUNTS <= set(ACTIONS)
    assert not ONLY_READ & (FOLLOWS.keys() | COUNTS)


def demand(name: str, found: set[str], what: str) -> None:
    """Fail if an action is not among those found, and say what it lacks."""
    if name not in found:
        reason = f"{name} is not in ONLY_READ (tests/actions_that_read.py), so it needs {what}"
        pytest.fail(reason, pytrace=False)


@pytest.mark.parametrize("name", WRITING)
def test_an_action_that_writes_has_a_story_in_the_fault_tests(name):
    told = {scenario.asks for scenario in SCENARIOS} | COUNTS
    demand(name, told | FOLLOWS.keys(), "a Scenario in tests/faults/scenarios.py")


@pytest.mark.parametrize("name", WRITING)
def test_an_action_that_writes_is_a_command_of_the_model(name):
    asked_for = named(sorted(Path("tests/model").glob("*.py"))) | COUNTS
    somebody = (
        "a command in tests/model/commands.py (`minor`, and SENSIBLE if not every state allows it),"
        " or an administrator's order in tests/model/oversight.py"
    )
    demand(name, asked_for, somebody)


@pytest.mark.parametrize("name", WRITING)
def test_an_action_that_writes_is_played_under_the_functions_role(name):
    by_aws = {"observe-task"}
    demand(name, named(ROLE) | by_aws, "a place in the life cycle of tests/embedded/test_role.py")
