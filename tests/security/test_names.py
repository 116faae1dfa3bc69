"""What members choose, userId and username, becomes no name and no tag that AWS would not take."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import proof, world
from tests.aws_calls import AWS
from tests.http.shapes import ask
from tests.lagging.spelling import SPELLED
from tests.world import client, sample

pytestmark = pytest.mark.slow

# ClientId's and UserId's patterns (actions/action.py), with strange characters more often than they would come.
CLIENTS = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.-]|[_.-]){0,63}\Z")
USERS = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.:@|-]|[_.:@|-]){0,63}\Z").filter(
    lambda user: user not in ("system", "admin")
)
NAMES = st.text(min_size=1, max_size=64) | st.sampled_from(
    [
        "|",
        "a|b",
        "../..",
        "$(id)",
        "Łukasz",
        "-" * 64,
        "aws:x",
        "x" * 64,
        "a.b.c",
        "xn--a",
        "\u202e",
    ]
)
SIZES = [12, pytest.param(300, marks=pytest.mark.prove)]


@pytest.mark.parametrize("size", SIZES)
def test_whatever_a_member_is_called_a_server_is_made_and_started(invoke, ecs, size):
    spelled = 0

    @settings(max_examples=size, deadline=None, suppress_health_check=list(HealthCheck))
    @given(user=USERS, name=NAMES)
    def made_and_started(user, name):
        nonlocal spelled
        AWS.begin()
        made = invoke(sample("create-instance", userId=user, username=name))
        started = invoke(sample("start-instance", userId=user))
        ecs.comes_up(ecs.only_task())
        AWS.end()
        spelled += sum(call.name in SPELLED for call in AWS.calls)
        assert made["success"], made
        assert started["success"], started
        ecs.ends(ecs.only_task())
        assert invoke(sample("destroy-instance", userId=user))["success"]
        ecs.ends(ecs.only_task())

    made_and_started()
    proof.record(
        "Attempts against the platform",
        f"names: {size:,} members of hostile names, {spelled:,} calls with names and tags: AWS takes all",
        size,
    )


def test_a_task_is_tagged_with_its_member(invoke):
    invoke(sample("create-instance", userId="a|b@c:d"))
    (item,) = world.items("instances")
    described = client("ecs").describe_task_definition(
        taskDefinition=item["taskDefinitionArn"], include=["TAGS"]
    )
    tags = {tag["key"]: tag["value"] for tag in described["tags"]}
    assert tags["userId"] == "a/b@c:d"


def test_whatever_a_client_is_called_it_proves_who_it_is_and_has_functions_invoked(invoke):
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(name=CLIENTS)
    def invokes(name):
        made = invoke(sample("client-create", userId="admin", clientId=name))
        proved = {"client_id": name, "client_secret": made["clientSecret"]}
        token = ask("POST", "/api/v1/token", proved).json["token"]
        call = {"function_name": "my-function", "payload": "{}"}
        assert ask("POST", "/api/v1/invoke", call, token=token).status == 200
        (logged,) = ask("GET", "/api/v1/invocations", token=token).json["invocations"]
        assert logged["client_id"] == name
        assert invoke("client-revoke", userId="admin", clientId=name)["success"]
        for record in world.items("lambda_invocations"):
            key = {"client_id": record["client_id"], "id": record["id"]}
            world._dynamodb().Table(world.table_of("lambda_invocations")).delete_item(Key=key)

    invokes()
