"""Programs with an id and a secret: how they are let in, prove who they are, and are shut out."""

from __future__ import annotations

import json

import jwt
import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from tests import world
from tests.aws_calls import AWS
from tests.http.issuing import of_client, own
from tests.http.shapes import Asked, alb, alb_multi_value, ask, function_url, send, v1, v2
from tests.invocations.conftest import let_in
from tests.lambda_service import LAMBDA
from tests.world import STACK, TOKEN_KEY, sample

pytestmark = pytest.mark.slow

CALL = {"function_name": "my-function", "payload": "{}"}
WRONG = "client_id or client_secret is not right."


def made(invoke, client_id="my_client", scopes=("invoke", "read"), functions=("my-*",)):
    """Make a client; returns its secret."""
    may = {"scopes": list(scopes), "functions": list(functions)}
    answer = invoke("client-create", userId="admin", clientId=client_id, **may)
    assert answer["success"], answer
    return answer["clientSecret"]


def proving(secret, client_id="my_client", shape=v2, path="/api/v1/token", **more):
    """What is answered to a client's id and secret."""
    body = {"client_id": client_id, "client_secret": secret}
    return ask("POST", path, body, shape=shape, **more)


def from_address(address, secret="wrong", client_id="my_client"):
    """The same, from an address."""
    body = json.dumps({"client_id": client_id, "client_secret": secret}).encode()
    event = v2(Asked("POST", "/api/v1/token", body=body))
    event["requestContext"]["http"]["sourceIp"] = address
    return send(event)


def can_invoke(token):
    return ask("POST", "/api/v1/invoke", CALL, token=token).status == 200


# --- secrets


def test_a_secret_is_in_one_answer_and_nowhere_else(invoke, capsys):
    first = made(invoke)
    token = proving(first).json["token"]
    assert can_invoke(token)
    second = invoke("client-rotate", userId="admin", clientId="my_client")["clientSecret"]
    proving(first)
    shown = [invoke(sample(name, userId="admin")) for name in ("client-list", "admin-audit")]
    shown += [ask("GET", "/api/v1/invocations", token=own("admin")).json]
    invoke("client-revoke", userId="admin", clientId="my_client")
    kept = [world.items(table) for table in world.TABLES]
    text = json.dumps([shown, kept], default=str) + capsys.readouterr().out
    assert "my_client" in text
    for secret in (first, second, token, token.rpartition(".")[2]):
        assert secret not in text
    assert len(first) == len(second) >= 43, "256 bits"


def test_of_a_secret_a_slow_hash_is_kept_that_is_each_clients_own(invoke, quick_hashes):
    secret = made(invoke)
    made(invoke, "another")
    one, other = world.items("clients")
    assert quick_hashes[0] == secret.encode(), "by scrypt"
    assert secret not in json.dumps(one, default=str)
    assert one["secretHash"] != other["secretHash"]
    assert one["generation"] != other["generation"]


def test_who_makes_changes_and_removes_clients_is_in_the_audit(invoke):
    made(invoke)
    for order in ("client-rotate", "client-revoke"):
        assert invoke(sample(order, userId="admin"))["success"]
    entries = invoke("admin-audit", userId="admin")["entries"]
    assert [(e["action"], e["userId"]) for e in entries] == [
        ("client-revoke", "admin"),
        ("client-rotate", "admin"),
        ("client-create", "admin"),
    ]
    assert entries[0]["details"] == {"clientId": "my_client"}


def test_clients_are_listed_page_by_page_without_secrets(invoke, quick_hashes):
    ids = {f"client-{n}" for n in range(5)}
    for client_id in ids:
        made(invoke, client_id)
    page = invoke("client-list", userId="admin", limit=2)
    found = page["clients"]
    while "next" in page:
        page = invoke("client-list", userId="admin", limit=2, next=page["next"])
        found += page["clients"]
    assert {client["clientId"] for client in found} == ids
    for client in found:
        shown = {"clientId", "scopes", "functions", "createdAt", "createdBy", "changedAt"}
        assert client.keys() == shown


def test_an_id_is_one_clients_alone(invoke):
    secret = made(invoke)
    again = invoke(sample("client-create", userId="admin", clientId="my_client"))
    assert again["errorCode"] == "RESOURCE_CONFLICT"
    assert proving(secret).status == 200, "the first is as it was"
    for order in ("client-rotate", "client-revoke"):
        nobody = invoke(sample(order, userId="admin", clientId="nobody"))
        assert nobody["errorCode"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clientId", ""),
        ("clientId", "a:b"),
        ("clientId", "a/b"),
        ("clientId", "../a"),
        ("clientId", "a\n"),
        ("clientId", "x" * 65),
        ("clientId", "ä"),
        ("scopes", []),
        ("scopes", ["admin"]),
        ("scopes", ["system"]),
        ("scopes", ["invoke", "invoke", "read", "user"]),
        ("functions", ["my-[a-z]"]),
        ("functions", ["my-function:prod"]),
        ("functions", ["arn:aws:lambda:us-east-1:123456789012:function:my-function"]),
        ("functions", ["my-*\n"]),
        ("functions", [""]),
        ("functions", ["my-*"] * 51),
    ],
)
def test_a_client_of_another_form_is_refused(invoke, field, value):
    answer = invoke(sample("client-create", userId="admin", **{field: value}))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"].startswith(field)
    assert world.items("clients") == []


# --- tokens


def test_a_token_is_for_an_hour_and_says_whose_it_is_and_for_what(invoke, freezer):
    said = proving(made(invoke))
    assert list(said.json) == ["token", "expires_in"]
    assert said.json["expires_in"] == 3600
    token = said.json["token"]
    claims = jwt.decode(token, TOKEN_KEY, algorithms=["HS256"], audience=f"{STACK}/clients")
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["client_id"], claims["scope"]) == ("my_client", "invoke read")
    freezer.tick(3599)
    assert can_invoke(token)
    freezer.tick(10)
    refused = ask("POST", "/api/v1/invoke", CALL, token=token)
    assert (refused.status, refused.json["error"]) == (401, "Token expired")


@pytest.mark.parametrize("order", ["client-rotate", "client-revoke"])
def test_tokens_of_a_former_secret_are_refused_within_ten_seconds(invoke, freezer, order):
    secret = made(invoke)
    token = proving(secret).json["token"]
    assert can_invoke(token), "this process knows the client now"
    invoke(sample(order, userId="admin"))
    assert proving(secret).status == 401, "the secret itself at once"
    freezer.tick(10)
    refused = ask("POST", "/api/v1/invoke", CALL, token=token)
    assert refused.status == 401
    assert refused.json["error"] == "Invalid token: The token has been revoked."
    assert len(LAMBDA.invoked) == 1


def test_another_process_refuses_them_at_once(invoke):
    token = proving(made(invoke)).json["token"]
    invoke(sample("client-revoke", userId="admin"))
    world.new_process()
    assert not can_invoke(token)


def test_who_takes_a_removed_clients_id_does_not_take_its_tokens(invoke, freezer):
    token = proving(made(invoke)).json["token"]
    invoke(sample("client-revoke", userId="admin"))
    made(invoke)
    assert not can_invoke(token)


def test_another_secret_is_as_good_as_the_first(invoke):
    made(invoke)
    second = invoke(sample("client-rotate", userId="admin"))["clientSecret"]
    assert can_invoke(proving(second).json["token"])


def test_what_a_client_may_is_asked_once_in_ten_seconds(invoke, freezer):
    token = proving(made(invoke)).json["token"]
    AWS.begin()
    for _ in range(5):
        assert can_invoke(token)
    AWS.end()
    assert [call.name for call in AWS.calls].count("dynamodb.GetItem") == 2, "and revoked tokens"


# --- guesses


def test_a_wrong_secret_and_an_id_that_there_is_not_are_answered_alike(invoke, quick_hashes):
    made(invoke)
    answers, calls, hashed = [], [], []
    for client_id in ("my_client", "nobody"):
        quick_hashes.clear()
        AWS.begin()
        answer = proving("wrong", client_id)
        AWS.end()
        answers.append((answer.status, answer.json, sorted(answer.headers)))
        calls.append([call.name for call in AWS.calls])
        hashed.append(len(quick_hashes))
    assert answers[0] == answers[1]
    assert calls[0] == calls[1], "the same work"
    assert hashed == [1, 1], "as slowly"
    status, said, _ = answers[0]
    assert status == 401
    assert said["error"].startswith(WRONG)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"client_id": "my_client"},
        {"client_secret": "x"},
        {"client_id": "", "client_secret": "x"},
        {"client_id": "my_client", "client_secret": None},
    ],
)
def test_without_id_or_secret_the_contract_says_what_is_missing(aws, body):
    answer = ask("POST", "/api/v1/token", body)
    assert (answer.status, answer.json["error"]) == (400, "Missing client_id or client_secret")


@pytest.mark.parametrize("value", [7, ["x"], {"a": 1}, "x" * 257, True])
def test_an_id_or_a_secret_of_another_form_is_refused_without_being_repeated(aws, value):
    answer = ask("POST", "/api/v1/token", {"client_id": "a", "client_secret": value})
    assert answer.status == 400
    assert "client_secret" in answer.json["error"]
    assert "xxx" not in answer.body.decode()
    assert ask("POST", "/api/v1/token", {"client_id": value, "client_secret": "x"}).status == 400


def test_so_many_guesses_from_an_address_are_all_whichever_client_they_are_of(invoke, quick_hashes):
    for guess in range(30):
        assert from_address("198.51.100.1", client_id=f"client-{guess}").status == 401
    one_more = from_address("198.51.100.1", client_id="one-more")
    assert one_more.status == 429
    assert 1 <= int(one_more.headers["retry-after"]) <= 900
    assert from_address("198.51.100.2").status == 401, "somebody elsewhere"


def test_fifty_guesses_at_a_client_are_all_from_wherever_they_come(invoke, quick_hashes, freezer):
    secret = made(invoke)
    for guess in range(100):
        assert from_address(f"198.51.100.{guess}").status == 401
    assert from_address("198.51.100.99").status == 429
    assert from_address("198.51.100.99", secret).status == 429, "not even the right one"
    freezer.tick(900)
    assert from_address("198.51.100.99", secret).status == 200


def test_who_knows_the_secret_may_prove_it_as_often_as_needed(invoke, quick_hashes):
    secret = made(invoke)
    for _ in range(60):
        assert proving(secret).status == 200


@pytest.mark.parametrize("path", ["/", "/v1/actions/client-token"])
@pytest.mark.parametrize("name", ["callerAddress", "caller_address"])
def test_no_address_in_a_payload_is_believed(invoke, quick_hashes, path, name):
    asked = {"action": "client-token", "clientId": "my_client", "clientSecret": "wrong"}
    statuses = [
        ask("POST", path, asked | {name: f"203.0.113.{n}"}, token=own("ada")).status
        for n in range(31)
    ]
    assert statuses == [401] * 30 + [429]


@pytest.mark.parametrize("shape", [alb, alb_multi_value, v1, v2, function_url])
def test_no_header_makes_somebody_come_from_elsewhere(invoke, quick_hashes, shape):
    """A load balancer adds whom it sees to what a caller says."""
    statuses = [
        proving("wrong", shape=shape, x_forwarded_for=f"203.0.113.{n}, 198.51.100.1").status
        for n in range(31)
    ]
    assert statuses == [401] * 30 + [429]


def test_a_long_chain_of_proxies_is_in_nobodys_way(invoke):
    chain = ", ".join(f"203.0.113.{n}" for n in range(40))
    assert proving(made(invoke), shape=alb, x_forwarded_for=chain).status == 200


def test_a_right_secret_counts_when_the_quarter_of_an_hour_ends_meanwhile(
    invoke, freezer, meanwhile
):
    freezer.move_to("2026-11-26T10:14:59Z")
    secret = made(invoke)
    with meanwhile("GetItem", lambda: freezer.tick(2)):
        assert proving(secret).status == 200


# --- a client is no user, and no user a client


@pytest.mark.parametrize("scopes", [["invoke", "read", "user"]], ids=str)
def test_a_client_whose_id_is_an_administrators_is_none(invoke, scopes):
    token = let_in(invoke, "admin", scopes, ["*"])
    for name in ("list-all", "admin-overview", "client-list"):
        assert ask("POST", "/", sample(name, userId="admin"), token=token).status == 403, name
    for name in ("client-create", "client-rotate", "admin-grant", "admin-revoke-token"):
        asked = sample(name, userId="admin", clientId="admin")
        assert ask("POST", "/", asked, token=token).status == 403, name
    assert len(world.items("clients")) == 1


def test_a_user_whose_name_is_a_clients_is_not_the_client(invoke, client):
    token = own("my_client")
    assert ask("POST", "/api/v1/invoke", CALL, token=token).status == 403
    assert (
        ask("POST", "/api/v1/invoke", CALL | {"client_id": "my_client"}, token=token).status == 403
    )
    for scope in ("invoke", "read", "invoke read user admin"):
        assert ask("POST", "/api/v1/invoke", CALL, token=own("ada", scope=scope)).status == 403
    assert LAMBDA.invoked == []


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": STACK}, 403),
        ({"aud": STACK, "client_id": "my_client", "scope": "invoke"}, 403),
        ({"aud": [STACK, f"{STACK}/clients"]}, 403),
        ({"aud": "another-stack/clients"}, 401),
        ({"aud": f"{STACK}/clients/"}, 401),
        ({"sub": "ada"}, 401),
        ({"sub": "ada", "client_id": "my_client"}, 401),
        ({"sub": ["my_client"]}, 401),
        ({"generation": None}, 401),
        ({"generation": "former"}, 401),
        ({"exp": None}, 401),
        ({"iss": "someone"}, 401),
    ],
    ids=str,
)
def test_a_token_that_is_only_nearly_a_clients_is_not(client, claims, status):
    token = of_client("my_client", **claims)
    assert ask("POST", "/api/v1/invoke", CALL, token=token).status == status
    assert LAMBDA.invoked == []


def test_a_token_is_good_for_what_its_client_may_now_whatever_it_says(invoke):
    let_in(invoke, "reader", ["read"], ["my-*"])
    token = of_client("reader", scope="invoke read user admin system")
    assert ask("POST", "/api/v1/invoke", CALL, token=token).status == 403
    assert ask("GET", "/api/v1/functions", token=token).status == 200


def test_one_client_does_not_act_for_another(invoke, client):
    other = let_in(invoke, "other", ["invoke", "read"], [])
    for path in ("/", "/v1/actions/invoke-function"):
        asked = sample("invoke-function", clientId="my_client")
        assert ask("POST", path, asked, token=other).status == 403
    body = CALL | {"client_id": "my_client", "user_id": "admin"}
    assert ask("POST", "/api/v1/invoke", body, token=other).status == 403
    assert LAMBDA.invoked == []


def test_a_client_with_the_scope_user_acts_for_members_and_for_nobody_else(invoke):
    invoke(sample("create-instance", userId="ada"))
    helping = let_in(invoke, "helping", ["user"])
    lacking = let_in(invoke, "lacking", ["invoke", "read"], ["*"])
    asked = {"action": "status", "userId": "ada"}
    assert ask("POST", "/", asked, token=helping).status == 200
    assert ask("POST", "/", asked, token=lacking).status == 403
    assert ask("POST", "/", asked | {"userId": "system"}, token=helping).status == 403
    for name in ("auto-shutdown-check", "prepare-sessions", "finish-stop", "observe-task"):
        own_sample = {"action": name} if name == "observe-task" else sample(name)
        assert ask("POST", "/", own_sample, token=helping).status == 403, name
    for name in ("list-all", "admin-overview", "admin-grant", "client-create"):
        assert ask("POST", "/", sample(name, userId="admin"), token=helping).status == 403, name


def test_who_got_another_secret_goes_on_with_it_at_once(invoke, freezer):
    """Though the process remembers the client of a moment ago."""
    secret = made(invoke)
    former = proving(secret).json["token"]
    assert ask("GET", "/api/v1/functions", token=former).status == 200
    anew = invoke("client-rotate", userId="admin", clientId="my_client")["clientSecret"]
    token = proving(anew).json["token"]
    assert ask("GET", "/api/v1/functions", token=token).status == 200
    freezer.tick(1)
    assert ask("GET", "/api/v1/functions", token=former).status == 401


def test_a_request_for_a_token_is_short(aws):
    long = {"client_id": "my_client", "client_secret": "x", "more": "x" * 10_000}
    assert ask("POST", "/api/v1/token", long).status == 413


def test_whoever_has_a_network_of_ipv6_has_no_more_attempts(invoke, quick_hashes):
    def status(number):
        asked = sample("http/api-gateway-v2", rawPath="/api/v1/token")
        asked["requestContext"]["http"] |= {
            "method": "POST",
            "path": "/api/v1/token",
            "sourceIp": f"2001:db8:1:2::{number:x}",
        }
        asked["body"] = json.dumps({"client_id": f"client-{number}", "client_secret": "wrong"})
        return send(asked).status

    assert [status(number) for number in range(31)] == [401] * 30 + [429]
