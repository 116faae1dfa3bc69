"""admin-overview and shutdown-stats: the whole at a glance."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import community
from tests.kofi.webhooks import payload
from tests.recount import disagreements

pytestmark = pytest.mark.slow

HOUR = 3600


@pytest.fixture
def members(invoke, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], keepers=["otto"], borrowers=["ben"]))


def overview(invoke):
    found = invoke("admin-overview", userId="admin")
    assert found["success"], found
    return found


def states(invoke):
    return overview(invoke)["instances"]


def test_an_empty_platform_has_nothing_to_show(invoke):
    assert overview(invoke) == {
        "success": True,
        "instances": {"total": 0, "running": 0, "stopped": 0, "starting": 0, "stopping": 0},
        "licenses": {"total": 0, "available": 0, "inUse": 0, "pools": []},
        "usage": {
            "totalUsers": 0,
            "totalHours": 0.0,
            "totalCosts": 0.0,
            "totalDonations": 0.0,
            "totalUncovered": 0.0,
        },
        "topContributors": [],
    }


def test_servers_are_counted_by_their_status_wherever_they_go(members, invoke, ecs):
    assert states(invoke) == {"total": 3, "running": 0, "stopped": 3, "starting": 0, "stopping": 0}
    invoke("start-instance", userId="olga")
    assert states(invoke) == {"total": 3, "running": 0, "stopped": 2, "starting": 1, "stopping": 0}
    ecs.comes_up(ecs.only_task())
    assert states(invoke) == {"total": 3, "running": 1, "stopped": 2, "starting": 0, "stopping": 0}
    invoke("stop-instance", userId="olga")
    assert states(invoke) == {"total": 3, "running": 0, "stopped": 2, "starting": 0, "stopping": 1}
    ecs.ends(ecs.only_task())
    assert states(invoke) == {"total": 3, "running": 0, "stopped": 3, "starting": 0, "stopping": 0}
    invoke("destroy-instance", userId="otto")
    assert states(invoke)["total"] == 2
    assert disagreements(world.items) == {}


def test_the_pool_shows_its_licences(members, invoke):
    invoke("start-instance", userId="ben")
    licenses = overview(invoke)["licenses"]
    assert (licenses["total"], licenses["available"], licenses["inUse"]) == (1, 0, 1)
    assert licenses["pools"] == invoke("license-pool-status")["pools"]


def test_who_donated_most_comes_first_with_what_is_uncovered(invoke):
    for number, (donor, amount) in enumerate((("1", "5.00"), ("2", "7.50"), ("1", "1.00"))):
        invoke("kofi-webhook", body=payload(number, amount=amount, discord_userid=donor * 18))
    found = overview(invoke)
    assert found["topContributors"] == [
        {"userId": "2" * 18, "donations": 7.5, "uncovered": 0.0},
        {"userId": "1" * 18, "donations": 6.0, "uncovered": 0.0},
    ]
    assert found["usage"]["totalDonations"] == 13.5


def test_at_most_six_reads_are_enough(members, invoke):
    invoke("admin-grant", userId="admin", targetUserId="olga")
    AWS.begin()
    assert invoke("admin-overview", userId="olga")["success"]
    calls = [call.name for call in AWS.calls]
    AWS.end()
    assert len(calls) == 5
    assert not [call for call in calls if "Scan" in call]


def test_what_ended_servers_is_counted_by_month(members, invoke, ecs, freezer):
    def ends(how, user="olga"):
        invoke("start-instance", userId=user)
        task = ecs.only_task()
        ecs.comes_up(task)
        how()
        ecs.ends(task, exit_code=137)

    ends(lambda: None)
    ends(lambda: invoke("stop-instance", userId="olga"))
    ends(lambda: invoke("admin-force-shutdown", userId="admin", targetUserId="olga"))
    ends(lambda: invoke("destroy-instance", userId="otto"), user="otto")
    stats = invoke("shutdown-stats", userId="admin")
    assert stats["month"] == "2026-11"
    assert stats["byCause"] == {"crash": 1, "destroy": 1, "forced": 1, "member": 1}
    assert (stats["total"], stats["automatic"]) == (4, 0)
    freezer.move_to("2026-12-01T00:00:00Z")
    assert invoke("shutdown-stats", userId="admin")["total"] == 0


@pytest.mark.slow
def test_what_stopped_by_itself_is_counted_as_automatic(members, invoke, ecs, freezer):
    invoke("start-instance", userId="olga")
    task = ecs.only_task()
    ecs.comes_up(task)
    for _ in range(75):  # longer than on-demand runs may last
        freezer.tick(300)
        invoke("auto-shutdown-check", userId="system")
    ecs.ends(task)
    stats = invoke("shutdown-stats", userId="admin")
    assert (stats["byCause"], stats["automatic"]) == ({"time-up": 1}, 1)
