"""The stories of functions that are disturbed."""

from __future__ import annotations

from typing import Any

from tests.faults.scenario import BOB, TICK, OfFunctions
from tests.faults.stage import CRASHING, Stage
from tests.world import sample

TWO = {"replicas": 2, "env": sample("function-create")["env"]}  # one of which is a secret
OTHER_SECRET = {"replicas": None, "env": {"LOG_LEVEL": "debug", "DISCORD_TOKEN": "another-token"}}
LONG = {"input": {"map": "x" * 9000}}


def nobodys(stage: Stage) -> None:
    """Only another member's function, of the same name: nobody may touch it."""
    stage.does("function-create", userId=BOB["userId"], replicas=1, env=None)


def running(stage: Stage) -> None:
    """Two of it, with a secret."""
    nobodys(stage)
    stage.does("function-create", **TWO)
    stage.tick()


def with_a_second_one(stage: Stage) -> None:
    """And another one, of which one runs."""
    running(stage)
    stage.does("function-create", name="second", env=None)


def at_rest(stage: Stage) -> None:
    """A function that only runs when it is invoked."""
    nobodys(stage)
    stage.does("function-create", replicas=0)
    for _ in range(3):  # by then nothing is due
        stage.tick()


def _asked_for(stage: Stage) -> None:
    """The process died when it had recorded the function; nobody asks again."""
    nobodys(stage)
    with stage.dying("dynamodb.TransactWriteItems"):
        stage.call(sample("function-create", env=None))


def _stopped_unnoticed(stage: Stage) -> None:
    """A task crashed, and another one took its place; no event of it has come."""
    running(stage)
    arn = min(stage.fargate.tasks())
    stage.fargate.crash(arn)
    stage.silently()
    stage.silently()


def _invoked_unnoticed(stage: Stage) -> None:
    at_rest(stage)
    stage.asks("function-invoke")
    stage.silently()
    stage.silently()


def _deletion_interrupted(stage: Stage) -> None:
    """The process died when it had deleted the record; nobody asks again."""
    running(stage)
    with stage.dying("dynamodb.TransactWriteItems"):
        stage.call(sample("function-delete"))


def _change(name: str, ends: str, **more: Any) -> OfFunctions:
    return OfFunctions(name, running, "function-update", ends, more=more, again=True)


OF_FUNCTIONS = (
    OfFunctions("create a function", nobodys, "function-create", "2 of 2", more=TWO),
    OfFunctions(
        "create a second function",
        running,
        "function-create",
        "2 of 2, 1 of 1",
        more={"name": "second", "env": None},
    ),
    _change("change a function's image", "2 of 2", image="nginx:alpine", replicas=None),
    _change("change a function's secret", "2 of 2", **OTHER_SECRET),
    _change("scale a function to nothing", "0 of 0", replicas=0),
    OfFunctions("delete a function", with_a_second_one, "function-delete", "1 of 1"),
    OfFunctions("delete the last function", running, "function-delete", None),
    OfFunctions(
        "invoke a function",
        at_rest,
        "function-invoke",
        "0 of 0, completed",
        undone=True,
        again=True,
    ),
    OfFunctions(
        "invoke a function with a long input",
        at_rest,
        "function-invoke",
        "0 of 0, completed",
        undone=True,
        more=LONG,
        again=True,
    ),
    OfFunctions(
        "a function that crashes",
        nobodys,
        "function-create",
        "failing",
        more={"image": CRASHING, "env": None},
        again=True,
    ),
    OfFunctions("tick after a function was only recorded", _asked_for, TICK, "1 of 1"),
    OfFunctions("tick after a function's crash unnoticed", _stopped_unnoticed, TICK, "2 of 2"),
    OfFunctions(
        "tick after an invocation unnoticed", _invoked_unnoticed, TICK, "0 of 0, completed"
    ),
    OfFunctions("tick while deleting a function", _deletion_interrupted, TICK, None),
)
