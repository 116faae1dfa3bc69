"""What a member says of a function and is told, in the contract's words (EventFlow API Reference)."""

from __future__ import annotations

import pytest

from tests.functions.member import ALICE, ASKED, BOB
from tests.http.shapes import ask

pytestmark = pytest.mark.slow


def test_a_new_function_is_pending_and_shown_as_the_contract_has_it(http, freezer):
    freezer.move_to("2026-11-08T10:30:00Z")
    answer = ALICE.call("POST", body=ASKED)
    assert answer.status == 201
    assert answer.json == {
        "id": answer.json["id"],
        "user_id": "alice",
        "name": "my-function",
        "namespace": "tenant-alice",
        "image": "nginx:alpine",
        "replicas": 2,
        "command": ["nginx", "-g", "daemon off;"],
        "env": {"ENV": "production", "LOG_LEVEL": "info"},
        "cpu": 256,
        "memory": 512,
        "read_only": False,
        "status": "Pending",
        "available_replicas": 0,
        "created_at": "2026-11-08T10:30:00Z",
        "updated_at": "2026-11-08T10:30:00Z",
    }
    assert ALICE.get("my-function") == answer.json
    listed = {name: value for name, value in answer.json.items() if name not in ("command", "env")}
    assert ALICE.call("GET").json == [listed]


def test_a_deleted_functions_name_is_free_at_once(http):
    first = ALICE.create()
    ALICE.delete()
    assert ALICE.call("GET").json == []
    assert ALICE.call("DELETE", "/dice").status == 404
    assert ALICE.create()["id"] != first["id"]


def test_a_name_is_unique_among_a_members_functions_only(http):
    ALICE.create()
    refused = ALICE.call("POST", body={"name": "dice", "image": "nginx:alpine"})
    assert (refused.status, refused.json) == (
        409,
        {
            "error": "Conflict",
            "message": "function 'dice' already exists in namespace 'tenant-alice'",
        },
    )
    assert BOB.create()["namespace"] == "tenant-bob"


def test_who_has_no_token_is_told_in_the_contracts_words(http):
    answer = ask("GET", "/v1/functions")
    assert (answer.status, answer.json) == (
        401,
        {"error": "Unauthorized", "message": "missing authorization header"},
    )


@pytest.mark.parametrize("missing", ["name", "image"])
def test_what_is_required_is_named(http, missing):
    body = {key: value for key, value in ASKED.items() if key != missing}
    answer = ALICE.call("POST", body=body)
    assert (answer.status, answer.json) == (
        400,
        {"error": "Bad Request", "message": f"{missing} is required"},
    )


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_what_is_not_there_is_not_found_in_the_contracts_words(http, method):
    answer = ALICE.call(method, "/web-server", {"replicas": 1} if method == "PATCH" else None)
    assert (answer.status, answer.json) == (
        404,
        {"error": "Not Found", "message": "function 'web-server' not found"},
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Dice"}, "name is not valid. Use 1 to 40 lower case letters"),
        ({"name": "a" * 41}, "name is not valid."),
        ({"name": "-dice"}, "name is not valid."),
        ({"image": "nginx:alpine; rm -rf /"}, "image is not valid. Name an image such as"),
        ({"image": "https://ghcr.io/owner/image"}, "image is not valid."),
        ({"image": "Nginx"}, "image is not valid."),
        ({"replicas": 11}, "replicas is not valid."),
        ({"replicas": -1}, "replicas is not valid."),
        ({"replicas": "2"}, "replicas is not valid."),
        ({"replicas": True}, "replicas is not valid."),
        ({"command": "nginx -g"}, "command is not valid."),
        ({"env": {"A B": "x"}}, "env is not valid. 'A B' is no name of a variable"),
        ({"env": {"A": 1}}, "env.A is not valid."),
        ({"env": {"INPUT_JSON": "{}"}}, "env is not valid. INPUT_JSON is the platform's own"),
        ({"env": {f"A{i}": "x" * 4096 for i in range(5)}}, "env is not valid. All variables"),
        ({"env": {f"A{i}": "🎲" * 400 for i in range(5)}}, "env is not valid. All variables"),
        ({"command": ["x" * 4096] * 3}, "command is not valid. A command has at most 8,192"),
        ({"cpu": 300}, "There is no such size. cpu is one of 256, 512"),
        ({"memory": 513}, "There is no such size. With cpu 256, memory is one of 512, 1024, 2048"),
    ],
)
def test_what_is_wrong_is_named_with_a_way_out(http, changes, said):
    answer = ALICE.call("POST", body={**ASKED, **changes})
    assert answer.status == 400
    assert answer.json["message"].startswith(said)
    assert ALICE.call("GET").json == []


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:alpine",
        "library/nginx:1.27.3-alpine",
        "ghcr.io/owner/some_image:v1.0",
        "localhost:5000/image",
        "public.ecr.aws/docker/library/busybox:latest",
        f"busybox@sha256:{'0a' * 32}",
        f"ghcr.io/o/i:tag@sha256:{'0a' * 32}",
    ],
)
def test_images_are_named_as_docker_names_them(http, image):
    assert ALICE.create(image=image)["image"] == image


def test_images_may_have_to_come_from_some_registries(http, monkeypatch):
    monkeypatch.setenv("FUNCTION_REGISTRIES", "docker.io/library, ghcr.io/our-group")
    ALICE.create("a", image="nginx:alpine")
    ALICE.create("b", image="ghcr.io/our-group/dice:1")
    for image in ("owner/nginx", "ghcr.io/our-group-not/dice", "docker.io.example/library/nginx"):
        answer = ALICE.call("POST", body={"name": "c", "image": image})
        assert answer.status == 403
        assert (
            "images come from docker.io/library, ghcr.io/our-group only" in answer.json["message"]
        )


def test_a_platform_that_was_not_told_how_functions_reach_the_world_runs_none(http, monkeypatch):
    monkeypatch.setenv("FUNCTION_NETWORK", "none")
    answer = ALICE.call("POST", body=ASKED)
    assert answer.status == 403
    assert answer.json["message"].startswith("this platform runs no functions.")


def test_pages_are_of_the_size_that_is_asked_for_and_say_how_many_there_are(http, freezer):
    for number in range(5):
        ALICE.create(f"f{number}", replicas=0)
        freezer.tick(1)
    everything = [f["name"] for f in ALICE.call("GET").json]
    assert everything == ["f4", "f3", "f2", "f1", "f0"]
    second = ALICE.call("GET", query="page=2&limit=2")
    assert [f["name"] for f in second.json] == ["f2", "f1"]
    assert second.headers["x-total-count"] == "5"
    assert ALICE.call("GET", query="page=4&limit=2").json == []
    for wrong in ("page=0", "limit=0", "limit=101", "page=x", "limit=1e9"):
        answer = ALICE.call("GET", query=wrong)
        assert (answer.status, answer.json["error"]) == (400, "Bad Request")


def test_nobody_reaches_another_members_functions(http):
    ALICE.create()
    for method, path, body in (
        ("GET", "/dice", None),
        ("PATCH", "/dice", {"replicas": 5}),
        ("DELETE", "/dice", None),
        ("PATCH", "/dice", {"replicas": 5, "user_id": "alice", "userId": "alice"}),
    ):
        assert BOB.call(method, path, body).status == 404
    assert BOB.call("GET").json == []
    assert ALICE.get()["replicas"] == 1
    made = BOB.call("POST", body={**ASKED, "user_id": "alice", "userId": "alice"})
    assert made.json["user_id"] == "bob"


@pytest.mark.parametrize(
    "image",
    [
        "a..b",
        "a___b",
        "-a",
        "a-",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:b:c",
        "a@sha256:00",
        "a@md5:00",
        "-ghcr.io/a",
        "ghcr.io:x/a",
        "ghcr.io/",
        "a b",
        "ä",
        "a\n",
        ":tag",
        "@",
    ],
)
def test_what_docker_would_not_take_for_an_image_is_refused(http, image):
    answer = ALICE.call("POST", body={"name": "dice", "image": image})
    assert answer.status == 400
    assert answer.json["message"].startswith("image is not valid.")
