"""Whoever asks without sending the page's own form wakes nothing, and has nothing written."""

from __future__ import annotations

from typing import Any

import pytest

from tests import proof, world
from tests.actions_that_read import writing
from tests.aws_calls import AWS
from tests.tables.crowds import crowd
from tests.tables.visiting import Page, visit
from tests.world import TABLES

pytestmark = pytest.mark.slow

SIZES = [("small", 400), pytest.param("full", 10_000, marks=pytest.mark.prove)]
FIT = {200, 303, 400, 403, 404, 405, 503}


def everything():
    """All that is kept."""
    return {table: world.items(table) for table in TABLES}


@pytest.mark.parametrize("who", ["code", "anyone", "nobody"])
@pytest.mark.parametrize(("size", "requests"), SIZES)
def test_scanners_previews_and_forgotten_tabs_wake_nothing(
    invoke, ecs, code, ada, who, size, requests
):
    nonce = Page.of(visit()).fields["nonce"]
    assert invoke("set-wake", userId=ada, who=who)["success"]
    before, said = everything(), set()
    AWS.begin()
    for asked in crowd(requests, len(who), nonce, code):
        answer = visit(
            asked.path, asked.method, query=asked.query, body=asked.body, headers=asked.headers
        )
        assert answer.status in FIT, (asked, answer)
        if answer.status == 503:
            assert answer.headers["retry-after"] == "60", asked
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        said.add(answer.status)
    written = writing(call.name for call in AWS.calls)
    AWS.end()
    assert written == []
    assert everything() == before
    assert ecs.tasks() == []
    assert {200, 303, 403, 405, 503} <= said, "the crowd itself"
    proof.record(
        "Tables",
        f"a table that {who} may wake, {requests:,} requests of scanners, previews and forgotten tabs:"
        " nothing wakes, nothing is written",
        requests,
    )


def test_what_shows_nobody_a_page_asks_nothing_of_aws(code):
    AWS.begin()
    polled: Any = {"query": "EIO=4&transport=polling", "headers": {"accept": "*/*"}}
    answers = [
        visit("/socket.io/", **polled),
        visit("/socket.io/", "POST", body=b"2", **polled),
        visit("/", "HEAD"),
        visit("/", "POST", body=b"{}"),
        visit("/favicon.ico", headers={"accept": "image/avif,image/webp,*/*"}),
    ]
    assert [call.name for call in AWS.calls] == []
    AWS.end()
    for answer in answers:
        assert answer.status == 503
        assert answer.headers["retry-after"] == "60"
        assert answer.headers["content-type"].startswith("text/plain")
