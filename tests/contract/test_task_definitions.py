"""What ECS is told of each kind of task is what is written down in task_definitions/.

So that every change of it is seen by whoever reads the change: `UPDATE_ANSWERS=1 .venv/bin/python -m pytest
tests/contract` writes them anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import world, written_down
from tests.aws_calls import AWS
from tests.world import sample

pytestmark = pytest.mark.slow

DEFINITIONS = Path("tests/contract/task_definitions")
NAMES = ("server", "server-of-another-account", "release", "files", "server-on-anothers-licence")
OWN_ACCOUNT = {"foundryUsername": "ben", "foundryPassword": "bens-password"}
SCRIPT = re.compile(r'"(?:[^"\\]|\\.){600,}"')
# What is different each time. Of each kind the first that is met becomes number 1.
VOLATILE = re.compile(
    r"(?P<point>fsap-[0-9a-f]+)|(?P<filesystem>fs-[0-9a-f]+)|(?P<suffix>(?<=-)\w{6}(?=:\w+::))"
    rf"|(?P<id>(?<![0-9a-f])(?!{world.ACCOUNT})[0-9a-f]{{12}}(?![0-9a-f]))"
)


def stable(definition):
    """The definition without what is different each time, and without the scripts that it carries."""
    known: dict[str, list[str]] = {}

    def numbered(found):
        kind = found.lastgroup
        same = known.setdefault(kind, [])
        if found[0] not in same:
            same.append(found[0])
        return f"{kind}-{same.index(found[0]) + 1}"

    text = SCRIPT.sub('"(a script)"', json.dumps(definition, indent=2))
    return VOLATILE.sub(numbered, text) + "\n"


def test_ecs_is_told_of_each_kind_of_task_what_is_written_down(invoke, ecs, freezer, monkeypatch):
    monkeypatch.setenv("SAVES_KEPT", "5,4,6")
    world.new_process()
    AWS.begin()
    olga = sample("create-instance", allowLicenseSharing=True)["userId"]
    invoke(sample("create-instance", allowLicenseSharing=True))
    ben = sample("create-instance", userId="ben", username="Ben", foundryVersion="12")
    del ben["foundryLicense"]
    invoke(ben | {"licenseType": "pooled", **OWN_ACCOUNT})
    invoke("start-instance", userId=olga)
    ecs.comes_up(ecs.only_task())
    freezer.tick(600)
    invoke("stop-instance", userId=olga)
    ecs.ends(ecs.only_task())
    invoke("start-instance", userId="ben")
    told = AWS.requests("ecs.RegisterTaskDefinition")
    AWS.end()
    for name, definition in zip(NAMES, told, strict=True):
        written_down.compare(DEFINITIONS / f"{name}.json", stable(definition))
