"""Lists page by page: nothing is shown twice or left out, and a page's `next` is good for that list only."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.aws import client
from services.dynamodb import Table
from tests import world
from tests.aws_calls import AWS
from tests.handler.test_recognising_events import json_values
from tests.kofi.webhooks import payload

pytestmark = pytest.mark.slow

NOW = 1795291200  # 2026-11-21T20:00:00Z
DAY = 86400


def session(number, user="ben", **more):
    """A session as it is stored; each four begin at the same time."""
    starts = NOW + number // 4 * DAY
    return {
        "sessionId": f"session-{number:04}",
        "userId": user,
        "startTime": starts,
        "endTime": starts + 7200,
        "duration": 120,
        "status": "completed",
        "licenseId": "license",
        "createdAt": NOW,
    } | more


def instance(number):
    names = {"userId": f"user-{number:04}", "username": f"Name {-number % 17}"}
    rest = {"host": "x", "status": "stopped", "foundryVersion": "13", "createdAt": NOW}
    return names | rest | {"statusSince": NOW, "licenseType": "byol", "instanceId": "i"}


def month(number):
    totals = {"seconds": 3600, "runs": 1, "cost": number % 7, "donated": 0}
    return {"account": f"user-{number:04}", "entry": "2026-11", "period": "2026-11", **totals}


def entry(number):
    period = "2026-11" if number % 2 else "2026-09"
    return {
        "month": period,
        "entry": f"{number:014}:id",
        "at": number,
        "userId": "admin",
        "action": "admin-grant",
        "outcome": "done",
    }


LISTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "get-scheduled-sessions": ({"userId": "ben"}, "sessions", "sessionId"),
    "admin-list-sessions": ({"userId": "admin"}, "sessions", "sessionId"),
    "admin-list-sessions of a member": (
        {"userId": "admin", "targetUserId": "ben", "from": NOW, "until": NOW + 400 * DAY},
        "sessions",
        "sessionId",
    ),
    "list-all": ({"userId": "admin"}, "instances", "userId"),
    "get-all-costs": ({"userId": "admin"}, "users", "userId"),
    "get-all-costs of a month": ({"userId": "admin", "month": "2026-11"}, "users", "userId"),
    "admin-audit": ({"userId": "admin"}, "entries", "at"),
}


@pytest.fixture(autouse=True)
def november(freezer):
    freezer.move_to("2026-11-21T20:00:00Z")


@pytest.fixture
def filled(aws):
    """Twenty-three of everything."""
    numbers = range(23)
    world.put("sessions", *map(session, numbers), session(90, "cleo"))
    world.put("instances", *map(instance, numbers))
    world.put("ledger", *map(month, numbers))
    world.put("audit", *map(entry, numbers))


def pages(invoke, action, fields, limit):
    """The answers page by page."""
    answer = invoke(action, **fields, limit=limit)
    yield answer
    while "next" in answer:
        answer = invoke(action, **fields, limit=limit, next=answer["next"])
        yield answer


@pytest.mark.parametrize("limit", [1, 4, 22, 23, 24, 50])
@pytest.mark.parametrize("name", LISTS)
def test_all_pages_together_are_the_list_and_no_page_is_empty(filled, invoke, name, limit):
    fields, rows, key = LISTS[name]
    action = name.split(" ")[0]
    whole = invoke(action, **fields)
    assert "next" not in whole
    found = [[row[key] for row in page[rows]] for page in pages(invoke, action, fields, limit)]
    assert sorted(key for page in found for key in page) == sorted(row[key] for row in whole[rows])
    assert len(whole[rows]) in (23, 24)
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1]


@pytest.mark.parametrize("name", ["get-scheduled-sessions", "admin-audit"])
def test_what_has_an_order_keeps_it_from_page_to_page(filled, invoke, name):
    fields, rows, _ = LISTS[name]
    paged = [row for page in pages(invoke, name, fields, 5) for row in page[rows]]
    assert paged == invoke(name, **fields)[rows]


def test_list_all_is_sorted_by_name_within_a_page_and_says_how_many_there_are(invoke, filled):
    world.put("ledger", {"account": "#counters", "entry": "00", "version": 1, "stopped": 23})
    for page in pages(invoke, "list-all", {"userId": "admin"}, 10):
        assert page["total"] == 23
        names = [row["username"].lower() for row in page["instances"]]
        assert names == sorted(names)


def test_each_page_of_the_costs_has_the_total_and_goes_on_in_the_month_it_began_with(
    filled, invoke, freezer
):
    for number in range(5):
        invoke("kofi-webhook", body=payload(number))
    whole = invoke("get-all-costs", userId="admin")
    freezer.move_to("2026-11-30T23:59:59Z")
    found = []
    for page in pages(invoke, "get-all-costs", {"userId": "admin"}, 2):
        assert (page["month"], page["total"]) == ("2026-11", whole["total"])
        found.append(page)
        freezer.tick(1)
    assert len(found) == 12
    for rows, key in (("users", "userId"), ("unassigned", "donationId")):
        shown = [row[key] for page in found for row in page[rows]]
        assert sorted(shown) == sorted(row[key] for row in whole[rows])


def test_an_answer_never_grows_beyond_what_lambda_can_send(invoke):
    long = {"title": "é" * 100, "description": "\u2028" * 2000}
    world.put("sessions", *(session(number, **long) for number in range(400)))
    found = list(pages(invoke, "get-scheduled-sessions", {"userId": "ben"}, 1000))
    assert len(found) > 1
    assert max(len(json.dumps(page)) for page in found) < 6_000_000 / 2
    assert sum(len(page["sessions"]) for page in found) == 400


def test_all_instances_come_at_once_however_much_is_stored_of_each(invoke):
    world.put("instances", *(instance(number) | {"reason": "x" * 5000} for number in range(400)))
    whole = invoke("list-all", userId="admin")
    assert "next" not in whole
    assert whole["total"] == len(whole["instances"]) == 400


# --- admin-list-sessions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [{}, {"targetUserId": "ben"}])
@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, range(23)),
        ({"from": NOW + DAY}, range(4, 23)),
        ({"until": NOW + DAY - 1}, range(4)),
        ({"from": NOW + DAY, "until": NOW + DAY}, range(4, 8)),
        ({"status": "running"}, [22]),
        ({"status": "completed", "from": NOW + 5 * DAY}, [20, 21]),
        ({"status": "cancelled"}, []),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_sessions_are_listed_by_member_time_and_status(invoke, of, filters, numbers, limit):
    world.put("sessions", *map(session, range(22)), session(22, status="running"))
    fields: dict[str, Any] = {"userId": "admin", **of, **filters}
    found = [
        s for page in pages(invoke, "admin-list-sessions", fields, limit) for s in page["sessions"]
    ]
    assert sorted(s["sessionId"] for s in found) == [f"session-{n:04}" for n in numbers]
    assert {s["userId"] for s in found} <= {"ben"}
    if of:
        starts = [s["startTime"] for s in found]
        assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("of", "reads"), [({"targetUserId": "ben"}, "dynamodb.Query"), ({}, "dynamodb.Scan")]
)
def test_a_members_sessions_are_not_searched_for_in_the_whole_table(filled, invoke, of, reads):
    AWS.begin()
    invoke("admin-list-sessions", userId="admin", limit=3, **of)
    AWS.end()
    assert [call.name for call in AWS.calls] == [reads]


def test_a_time_that_ends_before_it_begins_is_refused(invoke):
    refused = invoke("admin-list-sessions", userId="admin", **{"from": NOW, "until": NOW - 1})
    assert (refused["errorCode"], refused["details"]["field"]) == ("VALIDATION_ERROR", "until")


# --- next --------------------------------------------------------------------------------------------------


def refused(answer):
    assert answer["errorCode"] == "VALIDATION_ERROR", answer
    assert answer["details"]["field"] == "next"
    return True


def test_next_is_refused_by_another_list_another_member_and_another_filter(filled, invoke):
    bens = invoke("get-scheduled-sessions", userId="ben", limit=5)["next"]
    assert refused(invoke("get-scheduled-sessions", userId="cleo", limit=5, next=bens))
    assert refused(invoke("admin-list-sessions", userId="admin", next=bens))
    late: dict[str, Any] = {"userId": "admin", "targetUserId": "ben", "from": NOW}
    cursor = invoke("admin-list-sessions", **late, limit=5)["next"]
    assert refused(invoke("admin-list-sessions", **late, status="running", next=cursor))
    assert refused(invoke("admin-list-sessions", **late | {"targetUserId": "cleo"}, next=cursor))
    assert invoke("admin-list-sessions", **late, limit=7, next=cursor)["success"]


def test_a_forged_next_leads_to_nobody_elses_sessions(filled, invoke):
    cursor = json.loads(
        urlsafe_b64decode(invoke("get-scheduled-sessions", userId="ben", limit=5)["next"])
    )
    cursor["of"]["userId"] = "cleo"
    cursor["after"] = {"sessionId": "session-0000", "startTime": "1"}
    forged = urlsafe_b64encode(json.dumps(cursor).encode()).decode()
    found = invoke("get-scheduled-sessions", userId="cleo", next=forged)
    assert {s["sessionId"] for s in found["sessions"]} == {"session-0090"}, "cleo's own"


@pytest.mark.parametrize("name", LISTS)
def test_whatever_is_sent_as_next_is_refused_or_answered(filled, invoke, name):
    fields, rows, _ = LISTS[name]
    action = name.split(" ")[0]
    good = json.loads(urlsafe_b64decode(invoke(action, **fields, limit=2)["next"]))
    broken = st.one_of(
        json_values,
        st.fixed_dictionaries({"of": json_values, "after": json_values}),
        st.dictionaries(st.sampled_from(sorted(good["after"])), st.text(max_size=9)).map(
            lambda after: good | {"after": good["after"] | after}
        ),
        st.sets(st.sampled_from(sorted(good["after"])), min_size=1).map(
            lambda gone: good | {"after": {n: v for n, v in good["after"].items() if n not in gone}}
        ),
        st.just(good | {"after": good["after"] | {"more": "x"}}),
    )
    texts = broken.map(lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode())

    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.one_of(texts, st.text(min_size=1, max_size=20)))
    def sent(text):
        answer = invoke(action, **fields, next=text)
        assert rows in answer or refused(answer)

    sent()


def test_a_next_that_dynamodb_refuses_is_refused_and_no_failure_inside(filled, invoke):
    """As it does where the position is outside the query's bounds, which moto takes."""
    cursor = invoke("get-scheduled-sessions", userId="ben", limit=2)["next"]

    def outside(params, **_):
        if "ExclusiveStartKey" in json.loads(params["body"]):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "Query")

    events = client("dynamodb").meta.events
    events.register("before-call.dynamodb.Query", outside)
    try:
        assert refused(invoke("get-scheduled-sessions", userId="ben", next=cursor))
    finally:
        events.unregister("before-call.dynamodb.Query", outside)


@pytest.mark.parametrize("limit", [0, -1, 1001, "5", 1.5, True])
def test_a_page_has_bounds(invoke, limit):
    answer = invoke("get-scheduled-sessions", userId="ben", limit=limit)
    assert (answer["errorCode"], answer["details"]["field"]) == ("VALIDATION_ERROR", "limit")


def test_a_members_page_is_one_read_of_one_more_than_it_shows(filled):
    sessions = Table(world.table_of("sessions"), "sessionId")
    found, last = sessions.page(5, None, index="UserIndex", of=("userId", "ben"), sort="startTime")
    assert [item["sessionId"] for item in found] == [f"session-{n:04}" for n in range(5)]
    assert last == {"sessionId": "session-0004", "startTime": str(NOW + DAY)}
