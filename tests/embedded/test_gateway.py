"""Clients have real functions invoked: through the server, and through the deployed function under its role."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from local import demo, embedded, http, stack
from services.values import deserialize
from tests.embedded import invokable
from tests.embedded.at_once import at_once
from tests.embedded.conftest import free_port
from tests.embedded.deployed import Deployed
from tests.embedded.invokable import PREFIX, Function, Server, Way
from tests.http.shapes import Answer

pytestmark = pytest.mark.embedded

REQUEST_TIMEOUT = 3
ECHO, SLOW, FAILING = f"{PREFIX}echo", f"{PREFIX}slow", f"{PREFIX}failing"
LARGE, THROTTLED = f"{PREFIX}large-answer", f"{PREFIX}throttled"
OF_OTHERS = "others-echo"
LARGEST, LARGEST_ASYNCHRONOUS = 6 * 1024 * 1024, 1024 * 1024
TOO_LONG = json.dumps("x" * (LARGEST_ASYNCHRONOUS - 1))
_ids = itertools.count()


def a_payload() -> dict[str, Any]:
    """One that no other invocation has."""
    return {"id": f"run-{next(_ids)}", "said": "Grüße"}


@dataclass
class Client:
    """A client, by one of the ways."""

    way: Way
    client_id: str
    secret: str
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        asked = {"client_id": self.client_id, "client_secret": self.secret}
        answer = self.way.ask("POST", "/api/v1/token", asked)
        assert answer.status == 200, answer
        self.token = answer.json["token"]

    def invokes(self, function: str, payload: Any, **more: str) -> Answer:
        asked = {"function_name": function, "payload": payload, **more}
        return self.way.ask("POST", "/api/v1/invoke", asked, token=self.token)

    def gets(self, path: str, query: str = "") -> Any:
        answer = self.way.ask("GET", f"/api/v1/{path}", token=self.token, query=query)
        assert answer.status == 200, answer
        return answer.json


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with embedded.running(free_port(), auth=True) as aws:
        ours = {"InvokableFunctions": f"{PREFIX}*", "RequestTimeout": str(REQUEST_TIMEOUT)}
        deployed = Deployed.on(aws, **ours)
        invokable.deploy(aws)
        yield deployed


@pytest.fixture(scope="module")
def server(deployed: Deployed) -> Iterator[Server]:
    with http.running(deployed.aws, free_port()) as running:
        yield Server(running.url)


@pytest.fixture(scope="module", params=["server", "function"])
def way(request: pytest.FixtureRequest, server: Server, deployed: Deployed) -> Way:
    return server if request.param == "server" else Function(deployed.aws)


@pytest.fixture(scope="module")
def made(deployed: Deployed) -> Callable[..., Callable[[Way], Client]]:
    """Clients as an administrator makes them: by their scopes, each once."""
    secrets: dict[str, str] = {}

    def client_of(client_id: str, *scopes: str) -> Callable[[Way], Client]:
        if client_id not in secrets:
            answer = deployed.call(
                {
                    "action": "client-create",
                    "userId": demo.ADMIN,
                    "clientId": client_id,
                    "scopes": scopes,
                    "functions": [f"{PREFIX}*", stack.FUNCTION],
                }
            )
            assert answer["success"], answer
            secrets[client_id] = answer["clientSecret"]
        return lambda way: Client(way, client_id, secrets[client_id])

    return client_of


@pytest.fixture(scope="module")
def client(way: Way, made: Any) -> Client:
    one: Client = made("bot", "invoke", "read")(way)
    return one


def test_a_function_answers_what_it_was_sent(client: Client) -> None:
    for payload in (a_payload(), json.dumps(a_payload()), [1, "two", None], '"text"'):
        answer = client.invokes(ECHO, payload)
        assert (answer.status, answer.json["success"]) == (200, True), answer
        sent = json.loads(payload) if isinstance(payload, str) else payload
        assert json.loads(answer.json["payload"]) == sent
        assert answer.json["executed_version"] == "$LATEST"
        assert "ran" in answer.json["log_result"]
        assert answer.json["request_id"]


def test_an_alias_and_a_version_say_what_is_invoked(client: Client) -> None:
    for which in ({"alias": "prod"}, {"version": "1"}, {"alias": "prod", "version": "$LATEST"}):
        answer = client.invokes(ECHO, a_payload(), **which)
        assert (answer.status, answer.json["executed_version"]) == (200, "1"), answer
    assert client.invokes(f"{ECHO}:prod", a_payload()).json["executed_version"] == "1"
    for which in ({"alias": "nowhere"}, {"version": "7"}):
        answer = client.invokes(ECHO, a_payload(), **which)
        assert (answer.status, answer.json["success"]) == (404, False), answer


def test_a_function_that_fails_says_what_and_where(client: Client) -> None:
    answer = client.invokes(FAILING, a_payload())
    assert (answer.status, answer.json["success"]) == (500, False), answer
    assert answer.json["function_error"] == "Unhandled"
    assert answer.json["error"] == "there is no such table"
    assert json.loads(answer.json["payload"])["errorMessage"] == "there is no such table"
    assert "about to fail" in answer.json["log_result"]


def test_a_dry_run_only_looks_and_an_event_runs_once_nobody_waits_any_more(
    client: Client, deployed: Deployed
) -> None:
    looked, left, asynchronous = (a_payload() for _ in range(3))
    answer = client.invokes(ECHO, looked, invocation_type="DryRun")
    assert (answer.status, answer.json["status_code"]) == (200, 204), answer
    answer = client.invokes(ECHO, left, invocation_type="Event")
    assert (answer.status, answer.json["status_code"]) == (200, 202), answer
    asked = {"function_name": ECHO, "payload": asynchronous}
    answer = client.way.ask("POST", "/api/v1/invoke-async", asked, token=client.token)
    assert (answer.status, answer.json["status_code"]) == (200, 202), answer
    for payload in (left, asynchronous):
        assert invokable.until_it_ran(deployed.aws, ECHO, payload["id"]) == 1
    assert invokable.runs(deployed.aws, ECHO, looked["id"]) == 0


def test_a_function_that_may_run_no_more_is_429_and_what_may_not_be_had_403(
    client: Client,
) -> None:
    answer = client.invokes(THROTTLED, a_payload())
    assert (answer.status, answer.json["success"]) == (429, False), answer
    assert "TooManyRequestsException" in answer.json["error"]
    assert client.invokes(OF_OTHERS, a_payload()).status == 403
    assert client.invokes(f"{PREFIX}nowhere", a_payload()).status == 404


def test_a_batch_answers_in_order_whatever_becomes_of_each(client: Client) -> None:
    last = a_payload()
    asked: list[tuple[int, dict[str, Any]]] = [
        (200, {"function_name": ECHO, "payload": a_payload()}),
        (500, {"function_name": FAILING, "payload": a_payload()}),
        (429, {"function_name": THROTTLED, "payload": a_payload()}),
        (404, {"function_name": f"{PREFIX}nowhere", "payload": {}}),
        (403, {"function_name": OF_OTHERS, "payload": {}}),
        (202, {"function_name": ECHO, "payload": a_payload(), "invocation_type": "Event"}),
        (204, {"function_name": ECHO, "payload": {}, "invocation_type": "DryRun"}),
        (413, {"function_name": ECHO, "payload": TOO_LONG, "invocation_type": "Event"}),
        (200, {"function_name": ECHO, "payload": last, "alias": "prod"}),
    ]
    answer = client.way.ask(
        "POST", "/api/v1/batch", {"invocations": [each for _, each in asked]}, token=client.token
    )
    assert answer.status == 200, answer
    results = answer.json["results"]
    assert [result["status_code"] for result in results] == [status for status, _ in asked]
    assert [result["success"] for result in results] == [status < 300 for status, _ in asked]
    assert json.loads(results[-1]["payload"]) == last
    assert results[-1]["executed_version"] == "1"


def test_functions_are_listed_page_by_page_and_described_without_their_environment(
    client: Client,
) -> None:
    listed: list[dict[str, Any]] = []
    marker: str | None = ""
    while marker is not None:
        page = client.gets("functions", f"max_items=2&next_marker={marker}")
        assert len(page["functions"]) <= 2
        listed += page["functions"]
        marker = page["next_marker"]
    names = {function["function_name"] for function in listed}
    assert names == {ECHO, SLOW, FAILING, LARGE, THROTTLED, stack.FUNCTION}
    config = client.gets(f"functions/{ECHO}")["config"]
    assert config == next(each for each in listed if each["function_name"] == ECHO)
    assert (config["timeout"], config["description"]) == (30, f"Is {ECHO}")
    assert "of the function" not in json.dumps(listed)
    refused = client.way.ask("GET", f"/api/v1/functions/{OF_OTHERS}", token=client.token)
    assert refused.status == 403


def test_the_platforms_own_function_believes_a_client_no_more_than_its_scopes_say(
    way: Way, client: Client, made: Any
) -> None:
    acting: Client = made("acting-bot", "invoke", "user")(way)
    about_ada = {"action": "status", "userId": "ada"}

    def said(asking: Client, payload: dict[str, Any]) -> Any:
        answer = asking.invokes(stack.FUNCTION, payload)
        assert answer.status == 200, answer
        return json.loads(answer.json["payload"])

    assert said(client, about_ada)["errorCode"] == "PERMISSION_DENIED"
    assert said(acting, about_ada)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert said(acting, {"action": "license-pool-status"})["success"]
    for user, action in ((demo.ADMIN, "list-all"), ("system", "auto-shutdown-check")):
        answer = said(acting, {"action": action, "userId": user})
        assert answer["errorCode"] == "PERMISSION_DENIED", answer
    within = acting.invokes(stack.FUNCTION, {"action": "invoke-function", "functionName": ECHO})
    assert within.status == 403


def test_the_log_is_read_by_partiql_as_the_contract_reads_it_by_sql(
    client: Client, deployed: Deployed
) -> None:
    payloads = [{**a_payload(), "password": "hunter2"} for _ in range(3)]
    for function, payload in zip((ECHO, FAILING, OF_OTHERS), payloads, strict=True):
        client.invokes(function, payload)
    listed = until_listed(client, payloads[-1]["id"])
    assert [record["function_name"] for record in listed] == [OF_OTHERS, FAILING, ECHO]
    assert [record["status_code"] for record in listed] == [403, 500, 200]

    table, day = f"{stack.STACK}-lambda_invocations", f"{datetime.now(UTC):%Y-%m-%d}"
    read = deployed.aws.client("dynamodb").execute_statement(
        Statement=f'SELECT * FROM "{table}"."DayIndex" WHERE "day" = ? ORDER BY "id" DESC',  # noqa: S608 - ours
        Parameters=[{"S": day}],
    )["Items"]
    records = [{name: deserialize(value) for name, value in item.items()} for item in read]
    # The embedded AWS takes no notice of ORDER BY; with DynamoDB they are in order, and `Limit=3` is enough.
    latest = sorted(records, key=lambda record: record["id"], reverse=True)[:3]
    shown = [{n: v for n, v in r.items() if n not in ("day", "expiresAt")} for r in latest]
    assert shown == listed
    assert "hunter2" not in json.dumps(listed)


def until_listed(client: Client, run: str) -> list[dict[str, Any]]:
    """The three latest records, once the last says what came of it: the log is written beside the invocations."""
    for _ in range(50):
        listed: list[dict[str, Any]] = client.gets("invocations", "limit=3")["invocations"]
        if run in listed[0]["payload"] and "completed_at" in listed[0]:
            return listed
        time.sleep(0.1)
    raise AssertionError(listed)


def test_who_answers_too_late_is_504_and_was_invoked_once(
    server: Server, deployed: Deployed, made: Any
) -> None:
    clients = [made("bot", "invoke", "read")(way) for way in (server, Function(deployed.aws))]
    payloads = [a_payload() for _ in clients]
    calls = [partial(late, one, p) for one, p in zip(clients, payloads, strict=True)]
    for answer in at_once(calls):
        assert answer == {"status": 504, "success": False}
    for payload in payloads:
        assert invokable.until_it_ran(deployed.aws, SLOW, payload["id"]) == 1


def late(client: Client, payload: dict[str, Any]) -> dict[str, Any]:
    answer = client.invokes(SLOW, payload)
    return {"status": answer.status, "success": answer.json["success"]}


# What is longer reaches the deployed function on no way: an event of Lambda's is 6 MB at most.
def test_a_payload_of_6_mb_passes_through_the_server_and_what_is_longer_is_413(
    server: Server, made: Any
) -> None:
    client: Client = made("bot", "invoke", "read")(server)
    largest = json.dumps("x" * (LARGEST - 2))
    assert client.invokes(ECHO, largest).json["payload"] == largest
    too_large = client.invokes(ECHO, json.dumps("x" * (LARGEST - 1)))
    assert (too_large.status, too_large.json["success"]) == (413, False)


def test_an_event_of_1_mb_is_taken_and_what_is_longer_is_413(client: Client) -> None:
    largest = json.dumps("x" * (LARGEST_ASYNCHRONOUS - 2))
    taken = client.invokes(ECHO, largest, invocation_type="Event")
    assert (taken.status, taken.json["status_code"]) == (200, 202), taken
    assert client.invokes(ECHO, TOO_LONG, invocation_type="Event").status == 413


# Lambda refuses an answer of more than 6 MB, and the embedded AWS does not: tests/lambda_service.py does
# (tests/invocations).
def test_a_large_answer_comes_whole(client: Client) -> None:
    characters = 6_000_000  # the deployed function's own answer, all told, is one of Lambda's, too
    answer = client.invokes(LARGE, {"characters": characters})
    assert (answer.status, len(json.loads(answer.json["payload"]))) == (200, characters)


def test_nothing_was_refused_to_the_role(deployed: Deployed) -> None:
    """The last test: the log has all that the others did."""
    assert not [line for line in deployed.log.fresh() if "AccessDenied" in line]
