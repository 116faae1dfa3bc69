"""Answers in words: of every command, as the documentation has them and as members make them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import COMMANDS
from actions.discord.formatting import plain
from actions.errors import Conflict
from handler.discord.words import message_of, refusal_of

ANSWERS = {
    name: json.loads(Path(f"events/answers/{name}.json").read_text()) for name in COMMANDS.values()
}
EVIL = "**x** <@&1> @everyone [a](https://evil.example)\n```\u202e# y"


@pytest.mark.parametrize("name", ANSWERS)
def test_the_documentations_answer_has_words(name):
    message = message_of(name, ANSWERS[name])
    assert 0 < len(message["content"]) <= 2000
    assert message["flags"] == 64
    assert "None" not in message["content"]
    assert "{" not in message["content"]


def texts(value):
    """An answer with something evil in place of each text that members write."""
    free = {"title", "label", "reason", "fromName", "message", "username", "description"}
    if isinstance(value, dict):
        return {n: EVIL if n in free else texts(v) for n, v in value.items()}
    return [texts(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ANSWERS)
def test_no_text_of_a_members_marks_mentions_links_or_breaks_a_line(name):
    evil, harmless = message_of(name, texts(ANSWERS[name])), message_of(name, ANSWERS[name])
    if name == "get-logs":  # in a block, in which no mark means anything
        assert evil["content"].count("```") == 2
        return
    for sign in ("**x**", "<@&1>", "[a](", "\u202e"):
        assert sign not in evil["content"]
    more = evil["content"].count("\n") - harmless["content"].count("\n")
    assert more <= 1, "nobody makes a line of the own"
    assert evil["allowed_mentions"] == {"parse": []}


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=900), max_size=60
    )
)
def test_however_long_a_text_is_discord_takes_it(lines):
    message = message_of("start-instance", {"message": "x", "url": "\n".join(lines)})
    assert len(message["content"].encode("utf-16-le")) // 2 <= 2000


def test_a_line_is_shown_whole_or_not_at_all():
    address = "https://s3.example/" + "a" * 1500
    long = message_of("export-save", {"message": "Here it is", "url": address})
    assert address in long["content"]
    longer = message_of("export-save", {"message": "Here it is", "url": address + "a" * 600})
    assert longer["content"].splitlines() == [
        "Here it is.",
        "… and more; Discord takes no longer text.",
    ]


def test_only_names_that_are_no_words_become_commands():
    error = Conflict(
        "its status is created; the world opens",
        suggestion="Try start-instance, startTime or status.",
    )
    said = refusal_of(error, "1", "schedule-session")["content"]
    assert said == (
        "⚠️ its status is created; the world opens Try `/server start`, `when` or status."
    )


@pytest.mark.parametrize(
    "name", ["admin-audit", "get-all-costs", "license-pool-status", "list-all"]
)
def test_who_is_no_member_of_discords_is_named_and_not_mentioned(name):
    text = message_of(name, ANSWERS[name])["content"]
    assert "<@admin>" not in text


def test_what_an_administrator_needs_next_is_shown():
    donation = {"donationId": "abc", "amount": 3.0, "currency": "USD", "fromName": "Jo *x*"}
    costs = ANSWERS["get-all-costs"] | {"unassigned": [donation]}
    assert (
        r"Nobody's yet: `abc`, 3.0 USD of Jo \*x\*" in message_of("get-all-costs", costs)["content"]
    )
    audit = message_of("admin-audit", ANSWERS["admin-audit"])["content"]
    assert "tokenId 2f1c6a0e" in audit


def test_an_unfree_time_says_why_and_when():
    answer = {
        "success": True,
        "available": False,
        "reason": "You have another session at that time.",
    }
    said = message_of("check-availability", answer | {"nextStartTime": 1_800_000_000})["content"]
    assert said.splitlines()[0] == "You have another session at that time."
    assert "<t:1800000000:F>" in said


def test_plain_text_stays_readable():
    assert plain("Curse of the Crimson Throne, evening 12: it's 8-9 pm!") == (
        "Curse of the Crimson Throne, evening 12: it's 8-9 pm!"
    )
