"""What somebody could try against another tenant's functions."""

from __future__ import annotations

import itertools

import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from tests import proof, world
from tests.functions.member import ALICE
from tests.http.issuing import cognito, of_client, own
from tests.http.shapes import SHAPES, ask

pytestmark = pytest.mark.slow

SECTION = "Attempts against the platform"
SIZES = ["small", pytest.param("full", marks=pytest.mark.prove)]
NAMES = (
    "dice",
    "../alice/dice",
    "dice%2f..",
    "fn:dice",
    "gone:dice",
    "tenant",
    "DICE",
    "dice ",
    "*",
)
ROUTES = (
    ("GET", "/v1/functions/{}", None),
    ("PATCH", "/v1/functions/{}", {"replicas": 5}),
    ("PATCH", "/v1/functions/{}", {"image": "evil", "user_id": "alice", "userId": "alice"}),
    ("DELETE", "/v1/functions/{}", None),
    ("POST", "/v1/functions/{}:invoke", {"input": {}, "userId": "alice"}),
    ("GET", "/v1/functions/{}/invocations", None),
    ("GET", "/v1/functions/{}/logs", None),
    ("POST", "/v1/actions/function-get", {"name": "{}", "userId": "alice"}),
    ("POST", "/v1/actions/function-update", {"name": "{}", "userId": "alice", "replicas": 5}),
    ("POST", "/v1/actions/function-delete", {"name": "{}", "userId": "alice"}),
    ("POST", "/v1/actions/function-invoke", {"name": "{}", "userId": "alice"}),
    ("POST", "/v1/actions/function-invocations", {"name": "{}", "userId": "alice"}),
    ("POST", "/v1/actions/function-logs", {"name": "{}", "userId": "alice"}),
    ("POST", "/", {"action": "function-list", "userId": "alice"}),
    ("POST", "/", {"action": "function-figures", "userId": "system"}),
)
TOKENS = {
    "another tenant's": lambda: own("bob"),
    "another tenant's, of Cognito": lambda: cognito("bob"),
    "of a name that begins alike": lambda: own("alic"),
    "of a name that goes on": lambda: own("alice-2d"),
    "a client's": lambda: of_client("gateway"),
    "nobody's": lambda: None,
}


def everything():
    return {table: world.items(table) for table in world.TABLES}


@pytest.mark.parametrize("size", SIZES)
def test_no_tenant_reaches_anothers_functions(http, fargate, invoke, size):
    """404 where it could be one's own, 403 where somebody else is named, 401 for nobody; and nothing changes."""
    invoke("client-create", userId="admin", clientId="gateway", scopes=["invoke"], functions=["*"])
    ALICE.create("dice", replicas=1, env={"TOKEN": "s3cret-of-alice"})
    fargate.settle()
    fargate.log(fargate.tasks()[0], "a line of alice's")
    before, tasks = everything(), fargate.tasks()
    shapes = SHAPES.values() if size == "full" else [SHAPES["v2"], SHAPES["alb"]]
    names = NAMES if size == "full" else NAMES[:4]
    attempts = 0
    for shape, name, token, (method, path, body) in itertools.product(
        shapes, names, TOKENS.values(), ROUTES
    ):
        asked = body and {n: v.format(name) if isinstance(v, str) else v for n, v in body.items()}
        answer = ask(method, path.format(name), asked, token=token(), shape=shape)
        attempts += 1
        assert answer.status in (400, 401, 403, 404, 405), (method, path, name, answer)
        assert b"s3cret" not in answer.body
        assert b"a line of alice" not in answer.body
    assert everything() == before
    assert fargate.tasks() == tasks
    proof.record(
        SECTION, f"another tenant's functions: {attempts:,} attempts, 0 successes", attempts
    )


def test_no_token_is_given_for_a_member_to_who_may_not_speak_for_members(http, invoke):
    invoke(
        "client-create",
        userId="admin",
        clientId="gateway",
        scopes=["invoke", "read"],
        functions=["*"],
    )
    invoke("client-create", userId="admin", clientId="helper", scopes=["user"])
    wrong = [own("bob"), cognito("bob"), cognito("admin"), of_client("gateway"), None, "x"]
    users = ["alice", "bob", "admin", "system", "", "../alice", None, ["alice"], {"": 1}]
    attempts = [(t, u) for t in wrong for u in users]
    # No scope makes anybody an administrator, or the platform itself.
    attempts += [(of_client("helper"), user) for user in ("admin", "system", "", None, ["alice"])]
    for token, user in attempts:
        answer = ask("POST", "/auth/token", {"user_id": user}, token=token)
        assert answer.status in (400, 401, 403), (token, user, answer)
        assert "token" not in answer.json
    assert ask("POST", "/auth/token", {"user_id": "alice"}, token=of_client("helper")).status == 200
    line = f"a token for somebody else: {len(attempts)} attempts, 0 successes"
    proof.record(SECTION, line, len(attempts))
