"""From the sleeping page to a table that comes up."""

from __future__ import annotations

from tests.tables.visiting import Page, state, visit, wake


def test_whoever_has_the_code_wakes_the_table(invoke, ecs, ada, code):
    asleep = Page.of(visit())
    assert "This table is asleep." in asleep.text
    assert state()["phase"] == "asleep"
    woken = wake(code)
    assert (woken.status, woken.headers["location"]) == (303, "/")
    assert ecs.only_task()
    assert state()["phase"] == "machine"
    assert "A machine is being found." in Page.of(visit()).text
    assert invoke("status", userId=ada)["status"] == "starting"
