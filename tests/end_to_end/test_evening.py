"""Evenings at tables of a `make run`: woken by a page, played at, left; and what goes wrong on others."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.end_to_end.running import Run
from tests.end_to_end.table import WORLD, Table, made

pytestmark = pytest.mark.embedded


def test_players_wake_a_table_play_leave_and_it_stops_by_itself(run: Run) -> None:
    table = made(run, "evening", 1)
    assert table.get("/").status_code == 503
    table.wake()
    phases = table.comes_to("ready")
    assert phases[-1] == "ready"
    assert set(phases) & {"machine", "image"}
    assert "foundry" in phases
    assert table.leads() == "/join"
    assert "Join The Long Night" in table.get("/join").text

    assert table.post("/join", userid="Alex").headers["Location"] == "/game"
    assert table.users() == 1
    table.ask("set-license-sharing", allowLicenseSharing=True)
    guest = Table(run, "guest")
    guest.borrow()
    says_until_when(guest, table)

    table.as_if(upSince=7200, dueAt=0)  # as if it had been played on for two hours
    table.tick()
    assert "stopsBecause" in table.ask("status")
    assert table.ask("status")["status"] == "running"

    table.post("/game")
    assert table.users() == 0
    table.as_if(idleSince=3000, idleProvenAt=60, dueAt=0)  # as if nobody had come for so long
    table.tick()
    assert table.ask("status")["status"] == "running"  # its member is told first
    table.as_if(noticedAt=700, idleProvenAt=60, dueAt=0)
    table.tick()
    table.until(table.is_stopped)
    assert "nobody uses it" in table.ask("status")["message"]
    assert not table.open_databases()
    assert not (table.data / "Config/options.json.lock").exists()
    assert table.log().count("Shutting down World: The Long Night") == 2

    assert "Wake the table" in guest.get(guest.way_in()).text
    guest.wake()
    guest.comes_to("signature")


def says_until_when(guest: Table, table: Table) -> None:
    """Of a table that plays and has a session soon, who would have its licence is told until when."""
    begins = int(time.time()) + 900
    booked = table.ask("schedule-session", startTime=begins, duration=15)
    until = guest.is_refused("start-instance")["details"]["until"]
    assert until >= begins + 900
    page = guest.get(guest.way_in()).text
    assert "It cannot be woken now" in page
    assert (
        f'until <time datetime="{datetime.fromtimestamp(until, UTC):%Y-%m-%dT%H:%M:%SZ}">' in page
    )
    assert "Wake the table" not in page
    table.ask("cancel-scheduled-session", sessionId=booked["sessionId"])


def test_a_crash_leaves_data_unclean_and_the_next_start_takes_no_chances(run: Run) -> None:
    table = made(run, "crash", 2)
    table.wake()
    table.comes_to("ready")
    table.goes_wrong("crash")
    table.until(table.is_stopped)
    assert table.open_databases()
    assert not (table.data / "Config/clean-stop").exists()
    table.ask("start-instance")
    table.comes_to("setup")
    assert "not known to have ended cleanly" in table.ask("status")["worldNotOpened"]
    table.prove_to_be_admin()
    table.post("/setup", action="launchWorld", world=WORLD)
    assert "was not closed: recovering" in table.log()


def test_out_of_memory_starts_again_with_more_of_it(run: Run) -> None:
    table = made(run, "memory", 3)
    table.wake()
    table.comes_to("ready")
    before = int(table.task()["memory"])
    table.goes_wrong("out-of-memory")

    def starts_again() -> bool:
        return "taskArn" in table.ask("status") and int(table.task()["memory"]) > before

    table.until(starts_again)
    table.comes_to("setup")  # its world was not closed
    assert table.log().count("Server started and listening") == 3
