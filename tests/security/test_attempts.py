"""What somebody could try against the platform, again and again: docs/security.md has the table.

Each row counts its attempts, and how many got what they wanted, which must be none.
"""

from __future__ import annotations

import base64
import json
import random
import string
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from actions import ACTIONS, find
from actions.action import Scope
from tests import proof, world
from tests.http.issuing import HOUR, cognito, of_client, own, private_key
from tests.http.shapes import SHAPES, Asked, ask, send
from tests.kofi.webhooks import donations, payload
from tests.lambda_service import LAMBDA
from tests.tables.visiting import Page, submit, visit
from tests.world import DOMAIN, KOFI_TOKEN, POOL, STACK, sample

pytestmark = pytest.mark.slow

SIZES = ["small", pytest.param("full", marks=pytest.mark.prove)]
SAMPLES = [name for name in ACTIONS if name != "observe-task"]
OF_USERS = [name for name in SAMPLES if find(name).scope is Scope.USER]
OF_ADMINS = [name for name in SAMPLES if find(name).scope is Scope.ADMIN]
OF_CLIENTS = [name for name in SAMPLES if find(name).scope in (Scope.INVOKE, Scope.READ)]
OF_SYSTEM = [name for name in SAMPLES if find(name).scope is Scope.SYSTEM]
ADA = sample("create-instance")["userId"]
Tokens = dict[str, Callable[[], str | None]]


def shapes(size: str) -> dict[str, Any]:
    """The shapes of event in which each is tried: two of them, or all."""
    return SHAPES if size == "full" else {name: SHAPES[name] for name in ("v1", "v2")}


def record(what: str, attempts: int) -> None:
    """Note that so many attempts of one kind all failed."""
    line = f"{what}: {attempts:,} attempts, 0 successes"
    proof.record("Attempts against the platform", line, attempts)


def everything() -> dict[str, Any]:
    """All that the platform keeps, but for what is noted of refused orders."""
    return {table: world.items(table) for table in world.TABLES}


# `gateway` has functions invoked; `helper` acts for members; one is called as an administrator is.
CLIENTS = {"gateway": ["invoke", "read"], "helper": ["user"], "admin": ["invoke", "read"]}
CALL = {"function_name": "my-function", "payload": "{}"}


@pytest.fixture
def community(http, invoke, bedrock):
    """Ada has a server and shares a licence; nobody has anything else."""
    assert invoke(sample("create-instance"))["success"]
    for client, scopes in CLIENTS.items():
        may = {"clientId": client, "scopes": scopes, "functions": ["my-*"]}
        assert invoke(sample("client-create", userId="admin", **may))["success"]
    return everything()


# --- bad tokens


def unsigned(algorithm: str, **claims: Any) -> str:
    """A token that says of itself that it needs no signature, or one that nobody here makes."""
    own_claims = {"iss": "foundry-platform", "aud": STACK, "sub": ADA, "iat": 1, "exp": 9999999999}
    parts = ({"alg": algorithm, "typ": "JWT", "kid": "first"}, own_claims | claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in encoded) + "."


def with_a_key_of_its_own() -> str:
    """A token whose header brings the key, or the address of the key, that signed it."""
    claims = jwt.decode(cognito(ADA), options={"verify_signature": False})
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key("thief").public_key()))
    headers = {"kid": "first", "jwk": public, "jku": "https://evil.example/jwks.json"}
    return jwt.encode(claims, private_key("thief"), algorithm="RS256", headers=headers)


def changed(token: str, place: int) -> str:
    """A token with another character somewhere in its payload or signature."""
    at = token.index(".") + 1 + place % (len(token) - token.index(".") - 3)
    other = "A" if token[at] != "A" else "B"
    return token[:at] + other + token[at + 1 :] if token[at] != "." else token[:-6] + "AAAAAA"


FORGED: Tokens = {
    "none": lambda: None,
    "nonsense": lambda: "ada",
    "without a signature": lambda: unsigned("none"),
    "NoNe": lambda: unsigned("NoNe"),
    "HS512": lambda: unsigned("HS512"),
    "of Cognito, without a signature": lambda: unsigned(
        "none",
        iss=f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
        aud=world.POOL_CLIENT,
        token_use="id",
        **{"cognito:username": ADA},
    ),
    "signed by another key": lambda: cognito(ADA, "thief"),
    "with a key of its own": with_a_key_of_its_own,
    "own, signed by another key": lambda: own(ADA, "x" * 52),
    "own, signed with a key of blanks": lambda: own(ADA, " " * 40),
    "own, signed with what everybody may know": lambda: own(ADA, world.POOL_CLIENT * 2),
    "expired": lambda: cognito(ADA, exp=int(time.time()) - HOUR),
    "own, expired": lambda: own(ADA, exp=int(time.time()) - HOUR),
    "own, without an end": lambda: own(ADA, exp=None),
    "own, of the future": lambda: own(ADA, iat=int(time.time()) + HOUR),
    "own, not yet": lambda: own(ADA, nbf=int(time.time()) + HOUR),
    "of another client": lambda: cognito(ADA, aud="another-client"),
    "of another pool": lambda: cognito(
        ADA, iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"
    ),
    "an access token": lambda: cognito(ADA, token_use="access", client_id=world.POOL_CLIENT),
    "own, of another stack": lambda: own(ADA, aud="foundry-prod"),
    "own, of another issuer": lambda: own(ADA, iss="someone"),
    "own, of the schedules": lambda: own("system"),
    "own, of a name with a path": lambda: own("../" + ADA),
    "own, of a name with a line break": lambda: own(ADA + "\n"),
    "own, of a list": lambda: own(ADA, sub=[ADA]),
    "very long": lambda: own(ADA, padding="x" * 9000),
    "a client's, signed by another key": lambda: jwt.encode(
        jwt.decode(of_client("gateway"), options={"verify_signature": False}), "x" * 52
    ),
    "a client's, without a signature": lambda: unsigned(
        "none", aud=f"{STACK}/clients", sub="gateway", client_id="gateway"
    ),
    "a client's, expired": lambda: of_client("gateway", exp=int(time.time()) - HOUR),
    "a client's, of another stack": lambda: of_client("gateway", aud="foundry-prod/clients"),
    "a client's, of a former secret": lambda: of_client("gateway", generation="former"),
    "a client's, of no secret": lambda: of_client("gateway", generation=None),
    "a client's, of nobody": lambda: of_client("nobody"),
    "a client's, of a member": lambda: of_client(ADA),
}


@pytest.mark.parametrize("size", SIZES)
def test_no_forged_token_is_served(community, size):
    attempts = 0
    wanted = [("GET", "/status", None), ("POST", "/", {"action": "destroy-instance"})]
    wanted += [("GET", "/metrics", None), ("GET", "/openapi.json", None), ("GET", "/users", None)]
    wanted += [("POST", "/api/v1/invoke", CALL), ("GET", "/api/v1/invocations", None)]
    tokens = [make() for make in FORGED.values()]
    for place in range(0, 400, 4 if size == "full" else 100):
        good = (own(ADA), cognito(ADA), of_client("gateway"))
        tokens += [changed(token, place) for token in good]
    for shape in shapes(size).values():
        for method, path, body in wanted:
            for token in tokens:
                attempts += 1
                assert ask(method, path, body, token=token, shape=shape).status == 401, token
    assert everything() == community
    record("forged, changed, expired and foreign tokens", attempts)


# --- another's affairs

EVES: Tokens = {
    "of a member": lambda: cognito("eve"),
    "of a member, own": lambda: own("eve"),
    "of a member with the scope admin": lambda: own("eve", scope="admin"),
    "of a member with invented scopes": lambda: own("eve", scope="system public root *"),
    "of a member in other groups": lambda: cognito("eve", **{"cognito:groups": ["admin", "users"]}),
    "of a member whose name is nearly hers": lambda: own(ADA + "|"),
    "of a member who writes hers with a zero": lambda: own("0" + ADA),
    "of a member with a sub of hers": lambda: cognito("eve", sub=ADA),
}


def in_other_ways(name: str) -> list[dict[str, Any]]:
    """A request about Ada, as it is and as it could be smuggled in."""
    asked = sample(name) | {"userId": ADA}
    return [
        asked,
        asked | {"user_id": ADA},
        asked | {"ownerId": ADA, "scope": "user", "trusted": True},
    ]


@pytest.mark.parametrize("size", SIZES)
def test_nobody_acts_for_another(community, size):
    attempts = 0
    for shape in shapes(size).values():
        for name in OF_USERS:
            for make in EVES.values():
                token = make()
                for asked in in_other_ways(name):
                    for path in ("/", f"/v1/actions/{name}"):
                        attempts += 1
                        answer = ask("POST", path, asked, token=token, shape=shape)
                        assert answer.status == 403, (name, path, answer.body)
    assert everything() == community
    record("acting for another, every action of members", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_an_administrator_who_was_not_named_one(community, invoke, size):
    attempts = 0
    for shape in shapes(size).values():
        for name in OF_ADMINS:
            for make in EVES.values():
                token = make()
                for user in ("admin", "eve", ADA, None):
                    asked = {**sample(name), "userId": user} if user else sample(name)
                    if user is None:
                        del asked["userId"]
                    attempts += 1
                    answer = ask("POST", "/", asked, token=token, shape=shape)
                    assert answer.status == 403, (name, answer.body)
    for name in OF_ADMINS:
        for user in ("eve", ADA, "Admin", "admin|", "admin.", "administrator", "system"):
            attempts += 1
            assert invoke(sample(name, userId=user))["errorCode"] == "PERMISSION_DENIED"
    assert everything() == community
    record("an administrator's orders without being one", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_the_platform_itself_over_http(community, size):
    attempts = 0
    tokens = [*(make() for make in EVES.values()), own("admin", scope="user admin system")]
    for shape in shapes(size).values():
        for token in tokens:
            for name in OF_SYSTEM:
                for path in ("/", f"/v1/actions/{name}"):
                    attempts += 1
                    assert ask("POST", path, sample(name), token=token, shape=shape).status == 403
            for name in (*OF_USERS, *OF_ADMINS):
                attempts += 1
                asked = sample(name, userId="system")
                assert ask("POST", "/", asked, token=token, shape=shape).status == 403, name
    assert everything() == community
    record("being the platform itself over HTTP", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_an_event_of_http_is_never_one_of_another_kind(community, size):
    """A client chooses body, query and headers; some of its members could look like another event's."""
    attempts = 0
    smuggled = {
        "action": "admin-overview",
        "userId": "admin",
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "detail": {"lastStatus": "STOPPED"},
    }
    for shape in SHAPES.values():
        for method, path in (("GET", "/status"), ("POST", "/"), ("POST", "/v1/actions/list-all")):
            event = shape(Asked(method, path, body=json.dumps(smuggled).encode()))
            for more in ({}, smuggled, {"requestContext": event["requestContext"] | smuggled}):
                attempts += 1
                assert send(event | more).status == 401
    assert everything() == community
    record("an HTTP event that looks like another kind", attempts)


# --- clients


@pytest.mark.parametrize("size", SIZES)
def test_no_client_does_more_than_its_scopes_say(community, size):
    attempts = 0
    beyond = {
        "gateway": [*OF_USERS, *OF_ADMINS, *OF_SYSTEM],
        "helper": [*OF_CLIENTS, *OF_ADMINS, *OF_SYSTEM],
        "admin": [*OF_USERS, *OF_ADMINS, *OF_SYSTEM],
    }
    claimed = "invoke read user admin system"
    for shape in shapes(size).values():
        for client, names in beyond.items():
            for token in (of_client(client), of_client(client, scope=claimed)):
                for name in names:
                    for user in ("admin", ADA, "system", client):
                        asked = sample(name) | {"userId": user}
                        asked["userId"] = "system" if name in OF_SYSTEM else user
                        attempts += 1
                        answer = ask("POST", "/", asked, token=token, shape=shape)
                        assert answer.status == 403, (client, name, answer.body)
    assert everything() == community
    record("a client that does more than its scopes say", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_nobody_has_functions_invoked_who_may_not(community, size):
    attempts = 0
    members = [make() for make in EVES.values()]
    members += [own("gateway"), own("gateway", scope="invoke read", client_id="gateway")]
    reach: list[dict[str, Any]] = [{}, {"clientId": "gateway"}, {"client_id": "gateway"}]
    for shape in shapes(size).values():
        for token in members:
            for more in [*reach, {"userId": "admin"}]:
                for name in OF_CLIENTS:
                    attempts += 1
                    asked = {n: v for n, v in sample(name).items() if n != "userId"} | more
                    assert ask("POST", "/", asked, token=token, shape=shape).status == 403, name
                for path in ("invoke", "invoke-async"):
                    attempts += 1
                    answer = ask("POST", f"/api/v1/{path}", CALL | more, token=token, shape=shape)
                    assert answer.status == 403
        for name in ("your-function", "admin", f"my-{'x' * 62}", "my-function/../your-function"):
            attempts += 1
            asked = CALL | {"function_name": name}
            token = of_client("gateway")
            answer = ask("POST", "/api/v1/invoke", asked, token=token, shape=shape)
            assert answer.status in (400, 403)
    assert LAMBDA.invoked == []
    record("functions invoked by who may not", attempts)


@pytest.mark.parametrize(
    ("size", "guesses"), [("small", 40), pytest.param("full", 1000, marks=pytest.mark.prove)]
)
def test_no_guess_of_a_clients_secret_gets_a_token(community, size, guesses):
    chance = random.Random(1)  # noqa: S311 - which guesses, by seed
    letters = string.ascii_letters + "-_"
    (kept,) = (c for c in world.items("clients") if c["clientId"] == "gateway")
    near: list[Any] = [kept["secretHash"], kept["generation"], "gateway", " ", [], {}, 0, True]
    near += ["".join(chance.choices(letters, k=43)) for _ in range(guesses - len(near))]
    for number, guess in enumerate(near):
        asked = {"client_id": "gateway", "client_secret": guess}
        answer = ask("POST", "/api/v1/token", asked, x_forwarded_for=f"198.51.100.{number % 256}")
        assert answer.status in (400, 401, 429), guess
    record("guessing a client's secret", len(near))


# --- waking tables


def test_no_nonce_that_is_made_up_wakes_a_table(community, invoke, ecs):
    """With the right code, and from the right page."""
    nonce, code = a_page_and_the_code(invoke)
    until, own_part, signature = nonce.split(".")
    later = str(int(until) + 300)
    forged = [
        "",
        "..",
        f"{later}.{own_part}.{signature}",
        f"{until}.{own_part[::-1]}.{signature}",
        f"{until}.{own_part}.{signature[::-1]}",
        f"{until}.{own_part}.",
        f"{until}.{own_part}.{'A' * 43}",
        f"0{until}.{own_part}.{signature}",
        f" {nonce}",
        f"{nonce}\n",
        nonce.upper(),
        nonce[:-1],
        f"9999999999.{own_part}.{signature}",
        f"-1.{own_part}.{signature}",
        f"{until}.{own_part}.{signature}.{signature}",
        "\u0661" * 10 + f".{own_part}.{signature}",
    ]
    attempts = 0
    for made_up in forged:
        for answer in every_way_of_waking(made_up, code):
            attempts += 1
            assert 400 <= answer < 500, made_up
    assert ecs.tasks() == []
    assert everything() == community
    record("waking a table by a nonce that is made up", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_no_post_but_its_own_pages_wakes_a_table(community, invoke, ecs, freezer, size):
    many, attempts = range(200 if size == "full" else 5), 0

    def fails(attempt: Callable[[int], int], *statuses: int) -> None:
        nonlocal attempts
        for number in many:
            attempts += 1
            assert attempt(number) in statuses
            assert ecs.tasks() == []

    nonce, code = a_page_and_the_code(invoke)
    form = {"nonce": nonce, "code": code}
    for headers in FROM_ELSEWHERE:
        fails(posting(form, **headers), 403)
    for kind in ("application/json", "text/plain", "multipart/form-data"):
        fails(posting(form, content_type=kind), 400)
    fails(lambda n: visit("/_wake", query=urlencode(form), **from_(n)).status, 303)
    fails(lambda n: visit("/", "POST", body=urlencode(form).encode()).status, 503)
    invoke(sample("create-instance", userId="eve", username="Eve"))
    of_another, her_code = a_page_and_the_code(invoke, "eve")
    for wrong in (code, her_code):
        fails(posting({"nonce": of_another, "code": wrong}), 403)
    freezer.tick(600)
    fails(posting(form), 403)  # late
    nonce, code = a_page_and_the_code(invoke)
    used = {"nonce": nonce, "code": code}
    assert submit(used).status == 303
    (task,) = ecs.tasks()
    invoke("stop-instance", userId=ADA)
    ecs.ends(task)
    fails(posting(used), 403)  # again
    record("waking a table from elsewhere, late, again, or by another table's page", attempts)


@pytest.mark.parametrize(
    ("size", "posts"), [("small", 150), pytest.param("full", 2000, marks=pytest.mark.prove)]
)
def test_no_flood_of_posts_wakes_a_table(community, invoke, ecs, size, posts):
    """Each with a page of its own and a code that is near the right one, from ever other addresses."""
    chance = random.Random(1)  # noqa: S311 - which codes, by seed
    _, code = a_page_and_the_code(invoke)
    refused = []
    for number in range(posts):
        near = list(code)
        near[chance.choice([i for i, c in enumerate(near) if c != "-"])] = chance.choice("189!é_")
        nonce = Page.of(visit(**from_(number))).fields["nonce"]
        answer = submit({"nonce": nonce, "code": "".join(near)}, **from_(number))
        refused.append(answer.status)
    assert set(refused) == {403, 429}
    assert ecs.tasks() == []
    assert refused.count(403) <= 200, "in each quarter of an hour"
    record("waking a table by a flood of guesses", posts)


FROM_ELSEWHERE: list[dict[str, Any]] = [
    {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
    {"origin": f"https://eve.{DOMAIN}", "sec_fetch_site": "same-site"},
    {"origin": f"https://ada.{DOMAIN}.evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "none"},
]


def from_(number: int) -> dict[str, Any]:
    """The header of one of many addresses."""
    return {"x_forwarded_for": f"198.51.{number // 5 % 256}.{number // 1280}"}


def posting(form: dict[str, str], **headers: Any) -> Callable[[int], int]:
    """An attempt that posts a form, from one of many addresses; what status it is answered with."""
    return lambda number: submit(form, **headers, **from_(number)).status


def a_page_and_the_code(invoke: Any, user: str = ADA) -> tuple[str, str]:
    """The nonce of a table's page, and its code."""
    link = invoke("status", userId=user)["wakeUrl"]
    host = link.split("/")[2]
    return Page.of(visit(host=host)).fields["nonce"], link.partition("code=")[2]


def every_way_of_waking(nonce: str, code: str) -> list[int]:
    """The statuses of a wake by the page's form, by the actions of HTTP as a member, and as a client."""
    fields = {"host": f"ada.{DOMAIN}", "nonce": nonce, "code": code}
    tokens = (own("eve"), of_client("helper"))
    posts = [ask("POST", "/v1/actions/wake-table", fields, token=token) for token in tokens]
    posts += [ask("POST", "/", fields | {"action": "wake-table"}, token=token) for token in tokens]
    posts.append(submit({"nonce": nonce, "code": code}))
    return [post.status for post in posts]


# --- what an authorizer is said to have found


@pytest.mark.parametrize("size", SIZES)
def test_no_authorizer_is_believed_but_the_platforms_own(community, size):
    attempts = 0
    now = int(time.time())
    good = {
        "cognito:username": ADA,
        "token_use": "id",
        "sub": "x",
        "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
        "aud": world.POOL_CLIENT,
        "iat": str(now),
        "exp": str(now + HOUR),
    }
    bad: list[dict[str, Any]] = [{name: None} for name in good if name != "sub"]
    bad += [{"aud": "other"}, {"iss": "other"}, {"token_use": "access"}, {"exp": "1"}]
    bad += [{"aud": ["other"]}, {"exp": "never"}, {"exp": True}, {"cognito:username": "system"}]
    foreign: list[dict[str, Any]] = [
        {"apiId": None},
        {"apiId": ""},
        {"apiId": "evil123"},
        {"apiId": "ABC123"},
        {"apiId": "abc123 "},
    ]
    foreign += [
        {"domainName": "abc123.lambda-url.us-east-1.on.aws"},
        {"elb": {"targetGroupArn": "x"}},
    ]

    def tried(name: str, context: dict[str, Any], claims: dict[str, Any], wrap: str) -> int:
        event = SHAPES[name](Asked("GET", "/status"))
        given = {"claims": {n: v for n, v in claims.items() if v is not None}}
        event["requestContext"] |= {
            "authorizer": {"jwt": given} if wrap == "jwt" else given
        } | context
        return send(event).status

    for name in ("v1", "v2"):
        for wrap in ("jwt", "rest"):
            assert tried(name, {}, good, wrap) == 200, "the test itself"
            for changes in bad:
                attempts += 1
                assert tried(name, {}, good | changes, wrap) == 401, changes
            for context in foreign:
                attempts += 1
                assert 400 <= tried(name, context, good, wrap) < 500, context
    for name in ("function_url", "alb", "alb_multi_value"):
        for wrap in ("jwt", "rest"):
            attempts += 1
            assert tried(name, {}, good, wrap) == 401
    record("claims that no authorizer of the platform found", attempts)


# --- names, donations, bodies, notices


@pytest.mark.parametrize("size", SIZES)
def test_nobody_takes_a_host_name_that_is_anothers_or_the_operators(community, invoke, size):
    from actions.instances.naming import RESERVED

    zone = world.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    record_of = {"Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = {"Action": "CREATE", "ResourceRecordSet": record_of | {"Name": f"tickets.{DOMAIN}"}}
    world.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [change]}
    )
    taken = ["Ada", "ADA", "ada!", "ä d a".replace(" ", ""), "tickets", "Tickets"]
    names = [*taken, *sorted(RESERVED)[:: 1 if size == "full" else 25]]
    for number, name in enumerate(names):
        made = invoke(sample("create-instance", userId=f"eve{number}", username=name))
        host = made["instanceUrl"].removeprefix("https://").removesuffix(f".{DOMAIN}")
        assert host not in {"ada", "tickets"} | RESERVED, name
    owners = [item["userId"] for item in world.items("hosts") if item["host"] == f"ada.{DOMAIN}"]
    assert owners == [ADA]
    record("taking over a host name", len(names))


@pytest.mark.parametrize(
    ("size", "guesses"), [("small", 60), pytest.param("full", 1500, marks=pytest.mark.prove)]
)
def test_no_guess_of_kofis_token_counts_a_donation(community, invoke, size, guesses):
    chance = random.Random(1)  # noqa: S311 - which guesses, by seed
    near: list[Any] = [
        KOFI_TOKEN[:-1],
        KOFI_TOKEN + " x",
        KOFI_TOKEN.upper(),
        "",
        None,
        0,
        True,
        [],
        {},
        [KOFI_TOKEN],
    ]
    near += ["x" * 100_000, KOFI_TOKEN + "\x00", "é" * len(KOFI_TOKEN)]
    letters = string.ascii_lowercase + "-"
    near += [
        "".join(chance.choices(letters, k=len(KOFI_TOKEN))) for _ in range(guesses - len(near))
    ]
    for number, guess in enumerate(near):
        body = json.dumps(payload(number, verification_token=guess)).encode()
        answer = ask("POST", "/webhooks/kofi", body)
        assert answer.status in (400, 403), guess
    assert donations() == []
    record("guessing Ko-fi's token", len(near))


@pytest.mark.parametrize("size", SIZES)
def test_no_body_beyond_the_limit_is_taken(community, size):
    attempts = 0
    token = own("eve")
    bodies = [
        b"[" * 1_000_001,
        b'{"action": "status", "x": "' + b"x" * 1_000_000 + b'"}',
        b" " * 5_000_000,
    ]
    for shape in shapes(size).values():
        for path in ("/", "/v1/actions/status", "/chat", "/webhooks/kofi"):
            for body in bodies:
                attempts += 1
                assert ask("POST", path, body, token=token, shape=shape).status == 413
    record("bodies beyond a megabyte", attempts)


@pytest.mark.parametrize("size", SIZES)
def test_no_word_of_a_member_rings_anybody_else(community, invoke, discord, size):
    names = [
        "@everyone",
        "@here",
        "<@1>",
        "<@&2>",
        "<#3>",
        "@everyone <@123456789012345678>",
        "`@here`",
    ]
    users = ["100000000000000009", "eve|everyone", "here"]
    attempts = 0
    for name in names:
        for user in users:
            sent = len(discord.posted)
            order = sample("send-notification", about=user, message=name, noticeId=f"n{attempts}")
            assert invoke(order)["success"]
            attempts += 1
            (post,) = discord.posted[sent:]
            mentions = post["allowed_mentions"]
            assert mentions["parse"] == []
            assert set(mentions["users"]) <= {user}
    record("ringing others by a notice's words", attempts)
