"""Administrators: who is one, and what of their acts is noted."""

from __future__ import annotations

import pytest

from actions import ACTIONS, find
from actions.action import AdminOrder, Scope
from tests import world
from tests.model import emulated
from tests.world import sample

ADMIN_ACTIONS = [name for name in ACTIONS if find(name).scope is Scope.ADMIN]
ORDERS = [name for name in ADMIN_ACTIONS if issubclass(find(name).request, AdminOrder)]


def grant(invoke, user, by="admin", **more):
    return invoke("admin-grant", userId=by, targetUserId=user, **more)


def revoke(invoke, user, by="admin", **more):
    return invoke("admin-revoke", userId=by, targetUserId=user, **more)


@pytest.mark.parametrize("name", ADMIN_ACTIONS)
def test_nobody_else_may_do_what_administrators_do(name, invoke):
    before = [emulated.items(table) for table in world.TABLES]
    for user in ("ada", "system"):
        assert invoke(sample(name, userId=user))["errorCode"] == "PERMISSION_DENIED"
    assert [emulated.items(table) for table in world.TABLES] == before


def test_an_administrator_names_another_who_then_may_do_the_same(invoke):
    assert invoke("list-all", userId="ada")["errorCode"] == "PERMISSION_DENIED"
    assert grant(invoke, "ada")["success"]
    assert grant(invoke, "ada")["success"], "twice changes nothing"
    assert invoke("list-all", userId="ada")["success"]
    assert grant(invoke, "ben", by="ada")["success"]
    assert revoke(invoke, "ada", by="ben")["success"]
    assert invoke("list-all", userId="ada")["errorCode"] == "PERMISSION_DENIED"


def test_whoever_the_operator_named_cannot_be_revoked(invoke):
    refused = revoke(invoke, "admin")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "ADMIN_USER_IDS" in refused["details"]["suggestion"]


def test_whoever_is_no_administrator_cannot_be_revoked(invoke):
    assert revoke(invoke, "ada")["errorCode"] == "RESOURCE_NOT_FOUND"


def test_the_last_administrator_cannot_be_revoked(invoke, monkeypatch):
    grant(invoke, "ada")
    grant(invoke, "ben")
    monkeypatch.setenv("ADMIN_USER_IDS", "")
    world.new_process()
    assert revoke(invoke, "ben", by="ada")["success"]
    assert revoke(invoke, "ada", by="ada")["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("list-all", userId="ada")["success"]


def test_orders_are_noted_with_who_what_whom_when_why_and_what_came_of_it(invoke, freezer):
    freezer.move_to("2026-11-30T23:59:59Z")
    grant(invoke, "ada", reason="She helps us")
    freezer.tick(1)  # another month
    revoke(invoke, "ben", reason="A mistake")
    freezer.tick(1)
    invoke("admin-cancel-session", userId="admin", sessionId="none")
    entries = invoke("admin-audit", userId="admin")["entries"]
    shown = [
        (e["userId"], e["action"], e.get("about"), e["at"], e.get("reason"), e["outcome"])
        for e in entries
    ]
    assert shown == [
        ("admin", "admin-cancel-session", None, 1796083201, None, "RESOURCE_NOT_FOUND"),
        ("admin", "admin-revoke", "ben", 1796083200, "A mistake", "RESOURCE_NOT_FOUND"),
        ("admin", "admin-grant", "ada", 1796083199, "She helps us", "done"),
    ]
    assert entries[0]["details"] == {"sessionId": "none"}
    assert len(invoke("admin-audit", userId="admin", limit=2)["entries"]) == 2


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_leaves_an_entry(name, invoke):
    invoke(sample(name, userId="admin"))
    (entry,) = invoke("admin-audit", userId="admin")["entries"]
    assert entry["action"] == name
    assert entry["outcome"] != "asked"


def test_looking_changes_nothing_and_is_not_noted(invoke):
    for name in set(ADMIN_ACTIONS) - set(ORDERS):
        assert invoke(sample(name, userId="admin"))["success"]
    assert invoke("admin-audit", userId="admin")["entries"] == []
