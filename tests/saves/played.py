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


def departed():
    return [item for item in saves() if item["repository"].startswith("departed#")]


def secrets():
    listed = world.client("secretsmanager").list_secrets()["SecretList"]
    ours = [s["Name"] for s in listed if s["Name"].startswith(f"{world.STACK}/")]
    return [name for name in ours if not name.endswith("webhook-key")]


def come_back(invoke, **changes):
    return invoke(sample("restore-instance", **changes))


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


def a_start_ends(invoke, ecs):
    """The only task comes up and is ended for the server, whose own task comes up then."""
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert invoke("start-instance", userId=USER)["status"] == "starting"
    ecs.ends(task, exit_code=143)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    return task
