"""Notices reach the event bus and Discord, each once, whatever fails on the way."""

from __future__ import annotations

import pytest

from handler.app import RetryLater
from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE, Call
from tests.world import sample

NOTICE = sample("send-notification", noticeId="0123:about-to-stop")
PUT = Call("events.PutEvents", 0)


def arrives_when_repeated(invoke, freezer):
    """It fails, and Lambda repeats it two minutes later."""
    with pytest.raises(RetryLater):
        invoke(NOTICE)
    freezer.tick(120)
    assert invoke(NOTICE)["success"]


def test_a_notice_reaches_the_bus_and_discord(invoke, discord):
    AWS.begin()
    assert invoke(NOTICE)["success"]
    assert len(AWS.requests("events.PutEvents")) == 1
    (text,) = discord.texts
    assert NOTICE["message"] in text


def test_a_notice_rings_its_member_and_nobody_else(invoke, discord):
    loud = f"{NOTICE['message']} @everyone <@999999999999999999>"
    assert invoke(NOTICE | {"message": loud})["success"]
    (message,) = discord.posted
    assert message["content"].startswith(f"<@{NOTICE['about']}> ")
    assert message["allowed_mentions"] == {"parse": [], "users": [NOTICE["about"]]}


@pytest.mark.parametrize("about", [None, "ada"])
def test_a_notice_for_all_or_for_who_is_not_on_discord_rings_nobody(invoke, discord, about):
    assert invoke(NOTICE | {"about": about})["success"]
    (message,) = discord.posted
    assert message["content"] == NOTICE["message"]
    assert message["allowed_mentions"] == {"parse": [], "users": []}


def test_a_notice_that_comes_twice_is_told_once(invoke, discord):
    AWS.begin()
    for _ in range(2):
        assert invoke(NOTICE)["success"]
    assert len(discord.texts) == 1
    assert len(AWS.requests("events.PutEvents")) == 1


def test_what_was_posted_is_not_posted_again_when_the_bus_did_not_take_it(invoke, discord, freezer):
    AWS.begin((PUT, BEFORE))
    arrives_when_repeated(invoke, freezer)
    assert len(discord.texts) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_discord_does_not_take_now_is_posted_later(status, invoke, discord, freezer):
    AWS.begin()
    discord.fails_with = [status]
    arrives_when_repeated(invoke, freezer)
    assert len(discord.texts) == 1
    assert len(AWS.requests("events.PutEvents")) == 1


def test_while_a_notice_is_being_sent_it_is_not_sent_a_second_time(invoke, discord, meanwhile):
    def again():
        with pytest.raises(RetryLater):
            invoke(NOTICE)

    with meanwhile("PutEvents", again):
        assert invoke(NOTICE)["success"]
    assert len(discord.texts) == 1


def test_a_bus_whose_answer_is_lost_is_told_again_rather_than_never(invoke, freezer, aws):
    AWS.begin((PUT, AFTER))
    arrives_when_repeated(invoke, freezer)
    assert len(AWS.requests("events.PutEvents")) == 2


def test_the_address_of_the_channel_is_in_no_log(invoke, discord, capsys):
    discord.fails_with = [500]
    with pytest.raises(RetryLater):
        invoke(NOTICE)
    assert discord.url not in capsys.readouterr().out
    assert world.items("registry")
