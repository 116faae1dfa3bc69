"""A failed test shows what differs, and no walls of log."""

from __future__ import annotations

import json

from tests import failures

LINE = {"level": "INFO", "message": "done", "action": "status", "details": {}}


def test_two_answers_differ_where_their_fields_do():
    left = {"success": True, "sessions": [{"id": "a", "status": "running"}], "same": 1}
    right = {
        "success": True,
        "sessions": [{"id": "a", "status": "completed"}],
        "same": 1,
        "more": 2,
    }
    assert failures.compared("==", left, right) == [
        "they differ in",
        "  sessions[0].status: 'running' != 'completed'",
        "  more: (absent) != 2",
    ]


def test_lists_of_different_lengths_are_compared_by_pytest():
    assert failures.compared("==", [1], [1, 2]) is None


def test_of_the_log_a_failure_shows_what_went_wrong():
    error = LINE | {"level": "ERROR", "message": "broken", "details": {"exception": "one\ntwo"}}
    log = "\n".join([json.dumps(LINE), "printed by a test", json.dumps(error)])
    shown = "printed by a test\nERROR broken (action status)\n  exception: one\ntwo\n"
    assert failures.shorten([("log", log), ("log", json.dumps(LINE))]) == [("log", shown)]
