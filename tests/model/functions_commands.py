"""What members ask for of functions, made up by hypothesis, and what they must be told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests import recount
from tests.model import emulated
from tests.model.emulated import Item
from tests.model.functions_cluster import CRASHING, GOOD, MISSING
from tests.model.simulation import BORROWERS, FUNCTION_QUOTA, OWNERS, Answer, Event

USERS = (*OWNERS, *BORROWERS)
NAMES = ("a", "b")
SECRET = "the-secret-of-a-function"
SIZES = ((256, 512), (512, 1024), (1024, 2048))
CREATE, UPDATE = "function-create", "function-update"
DELETE, INVOKE = "function-delete", "function-invoke"


@dataclass(frozen=True)
class FunctionCommand:
    """A request that is not yet sent: about one of the functions that there are then, or, if `silly`, any."""

    action: str
    whose: int
    silly: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    def event(self, _: int) -> Event:
        """The request, as it is sent now."""
        there = [(i["userId"], i["name"]) for i in live(emulated.items("functions"))]
        users = [(user, name) for user in USERS for name in NAMES]
        if self.action == CREATE or self.silly or not there:
            there = users
        user, name = there[self.whose % len(there)]
        fields = {what: value for what, value in self.fields.items() if value is not None}
        cpu, memory = fields.pop("size", (None, None))
        sized = {"cpu": cpu, "memory": memory} if cpu else {}
        return {"action": self.action, "userId": user, "name": name, **fields, **sized}


def _asking(action: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[FunctionCommand]:
    silly = st.sampled_from([False, False, False, True])
    whose = st.integers(0, len(USERS) * len(NAMES) - 1)
    given = {name: st.none() | strategy for name, strategy in fields.items()}
    return st.builds(FunctionCommand, st.just(action), whose, silly, st.fixed_dictionaries(given))


_images = st.sampled_from([GOOD, GOOD, "busybox:1", CRASHING, MISSING])
_replicas = st.integers(0, 3)
_sizes = st.sampled_from(SIZES)
_env = st.sampled_from(
    [
        {"LEVEL": "info"},
        {"TOKEN": f"{SECRET}-1"},
        {"LEVEL": "debug", "TOKEN": f"{SECRET}-2"},
        {"TOKEN": "***", "OTHER_TOKEN": f"{SECRET}-3"},
    ]
)
creates = _asking(CREATE, replicas=_replicas, size=_sizes, env=_env).flatmap(
    lambda command: _images.map(
        lambda image: FunctionCommand(
            command.action, command.whose, command.silly, {**command.fields, "image": image}
        )
    )
)
updates = _asking(UPDATE, image=_images, replicas=_replicas, size=_sizes, env=_env)
deletes = _asking(DELETE)
invokes = _asking(INVOKE, input=st.sampled_from([{"roll": "2d6"}, {"map": "x" * 9000}]))
any_of_functions = st.one_of(creates, updates, updates, deletes, invokes, invokes)


def live(items: list[Item]) -> list[Item]:
    """The functions that are not deleted."""
    return [item for item in items if item["entry"].startswith("fn:")]


def check(before: list[Item], event: Event, answer: Answer) -> None:
    """Compare an answer with what there was when it was asked for; nobody else's functions have changed."""
    user = event["userId"]
    after = emulated.items("functions")
    assert _others(before, user) == _others(after, user)
    judge = {CREATE: _created, UPDATE: _updated, DELETE: _deleted, INVOKE: _invoked}[
        event["action"]
    ]
    mine = [item for item in before if item["userId"] == user]
    there = next((i for i in live(mine) if i["name"] == event["name"]), None)
    said = judge(event, there, _used(before, user))
    is_worked_on = there is not None and "worker" in there
    is_late = is_worked_on and answer.get("errorCode") == "RESOURCE_CONFLICT"
    assert answer.get("errorCode", "") == said or is_late, (said, answer)


def _others(items: list[Item], user: str) -> list[Item]:
    found = [item for item in items if item["userId"] != user]
    return sorted(found, key=lambda item: (item["userId"], item["entry"]))


def _used(items: list[Item], user: str) -> Counter[str]:
    return recount.quotas(items).get(user, Counter())


def _created(event: Event, there: Item | None, used: Counter[str]) -> str:
    if _hides_nothing(event, []):
        return "VALIDATION_ERROR"
    if there:
        return "RESOURCE_CONFLICT"
    return _unless_it_fits(used, {"functions": 1, **_amounts(event)})


def _updated(event: Event, there: Item | None, used: Counter[str]) -> str:
    if event.keys() <= {"action", "userId", "name"}:
        return "VALIDATION_ERROR"
    if there is None:
        return "RESOURCE_NOT_FOUND"
    if _hides_nothing(event, there["secretNames"]):
        return "VALIDATION_ERROR"
    before, after = _amounts(there), _amounts({**there, **event})
    return _unless_it_fits(used, {what: after[what] - before[what] for what in after})


def _deleted(event: Event, there: Item | None, used: Counter[str]) -> str:
    return "" if there else "RESOURCE_NOT_FOUND"


def _invoked(event: Event, there: Item | None, used: Counter[str]) -> str:
    if there is None:
        return "RESOURCE_NOT_FOUND"
    if there.get("definitionShape") != there["shape"]:
        return "RESOURCE_CONFLICT"
    return _unless_it_fits(used, _amounts({**there, "replicas": 1}))


def _hides_nothing(event: Event, secrets: list[str]) -> bool:
    """Whether a value is said to be a secret that there is not."""
    return bool(
        {name for name, value in event.get("env", {}).items() if value == "***"} - set(secrets)
    )


def _amounts(wanted: Item) -> dict[str, int]:
    replicas = wanted.get("replicas", 1)
    sizes = {"cpu": wanted.get("cpu", 256), "memory": wanted.get("memory", 512)}
    return {"replicas": replicas} | {size: replicas * amount for size, amount in sizes.items()}


def _unless_it_fits(used: Counter[str], more: dict[str, int]) -> str:
    fits = all(n <= 0 or used[what] + n <= FUNCTION_QUOTA[what] for what, n in more.items())
    return "" if fits else "PERMISSION_DENIED"
