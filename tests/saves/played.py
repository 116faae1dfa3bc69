"""What the tests of saves ask again and again, and look at."""

from __future__ import annotations

from tests import world
from tests.aws_calls import AWS
from tests.saves.conftest import USER, access_point
from tests.world import sample


def saves():
    return sorted(world.items("saves"), key=lambda item: item["saveId"])


def status(invoke):
    return invoke("status", userId=USER)


def notices(kind=None):
    found = [call for call in AWS.queue if call.get("action") == "send-notification"]
    return [n for n in found if kind in (None, n["kind"])]


def own_saves():
    return [save for save in saves() if not save["repository"].startswith("departed#")]


def come_back(invoke, **changes):
    keys = sample("create-instance")
    fields = {name: keys[name] for name in ("foundryLicense", "foundryAdminKey")}
    return invoke("restore-instance", userId=USER, **fields | changes)


def finish(ecs, files):
    """All tasks do their work until none is left."""
    for _ in range(10):
        if not ecs.tasks():
            return
        (task,) = ecs.tasks()
        ecs.comes_up(task)
        if files.is_file_task(task):
            files.carry_out(task)
        else:
            files.content[access_point()] = 0
        ecs.ends(task, exit_code=0)
