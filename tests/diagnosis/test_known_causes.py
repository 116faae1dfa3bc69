"""The table of known causes, each held against texts that people have shown of servers that ended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actions import ACTIONS
from actions.instances.known_causes import LATE, TABLE, UNKNOWN, Cause, Mender, diagnose
from tests.diagnosis.real_texts import TEXTS

AROUND = [
    "Entrypoint | 2026-05-01 13:16:02 | [info] Starting felddy/foundryvtt container v13.351.0",
    "Launcher | 2026-05-01 13:16:18 | [info] Starting Foundry Virtual Tabletop.",
]
_BY_AWS_ONLY = {Cause.MACHINE_TAKEN, Cause.BY_HAND, Cause.NOT_STARTED}  # ECS's own stop codes


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.cause}-{text.source}")
def test_a_text_that_was_seen_tells_its_cause(text):
    lines = [*AROUND, *text.log.splitlines()]
    found = diagnose(text.said, text.codes, lines, late=text.late)
    assert found.known.cause == text.cause
    if text.log:
        assert found.line is not None
        assert lines[found.line] not in AROUND


def test_each_row_is_known_from_a_text_that_was_seen_or_is_a_code_of_ecs():
    assert {row.cause for row in TABLE} == {text.cause for text in TEXTS} | _BY_AWS_ONLY
    assert len(TABLE) >= 15


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("ServiceSchedulerInitiated", Cause.MACHINE_TAKEN),
        ("SpotInterruption Your Spot Task was interrupted.", Cause.MACHINE_TAKEN),
        ("TerminationNotice", Cause.MACHINE_TAKEN),
        ("UserInitiated Task stopped by user", Cause.BY_HAND),
        ("TaskFailedToStart", Cause.NOT_STARTED),
        ("EssentialContainerExited Essential container in task exited", Cause.UNKNOWN),
    ],
)
def test_codes_of_ecs_tell_theirs(said, cause):
    assert diagnose(said, {}).known.cause == cause


def test_each_source_is_named_in_the_documentation():
    page = Path("docs/sources.md").read_text()
    for text in TEXTS:
        number = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", text.source)
        wanted = f"https://github.com/{number[1]}/issues/{number[2]}" if number else ""
        assert wanted in page, text.source


def test_the_operators_page_has_each_row():
    page = Path("docs/operating.md").read_text()
    for row in (*TABLE, LATE, UNKNOWN):
        remedy = f"`{row.remedy}`" if row.remedy else ""
        assert f"| `{row.cause}` | {row.sentence} | {row.mender} | {remedy} |" in page


def test_each_remedy_is_an_action_and_who_can_mend_it_has_one():
    for row in TABLE:
        assert not row.remedy or row.remedy in ACTIONS
        assert row.mender != Mender.NOBODY or row.remedy, row.cause


def test_no_sentence_holds_a_word_of_aws():
    for row in TABLE:
        assert not re.search(r"arn:|Error|Exception|ECS|Fargate", row.sentence)


def test_a_start_that_was_given_up_was_not_stopped_by_hand():
    assert (
        diagnose("UserInitiated Stopped by the platform", {}, late=True).known.cause == Cause.LATE
    )


def test_what_was_overcome_while_it_started_is_not_why_it_ended_hours_later():
    log = [
        "ReleaseURL | 2025-06-05 22:33:36 | [warn] Unexpected response 429: Too Many Requests",
        "FoundryVTT | 2025-06-05 22:35:36 | [info] Server started and listening on port 30000",
    ]
    assert diagnose("", {"foundry": 1}, log).known.cause == Cause.UNKNOWN
    assert diagnose("", {"foundry": 1}, log[:1]).known.cause == Cause.TOO_MANY_LOGINS


def test_an_unsigned_licence_is_no_reason_to_crash():
    log = [
        "FoundryVTT | [error] Software license verification failed. Please confirm your software license"
    ]
    assert diagnose("", {"foundry": 1}, log).known.cause == Cause.UNKNOWN
