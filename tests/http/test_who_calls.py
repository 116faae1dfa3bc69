"""Every route in every shape of event with every kind of token: one table of what is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from handler.http.application import SURFACES
from tests import world
from tests.http.issuing import cognito, of_client, own
from tests.http.shapes import (
    SHAPES,
    Asked,
    alb,
    alb_multi_value,
    ask,
    function_url,
    send,
    v1,
    v2,
)
from tests.kofi.webhooks import DONOR, forms, payload
from tests.world import POOL, POOL_CLIENT, sample

HOUR = 3600
# `gateway` has functions invoked that begin with "my-", `other` none of those; `helping` acts for members.
CLIENTS: dict[str, dict[str, Any]] = {
    "gateway": {"scopes": ["invoke", "read"], "functions": ["my-*"]},
    "other": {"scopes": ["invoke", "read"], "functions": ["your-*"]},
    "helping": {"scopes": ["user"]},
}
# ada has a server. bob is another member, admin an administrator. `helper` may act for others.
TOKENS: dict[str, Callable[[], str | None]] = {
    "none": lambda: None,
    "garbage": lambda: "garbage",
    "expired": lambda: cognito("ada", exp=int(time.time()) - HOUR),
    "own, expired": lambda: own("ada", exp=int(time.time()) - HOUR),
    "wrong audience": lambda: cognito("ada", aud="another-client"),
    "own, wrong audience": lambda: own("ada", aud="another-stack"),
    "other user": lambda: cognito("bob"),
    "right user": lambda: cognito("ada"),
    "own, right user": lambda: own("ada"),
    "admin": lambda: cognito("admin"),
    "helper": lambda: own("helper", scope="user"),
    "client, expired": lambda: of_client("gateway", exp=int(time.time()) - HOUR),
    "client, revoked": lambda: of_client("gone"),
    "client": lambda: of_client("gateway"),
    "client of other functions": lambda: of_client("other"),
    "client without the scope": lambda: of_client("helping"),
}
OPEN = (200,) * 16
BAD, NO_CLIENT = (401,) * 6, (401,) * 2
GUARDED = (*BAD, 200, 200, 200, 200, 200, *NO_CLIENT, 200, 200, 200)
OF_USERS = (*BAD, 200, 200, 200, 200, 200, *NO_CLIENT, 403, 403, 403)
FORM = b"data=%7B%7D"
STATUS = {"action": "status", "userId": "ada"}
ABOUT_ADA = (*BAD, 403, 200, 200, 403, 200, *NO_CLIENT, 403, 403, 200)
OWN = (*BAD, 404, 200, 200, 404, 404, *NO_CLIENT, 400, 400, 400)
LISTING = (*BAD, 403, 403, 403, 200, 403, *NO_CLIENT, 400, 400, 400)
REFUSED = (*BAD, 403, 403, 403, 403, 403, *NO_CLIENT, 403, 403, 403)
UNKNOWN = (*BAD, 400, 400, 400, 400, 400, *NO_CLIENT, 400, 400, 400)
INVOKING = (*BAD, 403, 403, 403, 200, 403, *NO_CLIENT, 200, 403, 403)
READING = (*BAD, 403, 403, 403, 200, 403, *NO_CLIENT, 200, 200, 403)
OF_GATEWAY = (*BAD, 403, 403, 403, 403, 403, *NO_CLIENT, 200, 403, 403)
NO_FUNCTION = (*BAD, *(404,) * 5, *NO_CLIENT, 403, 403, 403)
# none … wrong audience, bob, ada, ada, admin, helper, clients: two bad ones, gateway, other, helping
TABLE = {
    ("GET", "/", None): OPEN,
    ("GET", "/health", None): OPEN,
    ("GET", "/healthz", None): OPEN,
    ("GET", "/readyz", None): OPEN,
    ("GET", "/metrics", None): GUARDED,
    ("GET", "/api/a/b", None): OF_USERS,
    ("GET", "/status", None): OF_USERS,
    ("GET", "/users", None): OF_USERS,
    ("GET", "/products", None): OF_USERS,
    ("GET", "/orders", None): OF_USERS,
    ("GET", "/openapi.json", None): GUARDED,
    ("GET", "/docs", None): GUARDED,
    ("POST", "/chat", "message"): OF_USERS,
    ("POST", "/", "status of ada"): ABOUT_ADA,
    ("POST", "/v1/actions/status", "status of ada"): ABOUT_ADA,
    ("POST", "/", "own status"): OWN,
    ("POST", "/v1/actions/status", "own status"): OWN,
    ("POST", "/", "list-all"): LISTING,
    ("POST", "/v1/actions/list-all", "own status"): LISTING,
    ("POST", "/", "list-all as admin"): (*BAD, 403, 403, 403, 200, 403, *NO_CLIENT, 403, 403, 403),
    ("POST", "/", "tick"): REFUSED,
    ("POST", "/v1/actions/finish-stop", "tick"): REFUSED,
    ("POST", "/", "status of system"): REFUSED,
    ("POST", "/", "health"): GUARDED,
    ("POST", "/v1/actions/nonsense", "own status"): UNKNOWN,
    ("POST", "/api/v1/token", "nothing"): (400,) * 16,
    ("POST", "/api/v1/invoke", "invocation"): INVOKING,
    ("POST", "/v1/actions/invoke-function", "own invocation"): INVOKING,
    ("POST", "/", "invocation for another client"): OF_GATEWAY,
    ("POST", "/api/v1/invoke-async", "invocation"): INVOKING,
    ("POST", "/api/v1/batch", "batch"): READING,  # of other functions: each of its results is a 403
    ("GET", "/api/v1/functions", None): READING,
    ("GET", "/api/v1/functions/my-function", None): INVOKING,
    ("GET", "/api/v1/invocations", None): READING,
    ("GET", "/v1/functions", None): OF_USERS,
    ("GET", "/v1/functions/none", None): NO_FUNCTION,
    ("PATCH", "/v1/functions/none", "no replicas"): NO_FUNCTION,
    ("DELETE", "/v1/functions/none", None): NO_FUNCTION,
    ("POST", "/v1/functions/none:invoke", "nothing"): NO_FUNCTION,
    ("GET", "/v1/functions/none/invocations", None): NO_FUNCTION,
    ("GET", "/v1/functions/none/logs", None): NO_FUNCTION,
    ("GET", "/v1/logs", None): (*BAD, 404, 200, 200, 404, 404, *NO_CLIENT, 403, 403, 403),
    ("POST", "/v1/functions", "nothing"): (*BAD, *(400,) * 5, *NO_CLIENT, 403, 403, 403),
    ("POST", "/auth/token", "bob"): (*BAD, 403, 403, 403, 403, 200, *NO_CLIENT, 403, 403, 200),
    ("POST", "/auth/token", "admin"): (*BAD, *(403,) * 5, *NO_CLIENT, 403, 403, 403),
    ("GET", "/api/v1/nothing", None): (404,) * 16,
    ("GET", "/api/v1/invoke", None): (405,) * 16,
    ("POST", "/v1/webhooks", "nothing"): (*BAD, 400, 400, 400, 400, 400, *NO_CLIENT, 403, 403, 403),
    ("GET", "/v1/webhooks", None): OF_USERS,
    ("DELETE", "/v1/webhooks/none", None): (
        *(*BAD, 404, 404, 404, 404, 404),
        *(*NO_CLIENT, 403, 403, 403),
    ),
    ("GET", "/v1/webhooks/none", None): (405,) * 16,
    ("GET", "/v1/webhooks/none/more", None): (404,) * 16,
    ("GET", "/nothing", None): (404,) * 16,
    ("DELETE", "/", None): (405,) * 16,
    ("PUT", "/users", None): (405,) * 16,
}
INVOCATION = {"function_name": "my-function", "payload": "{}"}
OWN_INVOCATION = {"functionName": "my-function", "payload": "{}"}
BODIES = {
    None: None,
    "message": {"message": "What does it mean to be grappled?"},
    "status of ada": STATUS,
    "own status": {"action": "status"},
    "list-all": {"action": "list-all"},
    "list-all as admin": {"action": "list-all", "userId": "admin"},
    "tick": {"action": "auto-shutdown-check", "userId": "system"},
    "status of system": {"action": "status", "userId": "system"},
    "health": {"action": "readiness"},
    "nothing": {},
    "no replicas": {"replicas": 0},
    "bob": {"user_id": "bob"},
    "admin": {"user_id": "admin"},
    "invocation": INVOCATION,
    "own invocation": OWN_INVOCATION,
    "invocation for another client": OWN_INVOCATION
    | {"action": "invoke-function", "clientId": "gateway"},
    "batch": {"invocations": [INVOCATION]},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_each_route_answers_each_kind_of_token_as_the_table_says(http, invoke, bedrock, shape):
    invoke(sample("create-instance", userId="ada"))
    for client, may in CLIENTS.items():
        invoke("client-create", userId="admin", clientId=client, **may)
    issued = [make() for make in TOKENS.values()]
    found = {}
    for method, path, body in TABLE:
        answers = [ask(method, path, BODIES[body], token=token, shape=shape) for token in issued]
        found[method, path, body] = tuple(answer.status for answer in answers)
        for answer in answers:
            assert answer.headers["x-request-id"]
            if answer.status == 401:
                assert answer.headers["www-authenticate"].startswith("Bearer ")
                assert answer.json  # the words are each surface's own (test_surfaces.py)
    assert found == TABLE


# Proved by tests of its own: below, and in tests/discord.
BY_ITSELF = {("POST", "/webhooks/kofi"), ("POST", "/webhooks/discord")}


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.router.routes[0].name)
def test_of_every_route_the_table_says_who_may_call_it(surface):
    for route in surface.router.routes:
        tried = {m for m, path, _ in TABLE if route.path_regex.match(path)}
        tried |= {m for m, path in BY_ITSELF if route.path_regex.match(path)}
        missing = (route.methods or set()) - {"HEAD"} - tried
        assert not missing, f"say in TABLE who may call {sorted(missing)} {route.path}"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_kofis_form_post_needs_no_token_and_is_answered_as_the_action_does(http, invoke, shape):
    direct = invoke("kofi-webhook", body=FORM.decode())
    answer = ask("POST", "/webhooks/kofi", FORM, shape=shape)
    assert answer.json == direct
    assert answer.status in (200, 400, 403)
    assert (answer.status == 200) == direct["success"]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_kofis_real_form_post_counts_a_donation_once(http, invoke, shape):
    form = forms(payload(discord_userid=DONOR, from_name="Grâce & Co"))["a form"].encode()
    answers = [ask("POST", "/webhooks/kofi", form, shape=shape) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.json["donationProcessed"] for answer in answers] == [True, False]
    assert invoke("get-user-costs", userId=DONOR)["donations"] == 3.0


def test_a_relay_that_posts_json_is_read_like_kofis_form(http, invoke):
    answer = ask("POST", "/webhooks/kofi", {"data": payload()})
    assert (answer.status, answer.json["donationProcessed"]) == (200, True)


def test_whom_an_administrator_names_may_act_as_one_over_http_too(http, invoke):
    asked = {"action": "admin-overview"}
    assert ask("POST", "/", asked, token=own("ada")).status == 403
    grant = {"action": "admin-grant", "targetUserId": "ada", "reason": "She helps us"}
    assert ask("POST", "/", grant, token=own("admin")).status == 200
    assert ask("POST", "/", asked, token=own("ada")).status == 200
    for_another = asked | {"userId": "admin"}
    assert ask("POST", "/", for_another, token=own("bob", scope="user admin")).status == 403
    (entry,) = invoke("admin-audit", userId="admin")["entries"]
    assert (entry["userId"], entry["action"]) == ("admin", "admin-grant")


def test_the_audit_names_who_held_the_token_and_on_whose_behalf(http, invoke):
    invoke("admin-grant", userId="admin", targetUserId="eve")
    asked = {"action": "admin-grant", "userId": "admin", "targetUserId": "mallory"}
    assert ask("POST", "/", asked, token=own("eve", scope="admin")).status == 200
    own_name = asked | {"userId": "eve"}
    assert ask("POST", "/", own_name, token=own("eve", scope="admin")).status == 200
    latest, second, by_iam = invoke("admin-audit", userId="admin")["entries"]
    assert (second["userId"], second["onBehalfOf"]) == ("eve", "admin")
    assert (latest["userId"], latest.get("onBehalfOf")) == ("eve", None)
    assert (by_iam["userId"], by_iam.get("onBehalfOf")) == ("admin", None), "IAM's word is taken"


def claims(**changes):
    """What API Gateway hands on of an ID token of the pool."""
    now = int(time.time())
    claimed = {
        "cognito:username": "ada",
        "token_use": "id",
        "sub": "x",
        "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
        "aud": POOL_CLIENT,
        "iat": str(now),
        "exp": str(now + HOUR),
    } | changes
    return {name: value for name, value in claimed.items() if value is not None}


def as_rest_writes(seconds):
    """A time among the claims that a REST API hands on."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


def by_rest(event):
    """As a Cognito authorizer of a REST API writes what it found."""
    now = time.time()
    times = {"iat": as_rest_writes(now), "exp": as_rest_writes(now + HOUR)}
    event["requestContext"]["authorizer"] = {"claims": claims(**times)}


def by_http_api(event):
    """As a JWT authorizer of an HTTP API does."""
    event["requestContext"]["authorizer"] = {"jwt": {"claims": claims(), "scopes": None}}


def by_lambda(event):
    """As a Lambda authorizer could, with what it likes."""
    event["requestContext"]["authorizer"] = {"lambda": {"claims": claims()}, "claims": "ada"}


def by_somebody(event):
    """As no authorizer at all writes it."""
    event["requestContext"]["authorizer"] = "ada"


def by_header(event):
    """As a client would try it."""
    event["headers"] = {"x-amzn-oidc-identity": "ada", "x-user": "ada", "claims": "ada"}


def of_another_api(event):
    by_http_api(event)
    event["requestContext"]["apiId"] = "another1"


def of_no_api(event):
    by_rest(event)
    del event["requestContext"]["apiId"]


@pytest.mark.parametrize(
    ("name", "written", "status"),
    [
        ("api-gateway-v1", by_rest, 200),
        ("api-gateway-v2", by_http_api, 200),
        ("api-gateway-v1", by_lambda, 401),
        ("api-gateway-v2", by_lambda, 401),
        ("api-gateway-v1", by_somebody, 401),
        ("api-gateway-v2", by_somebody, 401),
        ("api-gateway-v2", by_header, 401),
        ("api-gateway-v1", of_another_api, 401),
        ("api-gateway-v2", of_another_api, 401),
        ("api-gateway-v1", of_no_api, 401),
        ("api-gateway-v2", of_no_api, 401),
        ("function-url", by_http_api, 401),
        ("function-url", by_rest, 401),
        ("alb", by_rest, 401),
        ("alb", by_http_api, 401),
        ("alb-multi-value", by_rest, 401),
    ],
)
def test_an_authorizer_is_believed_only_where_the_platforms_api_gateway_writes_it(
    http, name, written, status
):
    shapes: dict[str, Any] = {
        "api-gateway-v1": v1,
        "api-gateway-v2": v2,
        "function-url": function_url,
        "alb": alb,
        "alb-multi-value": alb_multi_value,
    }
    event = shapes[name](Asked("GET", "/status"))
    written(event)
    answer = send(event)
    assert answer.status == status
    if status == 200:
        assert answer.json["user"] == "ada"


def test_a_function_urls_id_among_the_trusted_ones_would_still_not_be_believed(
    http, aws, monkeypatch
):
    monkeypatch.setenv("GATEWAY_API_IDS", "abcdefg")
    world.new_process()
    event = function_url(Asked("GET", "/status"))
    by_http_api(event)
    assert send(event).status == 401


def test_the_contracts_own_sample_event_is_answered(http):
    """Backend Services, Testing Lambda Locally: made by hand, it came by IAM, not through any API."""
    answer = send(made_by_hand())
    assert (answer.status, answer.json["user"]) == (200, "testuser")


def made_by_hand(**context):
    """The contract's own sample event, with more in its context."""
    found = {"authorizer": {"claims": {"cognito:username": "testuser"}}}
    return {"httpMethod": "GET", "path": "/status", "requestContext": found | context}


@pytest.mark.parametrize(
    ("context", "status"),
    [
        ({"apiId": None}, 400),
        ({"apiId": ""}, 400),
        ({"apiId": "abc123"}, 401),
        ({"requestId": "c6af9ac6"}, 401),
        ({"stage": "live"}, 401),
    ],
    ids=str,
)
def test_what_looks_like_an_apis_event_is_not_taken_for_one_made_by_hand(http, context, status):
    assert send(made_by_hand(**context)).status == status


@pytest.mark.parametrize(
    "changes",
    [
        {"token_use": "access"},
        {"token_use": None},
        {"aud": "another-client"},
        {"aud": None},
        {"client_id": POOL_CLIENT, "aud": None, "token_use": "access"},
        {"iss": None},
        {"iss": 7},
        {"exp": None},
        {"exp": "1"},
        {"exp": "Thu Nov 26 03:50:29 UTC 2020"},
        {"exp": "tomorrow"},
        {"iat": "9999999999"},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Another"},
        {"cognito:username": "system"},
        {"cognito:username": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("authorizer", ["jwt", "rest"])
def test_an_authorizers_claims_that_are_not_of_an_id_token_of_the_pool_are_refused(
    http, changes, authorizer
):
    given = {"claims": claims(**changes)}
    event = v2(Asked("GET", "/status")) if authorizer == "jwt" else v1(Asked("GET", "/status"))
    event["requestContext"]["authorizer"] = {"jwt": given} if authorizer == "jwt" else given
    assert send(event).status == 401


def test_an_authorizers_groups_are_scopes_as_those_of_a_token_are(http, invoke):
    invoke(sample("create-instance", userId="ada"))
    body = b'{"action": "status", "userId": "ada"}'
    for groups, status in (("[user]", 200), ("[admin user]", 200), ("[admin]", 403), (None, 403)):
        event = v2(Asked("POST", "/", body=body))
        given = claims(**{"cognito:username": "helper", "cognito:groups": groups})
        event["requestContext"]["authorizer"] = {"jwt": {"claims": given}}
        assert send(event).status == status, groups
