"""The table of instances keeps its own rules, whoever writes to it."""

from __future__ import annotations

from typing import Any

import pytest

from services.conditions import Attr
from services.instances import Instances, InstanceStatus
from tests import world

INSTANCE: Any = {"userId": "ada", "instanceId": "0123456789ab", "status": InstanceStatus.CREATED}
STATUS = {"status": InstanceStatus.RUNNING}


def test_a_status_is_not_written_in_passing(aws):
    table, when = Instances(world.table_of("instances")), Attr("userId").exists()
    for write in (
        lambda: table.change(INSTANCE, when, STATUS),
        lambda: table.acquire(INSTANCE, "lock", 0, when, STATUS),
        lambda: table.note(INSTANCE, "lock", STATUS),
    ):
        with pytest.raises(ValueError, match="transitions"):
            write()
