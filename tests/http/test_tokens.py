"""Which tokens are taken, and what happens when they cannot be checked."""

from __future__ import annotations

import base64
import hmac
import json
import time

import jwt
import pytest

from handler.token import main as issue
from tests import world
from tests.aws_calls import AWS
from tests.http.issuing import cognito, own, private_key
from tests.http.shapes import ask
from tests.world import POOL, POOL_CLIENT, TOKEN_KEY


def status(token):
    return ask("GET", "/status", token=token)


def unsigned(algorithm):
    """A token that says of itself that it needs no signature."""
    parts = ({"alg": algorithm, "typ": "JWT"}, {"sub": "ada", "aud": "foundry-test"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in encoded) + "."


def signed_with_the_public_key():
    """HS256 with what everybody may read: taken by whoever lets a token choose how its key is used."""
    head, payload, _ = own("ada").split(".")
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key("first").public_key()).encode()
    mac = hmac.digest(public, f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


REFUSED = {
    "signed by another key": lambda: cognito("ada", "second"),
    "own, signed by another key": lambda: own("ada", "x" * 40),
    "of another pool": lambda: cognito("ada", iss="https://cognito-idp.us-east-1.amazonaws.com/x"),
    "own, of another issuer": lambda: own("ada", iss="someone"),
    "an access token": lambda: cognito("ada", token_use="access"),
    "without a use": lambda: cognito("ada", token_use=None),
    "without an end": lambda: cognito("ada", exp=None),
    "own, without an end": lambda: own("ada", exp=None),
    "own, without an audience": lambda: own("ada", aud=None),
    "own, of the future": lambda: own("ada", iat=int(time.time()) + 600),
    "of nobody": lambda: cognito("ada", **{"cognito:username": None}),
    "own, of nobody": lambda: own("ada", sub=None),
    "own, of the schedules": lambda: own("system"),
    "of a user who could break out of a name": lambda: own("../ada"),
    "of a user with a line break at the end": lambda: own("ada\n"),
    "unsigned": lambda: unsigned("none"),
    "of an unknown algorithm": lambda: unsigned("HS512"),
    "signed with the pool's public key": signed_with_the_public_key,
    "very long": lambda: own("ada", padding="x" * 10_000),
    "empty": lambda: "",
    "no JSON": lambda: "e30.e30.e30",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_token_is_refused_that_is(http, kind):
    answer = status(REFUSED[kind]())
    assert answer.status == 401
    assert set(answer.json) == {"error", "message"}


ACCESS = {"token_use": "access", "client_id": POOL_CLIENT, "aud": None, "scope": "openid"}


def test_an_access_token_is_told_that_it_is_not_the_kind_that_is_taken(http):
    answer = status(cognito("ada", **ACCESS))
    assert (answer.status, answer.json["message"].split(".")[0]) == (401, "This is not an ID token")


def test_a_challenge_says_that_a_token_is_bad_only_where_there_was_one(http):
    """RFC 6750, 3.1."""
    for header in (None, "Basic YWRhOng=", "Bearer"):
        answer = ask("GET", "/status", authorization=header) if header else ask("GET", "/status")
        assert answer.headers["www-authenticate"] == 'Bearer realm="foundry"', header
    bad = status("garbage").headers["www-authenticate"]
    assert bad == 'Bearer realm="foundry", error="invalid_token"'


@pytest.mark.parametrize("header", ["Basic YWRhOng=", "Bearer", "Bearer  ", "ada", ""])
def test_a_header_that_holds_no_bearer_token_is_refused(http, header):
    assert ask("GET", "/status", authorization=header).status == 401


def test_the_discord_id_that_an_operator_entered_comes_before_the_username(http):
    token = cognito("ada", **{"custom:discord_id": "123456789012345678"})
    assert status(token).json["user"] == "123456789012345678"


def test_the_pools_groups_are_scopes(http, invoke):
    invoke(world.sample("create-instance", userId="ada"))
    body = {"action": "status", "userId": "ada"}
    helper = cognito("helper", **{"cognito:groups": ["user"]})
    admin = cognito("helper", **{"cognito:groups": ["admin"]})
    assert ask("POST", "/", body, token=helper).status == 200
    assert ask("POST", "/", body, token=admin).status == 403


def test_a_scope_makes_nobody_an_administrator(http):
    body = {"action": "list-all", "userId": "admin"}
    token = own("eve", scope="user admin public system")
    assert ask("POST", "/", body, token=token).status == 403


@pytest.mark.parametrize("scope", [["user", 7, {}, None], {"user": True}, 7, True])
def test_a_scope_that_is_no_text_is_ignored(http, invoke, scope):
    invoke(world.sample("create-instance", userId="ada"))
    body = {"action": "status", "userId": "ada"}
    assert ask("POST", "/", body, token=own("ada", scope=scope)).status == 200
    others = ask("POST", "/", body, token=own("helper", scope=scope)).status
    assert others == (200 if isinstance(scope, list) else 403)


def test_an_issued_token_is_its_users_for_its_time(http, capsys, monkeypatch, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    monkeypatch.setattr("sys.argv", ["token", "ada", "--hours", "2"])
    assert issue() == 0
    token = capsys.readouterr().out.strip()
    assert status(token).json["user"] == "ada"
    body = {"action": "status", "userId": "ben"}
    assert ask("POST", "/", body, token=token).status == 403, "no scope was asked for"
    freezer.tick(2 * 3600 + 60)
    assert status(token).status == 401


@pytest.fixture
def issued(capsys, monkeypatch):
    """A token that the platform issued, and its id."""

    def for_user(user, *more):
        monkeypatch.setattr("sys.argv", ["token", user, *more])
        assert issue() == 0
        printed = capsys.readouterr()
        return printed.out.strip(), printed.err.split()[-1]

    return for_user


def revoke(invoke, token_id, by="admin"):
    return invoke("admin-revoke-token", userId=by, tokenId=token_id)


def test_a_token_that_was_taken_back_is_refused_and_no_other_is(http, invoke, issued, freezer):
    (bad, its_id), (good, _) = issued("ada"), issued("ada")
    assert status(bad).status == status(good).status == 200
    assert revoke(invoke, its_id)["success"]
    assert revoke(invoke, its_id)["success"], "twice changes nothing"
    freezer.tick(10)
    refused = status(bad)
    assert (refused.status, status(good).status) == (401, 200)
    assert "revoked" in refused.json["message"]
    assert status(own("ada")).status == 200, "one of before there were ids"


def test_only_administrators_take_tokens_back(http, invoke, issued):
    token, its_id = issued("ada", "--scope", "admin")
    asked = {"action": "admin-revoke-token", "tokenId": its_id}
    assert ask("POST", "/", asked, token=token).status == 403
    assert revoke(invoke, its_id, by="ada")["errorCode"] == "PERMISSION_DENIED"
    assert status(token).status == 200


def test_what_was_taken_back_is_looked_up_once_in_ten_seconds(http, issued, freezer):
    token, _ = issued("ada")
    assert status(token).status == 200
    AWS.begin()
    for _ in range(10):
        assert status(token).status == 200
    assert AWS.calls == []
    freezer.tick(10)
    assert status(token).status == 200
    AWS.end()
    assert [call.name for call in AWS.calls] == ["dynamodb.GetItem"]


def test_what_was_taken_back_is_forgotten_when_any_token_has_expired(invoke, freezer):
    for year in range(2026, 2030):
        freezer.move_to(f"{year}-12-01T00:00:00Z")
        assert revoke(invoke, f"token-of-{year}")["success"]
    (kept,) = [item for item in world.items("registry") if item["name"] == "revoked-tokens"]
    assert [token["id"] for token in kept["tokens"]] == ["token-of-2029"]


def test_keys_are_fetched_once_and_anew_when_a_token_names_another(http, monkeypatch, freezer):
    # A pool of its own, whose keys nobody has asked for yet.
    pool = "us-east-1_Rotating"
    monkeypatch.setenv("COGNITO_USER_POOL_ID", pool)
    world.new_process()
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    fetched = http.fetched
    for _ in range(5):
        assert status(cognito("ada", iss=issuer)).status == 200
    assert http.fetched == fetched + 1
    http.keys = ["first", "second"]
    try:
        freezer.tick(31)
        assert status(cognito("ada", "second", iss=issuer)).status == 200
        assert http.fetched == fetched + 2
        for _ in range(10):  # key ids out of thin air fetch no more than the cool-down lets them
            assert status(cognito("ada", "third", iss=issuer)).status == 401
        assert http.fetched == fetched + 2
    finally:
        http.keys = ["first"]


def test_a_token_that_cannot_be_checked_in_time_is_not_called_bad(http, monkeypatch, freezer):
    pool = "us-east-1_Silent"
    monkeypatch.setenv("COGNITO_USER_POOL_ID", pool)
    world.new_process()
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    http.answers = False
    try:
        assert status(cognito("ada", iss=issuer)).status == 504
        fetched = http.fetched
        for _ in range(5):  # an address that has just failed is not waited for again
            assert status(cognito("ada", iss=issuer)).status == 504
        assert http.fetched == fetched
    finally:
        http.answers = True
    freezer.tick(11)
    assert status(cognito("ada", iss=issuer)).status == 200


def test_the_pool_comes_from_the_deployments_parameters_where_the_environment_names_none(
    http, monkeypatch
):
    for name, value in {
        "COGNITO_USER_POOL_ID": "",
        "COGNITO_CLIENT_ID": "",
        "DEPLOYMENT_ID": "d1",
        "PIPELINE_ID": "p1",
    }.items():
        monkeypatch.setenv(name, value)
    world.new_process()
    assert status(cognito("ada")).status == 401  # there are no such parameters yet
    ssm = world.client("ssm")
    ssm.put_parameter(Name="/d1/auth/user_pool_ref", Value=POOL, Type="String")
    client = "/d1/cdn/p1/auth_user_pool_client_id"
    ssm.put_parameter(Name=client, Value=POOL_CLIENT, Type="String")
    world.new_process()
    assert status(cognito("ada")).status == 200
    ssm.delete_parameter(Name=client)  # they are remembered
    assert status(cognito("ada")).status == 200


def test_while_the_key_is_changed_tokens_of_the_previous_one_are_taken(http, aws):
    kept = json.dumps({"key": "n" * 64, "previous": TOKEN_KEY})
    world.client("secretsmanager").put_secret_value(
        SecretId=aws["TOKEN_SECRET_ARN"], SecretString=kept
    )
    assert status(own("ada")).status == 200
    assert status(own("ada", "n" * 64)).status == 200
    assert status(own("ada", "o" * 64)).status == 401


def test_without_a_key_no_token_of_the_platforms_own_is_taken(http, monkeypatch):
    monkeypatch.setenv("TOKEN_SECRET_ARN", "")
    world.new_process()
    assert status(own("ada")).status == 401


def test_no_token_and_no_key_reaches_the_log_or_an_answer(http, capsys):
    token, refused = own("ada"), own("ada", exp=1)
    texts = [status(each).body.decode() for each in (token, refused, cognito("ada", "second"))]
    text = capsys.readouterr().out + "".join(texts)
    assert text
    for secret in (token, token.split(".")[2], refused.split(".")[2], TOKEN_KEY):
        assert secret not in text
