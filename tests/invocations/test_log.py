"""The log of invocations: what is in it, what is not, who reads it, and that it is in nobody's way."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from services.aws import client as made_client
from tests import world
from tests.http.issuing import of_client, own
from tests.http.shapes import ask
from tests.invocations.conftest import let_in
from tests.lambda_service import LAMBDA, Failed, Refusal
from tests.world import sample

pytestmark = pytest.mark.slow

# The log table of the contract (Logging), and what makes it a table of DynamoDB.
COLUMNS = {
    *("id", "function_name", "invocation_type", "payload", "alias", "version", "status_code"),
    *("response_payload", "function_error", "executed_version", "request_id", "success"),
    *("error_message", "invoked_at", "completed_at"),
}
KEYS = {"client_id", "day", "expiresAt"}
CALL = {"function_name": "my-function", "payload": '{"key": "value"}'}
DAY = 86400
NOON = 1795694400  # 2026-11-26T12:00:00Z


def asked(token, path="invoke", **more):
    return ask("POST", f"/api/v1/{path}", CALL | more, token=token)


def log(token, query=""):
    answer = ask("GET", "/api/v1/invocations", token=token, query=query)
    assert answer.status == 200, answer.json
    return answer.json


def raising(error):
    def act(*_):
        raise error

    return act


# --- what is in it


def test_a_record_has_the_contracts_columns(client, freezer):
    freezer.move_to("2026-11-26T12:00:00Z")
    LAMBDA.has("my-function", lambda event: (freezer.tick(2), {"got": event})[1], prod="3")
    answer = asked(of_client("my_client"), alias="prod", version="1").json
    (record,) = world.items("lambda_invocations")
    assert record == {
        "id": record["id"],
        "function_name": "my-function",
        "invocation_type": "RequestResponse",
        "payload": '{"key": "value"}',
        "alias": "prod",
        "version": "1",
        "status_code": 200,
        "response_payload": '{"got": {"key": "value"}}',
        "executed_version": "3",
        "request_id": answer["request_id"],
        "success": True,
        "invoked_at": NOON,
        "completed_at": NOON + 2,
        "client_id": "my_client",
        "day": "2026-11-26",
        "expiresAt": NOON + 30 * DAY,
    }
    assert record["id"].startswith(f"{NOON * 1000:014}:"), "in order"


def test_each_attempt_is_in_it_whatever_came_of_it(client):
    LAMBDA.has("my-failing", raising(Failed("no dice")))
    LAMBDA.has("my-busy", raising(Refusal("TooManyRequestsException", 429)))
    LAMBDA.has("my-slow", raising(ReadTimeoutError(endpoint_url="https://aws.example")))
    LAMBDA.has("my-broken", raising(RuntimeError("inside")))
    attempts = [
        (asked(client), 200),
        (asked(client, "invoke-async"), 202),
        (asked(client, invocation_type="DryRun"), 204),
        (asked(client, function_name="my-failing"), 500),
        (asked(client, function_name="my-busy"), 429),
        (asked(client, function_name="my-slow"), 504),
        (asked(client, function_name="my-broken"), None),
        (asked(client, function_name="my-nothing"), 404),
        (asked(client, function_name="your-function"), 403),
        (asked(client, function_name="no name"), 400),
        (asked(client, payload="{"), 400),
        (ask("POST", "/api/v1/batch", {"invocations": [CALL]}, token=client), 200),
    ]
    logged = log(client)["invocations"]
    assert [record.get("status_code") for record in logged] == [code for _, code in attempts][::-1]
    for record in logged:
        assert record["success"] is (record.get("status_code") in (200, 202, 204))
        assert record["success"] or record["error_message"]
        assert record.keys() <= COLUMNS | KEYS
        assert record["completed_at"] >= record["invoked_at"]


def test_an_invocation_under_way_is_in_it_already(client):
    seen = []

    def looks(_):
        time.sleep(0.3)
        seen.extend(world.items("lambda_invocations"))

    LAMBDA.has("my-function", looks)
    asked(client)
    assert [("success" in record, record["function_name"]) for record in seen] == [
        (False, "my-function")
    ]
    assert [record["success"] for record in world.items("lambda_invocations")] == [True]


def test_how_long_it_is_kept_is_a_setting(client, monkeypatch):
    monkeypatch.setenv("INVOCATION_DAYS", "3")
    world.new_process()
    asked(client)
    (record,) = world.items("lambda_invocations")
    assert record["expiresAt"] - record["invoked_at"] == 3 * DAY


# --- what is not in it

SECRET = "S3CR3T"
NAMES = [
    *("password", "Passwd", "pwd", "passphrase", "client_secret", "secretKey", "SECRET"),
    *("token", "access_token", "sessionToken", "jwt", "Authorization", "authorisation", "cookie"),
    *("Set-Cookie", "api_key", "apiKey", "x-api-key", "API KEY", "adminKey", "foundryAdminKey"),
    *("private_key", "signing-key", "encryptionKey", "credentials", "foundryLicense", "licence"),
    *("X-Amz-Signature", "aws_secret_access_key", "accessKeyId", "bearer"),
]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
hidden = st.builds(
    lambda name, value: {name: value},
    st.sampled_from(NAMES),
    st.sampled_from([SECRET, [SECRET], {"x": SECRET}, {SECRET: 1}, f'{{"x": "{SECRET}"}}']),
)
wrapped = st.recursive(
    hidden,
    lambda inner: st.one_of(
        st.builds(lambda x, y: [y, x], inner, plain),
        st.builds(lambda x, y: {"data": x, "more": y}, inner, plain),
        st.builds(json.dumps, inner),
        st.builds(lambda x: " \n" + json.dumps(x, indent=1), inner),
    ),
    max_leaves=3,
)


def test_no_secret_under_a_name_that_says_so_is_kept_however_deep_it_is(invoke, client):
    LAMBDA.has("my-function", lambda event: {"echo": event})

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(payload=wrapped)
    def kept(payload):
        text = json.dumps(payload)
        answer = invoke(
            "invoke-function", clientId="my_client", functionName="my-function", payload=text
        )
        assert answer["success"]
        assert SECRET in answer["payload"]
        (record,) = invoke("list-invocations", clientId="my_client", limit=1)["invocations"]
        assert record["request_id"] == answer["requestId"]
        assert SECRET not in json.dumps(record)
        assert "***" in record["payload"]

    kept()
    assert SECRET not in json.dumps(world.items("lambda_invocations"), default=str)


def test_what_is_no_secret_is_kept(client):
    given = {"key": "value", "keys": [1], "passenger": "ada", "author": "ben", "text": 'say "hi"'}
    asked(client, payload=json.dumps(given))
    (record,) = log(client)["invocations"]
    assert json.loads(record["payload"]) == given


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ("{", "(1 characters, not JSON)"),
        ("password=hunter2", "(16 characters, not JSON)"),
        (json.dumps("x" * 70_000), "(70,002 characters)"),
        ('["\\ud83d\\ude00"]', '["😀"]'),
        ('["\\ud800"]', '["?"]'),
        ("[" * 5000 + "]" * 5000, "(10,000 characters, not JSON)"),
    ],
    ids=lambda value: value[:20],
)
def test_of_what_cannot_be_looked_through_the_length_is_kept(client, payload, kept):
    asked(client, payload=payload)
    (record,) = log(client)["invocations"]
    assert record["payload"] == kept


def test_of_what_is_long_the_beginning_is_kept(client):
    LAMBDA.has("my-function", lambda event: event)
    asked(client, payload=json.dumps(["ä" * 9000]))
    (record,) = log(client)["invocations"]
    assert record["payload"] == record["response_payload"] == '["' + "ä" * 4094


# --- who reads it


def record(client_id, moment, number=0, **more):
    """A record of a moment, as it is stored."""
    return {
        "client_id": client_id,
        "id": f"{moment * 1000:014}:{number:012}",
        "day": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d"),
        "invoked_at": moment,
        "expiresAt": moment + 30 * DAY,
        "function_name": "my-function",
        "success": True,
        **more,
    }


@pytest.fixture
def history(invoke, freezer):
    """Two clients' invocations of five days, every two hours, one of each client; some fail."""
    freezer.move_to("2026-11-26T12:00:00Z")
    let_in(invoke, "one", ["read"], ["my-*"])
    let_in(invoke, "two", ["read"], ["my-*"])
    made = [
        record(
            name,
            NOON - 7200 * n,
            function_name=f"my-{'odd' if n % 2 else 'even'}",
            success=n % 3 > 0,
        )
        for n in range(60)
        for name in ("one", "two")
    ]
    world.put("lambda_invocations", *made)
    return made


def pages(token, query=""):
    """All records, page by page, and how many pages there were."""
    page = log(token, query)
    found, count = page["invocations"], 1
    while "next" in page:
        page = log(token, f"{query}&next={page['next']}")
        found += page["invocations"]
        count += 1
        assert count < 100
    return found, count


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_a_client_sees_its_own_the_latest_first_page_by_page(history, limit):
    found, _ = pages(of_client("one"), f"limit={limit}")
    assert {shown["client_id"] for shown in found} == {"one"}
    assert [shown["invoked_at"] for shown in found] == [NOON - 7200 * n for n in range(60)]


@pytest.mark.parametrize("limit", [7, 50, 200])
def test_an_administrator_sees_all_of_them_over_all_days(history, limit):
    found, _ = pages(own("admin"), f"limit={limit}")
    assert [shown["invoked_at"] for shown in found] == sorted(
        (made["invoked_at"] for made in history), reverse=True
    )
    assert len({shown["id"] + shown["client_id"] for shown in found}) == 120


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("function_name=my-odd", lambda made: made["function_name"] == "my-odd"),
        ("success=false", lambda made: not made["success"]),
        (
            "success=true&function_name=my-even",
            lambda made: made["success"] and made["function_name"] == "my-even",
        ),
        (f"since={NOON - DAY}", lambda made: made["invoked_at"] >= NOON - DAY),
        (f"until={NOON - DAY}", lambda made: made["invoked_at"] <= NOON - DAY),
        (
            f"since={NOON - 3 * DAY}&until={NOON - 2 * DAY}",
            lambda made: NOON - 3 * DAY <= made["invoked_at"] <= NOON - 2 * DAY,
        ),
        (f"since={NOON + 1}", lambda made: False),
        (f"since={NOON}&until={NOON - DAY}", lambda made: False),
        ("function_name=my-nothing", lambda made: False),
    ],
    ids=lambda value: value if isinstance(value, str) else "wanted",
)
@pytest.mark.parametrize("limit", [3, 200])
def test_what_is_asked_for_is_found_and_nothing_else(history, query, wanted, limit):
    for token, own_ones in ((own("admin"), history), (of_client("one"), history[::2])):
        found, _ = pages(token, f"limit={limit}&{query}")
        expected = [(made["client_id"], made["id"]) for made in own_ones if wanted(made)]
        assert sorted((shown["client_id"], shown["id"]) for shown in found) == sorted(expected)


def test_an_administrator_may_ask_for_a_clients_and_a_client_for_no_others(history):
    found, _ = pages(own("admin"), "client_id=two")
    assert {shown["client_id"] for shown in found} == {"two"}
    assert len(found) == 60
    found, _ = pages(of_client("one"), "client_id=two")
    assert {shown["client_id"] for shown in found} == {"one"}


def test_what_has_expired_is_not_shown_though_it_is_still_there(invoke, client, freezer):
    freezer.move_to("2026-11-26T12:00:00Z")
    world.put(
        "lambda_invocations",
        *(record("my_client", NOON - days * DAY) for days in (1, 29, 31, 40)),
    )
    token = of_client("my_client")
    ages = [(NOON - shown["invoked_at"]) // DAY for shown in pages(token)[0]]
    assert ages == [1, 29]
    ages = [(NOON - shown["invoked_at"]) // DAY for shown in pages(own("admin"))[0]]
    assert ages == [1, 29]


def forged(text, **changes):
    """A `next` with other members."""
    cursor = json.loads(base64.urlsafe_b64decode(text))
    for path, value in changes.items():
        outer, _, name = path.partition("__")
        if value is None:
            del cursor[outer][name]
        else:
            cursor[outer][name] = value
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"of__clientId": "two"},
        {"of__clientId": None},
        {"of__list": "AuditRequest"},
        {"of__success": True},
        {"after__part": "two"},
        {"after__part": None},
        {"after__client_id": "two"},
        {"after__id": "9"},
        {"after__id": "0"},
        {"after__id": ""},
        {"after__day": "2026-11-26"},
    ],
    ids=str,
)
def test_a_forged_next_leads_nowhere(history, changes):
    token = of_client("one")
    page = log(token, "limit=3")
    query = f"limit=3&next={forged(page['next'], **changes)}"
    answer = ask("GET", "/api/v1/invocations", token=token, query=query)
    assert (answer.status, "next" in answer.json["error"]) == (400, True)


def test_anothers_next_leads_nowhere(history):
    for owner, thief in (("one", of_client("two")), ("one", own("admin"))):
        found = log(of_client(owner), "limit=3")["next"]
        query = f"limit=3&next={found}"
        assert ask("GET", "/api/v1/invocations", token=thief, query=query).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "success=maybe",
        "since=-1",
        "since=x",
        "until=99999999999999999999",
        "next=x",
        "next=" + "A" * 5000,
        "client_id=a:b",
        "function_name=" + "x" * 300,
    ],
    ids=lambda query: query[:30],
)
def test_a_question_of_another_form_is_refused(history, query):
    for token in (of_client("one"), own("admin")):
        answer = ask("GET", "/api/v1/invocations", token=token, query=query)
        assert (answer.status, answer.json["success"]) == (400, False)


# --- it is in nobody's way


def unlogged(text):
    """How many invocations the metric says are not in the log."""
    lines = [json.loads(line) for line in text.splitlines()]
    return sum(line.get("InvocationsUnlogged", 0) for line in lines)


NOT_FOUND: ClientError = ClientError(
    {"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "BatchWriteItem"
)


@pytest.mark.parametrize(
    "error",
    [NOT_FOUND, ReadTimeoutError(endpoint_url="https://aws.example"), RuntimeError("inside")],
    ids=lambda error: type(error).__name__,
)
def test_a_log_that_cannot_be_written_fails_no_invocation_and_is_told_of(
    client, meanwhile, capsys, error
):
    LAMBDA.has("my-function", lambda event: event)
    with meanwhile("BatchWriteItem", raising(error)):
        assert asked(client).status == 200
    assert world.items("lambda_invocations") == []
    assert unlogged(capsys.readouterr().out) == 1
    assert asked(client).status == 200
    assert len(log(client)["invocations"]) == 1, "the next is logged again"


def test_a_log_that_hangs_holds_up_an_answer_for_half_a_second_at_most(client, meanwhile):
    asked(client)
    goes_on = threading.Event()
    with meanwhile("BatchWriteItem", lambda: goes_on.wait(20)):
        began = time.monotonic()
        answer = asked(client)
        took = time.monotonic() - began
    assert answer.status == 200
    assert 0.4 < took < 1.5
    goes_on.set()
    asked(client)
    assert len(log(client)["invocations"]) == 3, "what waited is written when it can be"


def test_what_dynamodb_has_no_room_for_is_tried_again_and_then_told_of(client, capsys):
    refused = []

    class Response:
        status_code = 200

    def busy(params, **_):
        refused.append(params)
        asked_for = json.loads(params["body"])["RequestItems"]
        return Response(), {"UnprocessedItems": asked_for, "ResponseMetadata": {}}

    events = made_client("dynamodb").meta.events
    events.register("before-call.dynamodb.BatchWriteItem", busy)
    try:
        assert asked(client).status == 200
        settle()
    finally:
        events.unregister("before-call.dynamodb.BatchWriteItem", busy)
    assert len(refused) == 3
    assert unlogged(capsys.readouterr().out) == 1


def settle():
    """Let the log be written; it may take a second."""
    time.sleep(1)


def test_a_hundred_invocations_are_a_few_writes(client):
    from tests.aws_calls import AWS

    AWS.begin()
    body = {"invocations": [CALL] * 100}
    assert ask("POST", "/api/v1/batch", body, token=client).status == 200
    AWS.end()
    writes = [call.name for call in AWS.calls].count("dynamodb.BatchWriteItem")
    assert 4 <= writes <= 16
    assert len(world.items("lambda_invocations")) == 100


def test_who_invokes_what_outside_the_gateway_is_not_in_it(invoke):
    invoke(sample("create-instance"))
    assert world.items("lambda_invocations") == []


@pytest.mark.parametrize("query", ["since=2000&until=1000", "since=4000000000", "until=0"])
def test_a_time_that_is_none_holds_nothing(client, query):
    answer = ask("GET", "/api/v1/invocations", query=query, token=client)
    assert (answer.status, answer.json["invocations"]) == (200, [])


def test_a_functions_words_hide_what_its_payload_hides(client):
    LAMBDA.has("my-function", raising(Failed(json.dumps({"password": "hunter2"}))))
    ask("POST", "/api/v1/invoke", {"function_name": "my-function", "payload": "{}"}, token=client)
    stored = ask("GET", "/api/v1/invocations", token=client).body.decode()
    assert "hunter2" not in stored
