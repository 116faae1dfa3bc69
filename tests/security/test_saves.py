"""What somebody could try against another member's saves."""

from __future__ import annotations

import itertools

import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from tests import proof, world
from tests.http.issuing import cognito, of_client, own
from tests.http.shapes import SHAPES, ask
from tests.world import sample

pytestmark = pytest.mark.slow

SECTION = "Attempts against the platform"
SIZES = ["small", pytest.param("full", marks=pytest.mark.prove)]
ADA, EVE = sample("create-instance")["userId"], "300000000000000003"
TOKENS = {
    "her own": lambda: own(EVE),
    "her own, of Cognito": lambda: cognito(EVE),
    "a client's": lambda: of_client("gateway"),
    "nobody's": lambda: None,
}
LEFT = "0123456789ab"  # of a server that she had before
KEYS = {"foundryLicense": "AAAA-BBBB-CCCC-DDDD-EEEE-0003", "foundryAdminKey": "a-key-of-eves"}


def bodies(save, repository):
    """What is asked for: of the save by its id, by what it may be taken for, and of all of them."""
    names = (save["saveId"], save["snapshot"], f"{repository}/{save['saveId']}", "save-0-0", "*")
    for name in names:
        for action in ("restore-save", "delete-save", "label-save", "export-save"):
            yield {"action": action, "saveId": name, "label": "mine", "locked": False}
        yield {"action": "restore-save", "saveId": name, "repository": repository}
    for name in (UPLOAD["importId"], f"{repository}/{UPLOAD['importId']}", "*"):
        yield {"action": "confirm-import", "importId": name, "repository": repository}
    yield {"action": "list-saves", "repository": repository}
    yield {"action": "restore-instance", "repository": repository, **KEYS}
    yield {"action": "restore-instance", "passwordOf": repository, **KEYS}
    for name in (LEFT, ADA, f"departed#{ADA}"):
        yield {"action": "list-saves", "repository": name, "departed": name}
        yield {"action": "restore-instance", "repository": name, "formerUserId": ADA, **KEYS}
        yield {"action": "admin-hand-over-saves", "targetUserId": name, "toUserId": EVE}


# Of hers, which waits for her word.
UPLOAD = {
    "importId": "3f6b1c0d9a72",
    "uploadId": "of-s3",
    "bytes": 1000,
    "until": 4102444800,
    "inspectedBy": "a-run",
}


def kept_of_her(repository):
    """A save of her server, and what is left of one that she had before, as they are stored."""
    save = {
        "repository": repository,
        "saveId": "save-1795291889-6f1e",
        "snapshot": "5e" * 32,
        "userId": ADA,
        "runId": "a-run",
        "kind": "after-stop",
        "at": 1795291889,
        "bytes": 1,
        "addedBytes": 1,
        "files": 1,
    }
    departed = {
        "repository": f"departed#{ADA}",
        "saveId": LEFT,
        "userId": ADA,
        "username": "Ada",
        "at": 1795291889,
        "until": 4102444800,
        "secretOf": LEFT,
        "newest": "de" * 32,
        "choices": {"foundryVersion": "13"},
    }
    return save, departed


def everything():
    return {table: world.items(table) for table in ("saves", "runs", "instances")}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("has_server", [True, False], ids=["a member", "without a server"])
def test_no_member_reaches_anothers_saves(http, invoke, ecs, size, has_server):
    """Nothing of hers is shown, and nothing changes, whoever is named as whose it is."""
    invoke(sample("create-instance", userId=ADA))
    if has_server:
        invoke(sample("create-instance", userId=EVE, username="Eve"))
    invoke("client-create", userId="admin", clientId="gateway", scopes=["invoke"], functions=["*"])
    instance = next(item for item in world.items("instances") if item["userId"] == ADA)
    world.put("instances", instance | {"upload": UPLOAD})
    hers = instance["instanceId"]
    kept = kept_of_her(hers)
    world.put("saves", *kept)
    before, tasks, attempts = everything(), ecs.tasks(), 0
    shapes = SHAPES.values() if size == "full" else [SHAPES["v2"]]
    for shape, token, named, body in itertools.product(
        shapes, TOKENS.values(), (ADA, EVE, "system"), bodies(kept[0], hers)
    ):
        answer = ask("POST", "/", {**body, "userId": named}, token=token(), shape=shape)
        attempts += 1
        assert answer.status in (200, 400, 401, 403, 404, 409), (body, answer)
        assert answer.status != 200 or b'"saves":[]' in answer.body.replace(b" ", b""), (
            body,
            answer,
        )
        assert kept[0]["runId"].encode() not in answer.body
    assert everything() == before
    assert ecs.tasks() == tasks
    proof.record(SECTION, f"another member's saves: {attempts:,} attempts, 0 successes", attempts)
