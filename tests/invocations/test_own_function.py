"""The platform's own function, invoked for a client: as that client over HTTP, and never as somebody trusted."""

from __future__ import annotations

import json

import pytest

from actions import ACTIONS
from tests.aws_calls import AWS
from tests.http.issuing import own
from tests.http.shapes import Asked, alb, ask, v1, v2
from tests.invocations.conftest import let_in
from tests.invocations.test_clients import CALL
from tests.lambda_service import LAMBDA, PLATFORM
from tests.world import ACCOUNT, sample

pytestmark = pytest.mark.slow

OWN = [name for name, module in ACTIONS.items() if module.startswith("actions.invocations.")]


@pytest.fixture
def gateway(invoke):
    """A client that may have everything invoked, and acts for nobody."""
    return let_in(invoke, "gateway", ["invoke", "read"], ["*"])


@pytest.fixture
def helping(invoke):
    """A client that also acts for members."""
    return let_in(invoke, "helping", ["invoke", "read", "user"], ["*"])


def platform(client, payload, **more):
    body = {"function_name": PLATFORM, "payload": payload, **more}
    return ask("POST", "/api/v1/invoke", body, token=client)


def inner(answer):
    """What the platform answered to the client within the invocation."""
    assert answer.status == 200, answer.json
    return json.loads(answer.json["payload"])


def test_it_is_invoked_as_it_is_deployed_with_a_token_for_five_minutes(gateway):
    assert inner(platform(gateway, '{"action": "readiness"}'))["ready"]
    ((name, qualifier, _, event),) = LAMBDA.invoked
    assert (name, qualifier) == (PLATFORM, "live")
    sent = json.loads(event)
    assert sent["requestContext"]["http"]["method"] == "POST"
    assert sent["headers"]["authorization"].startswith("Bearer ")
    assert "authorizer" not in sent["requestContext"]


@pytest.mark.parametrize(
    "more", [{"alias": "live"}, {"function_name": f"{PLATFORM}:live"}], ids=str
)
def test_its_alias_may_be_named(gateway, more):
    assert platform(gateway, {"action": "readiness"}, **more).status == 200
    whole = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{PLATFORM}:live"
    assert platform(gateway, {"action": "readiness"}, function_name=whole).status == 200
    assert {qualifier for _, qualifier, *_ in LAMBDA.invoked} == {"live"}


@pytest.mark.parametrize("which", [{"version": "1"}, {"version": "$LATEST"}, {"alias": "other"}])
def test_no_other_version_of_it_is(gateway, which):
    assert platform(gateway, {"action": "readiness"}, **which).status == 403
    assert LAMBDA.invoked == []


def test_a_client_acts_for_members_only_with_the_scope(invoke, gateway, helping):
    invoke(sample("create-instance", userId="ada"))
    asked = {"action": "status", "userId": "ada"}
    assert inner(platform(helping, asked))["status"] == "created"
    refused = inner(platform(gateway, asked))
    assert (refused["success"], refused["errorCode"]) == (False, "PERMISSION_DENIED")


def by_hand(asked):
    """An event as somebody makes it whom IAM lets invoke the function: believed in whom it names."""
    return {
        "httpMethod": "POST",
        "path": "/",
        "body": json.dumps(asked),
        "requestContext": {"authorizer": {"claims": {"cognito:username": "admin"}}},
    }


ORDER = {"action": "list-all", "userId": "admin"}
BODY = json.dumps(ORDER).encode()
DISGUISED = {
    "an order": ORDER,
    "a schedule's": {"action": "auto-shutdown-check", "userId": "system"},
    "the platform's own": sample("finish-stop"),
    "of the schedules' user": {"action": "status", "userId": "system"},
    "ECS's": sample("ecs-task-stopped"),
    "ECS's, with an action": sample("ecs-task-stopped") | {"action": "observe-task"},
    "HTTP by hand": by_hand(ORDER),
    "HTTP by hand, with an action": by_hand(ORDER) | ORDER,
    "HTTP, REST": v1(Asked("POST", "/", body=BODY)) | ORDER,
    "HTTP, version 2": v2(Asked("POST", "/", body=BODY)) | ORDER,
    "HTTP, a load balancer's": alb(Asked("POST", "/", body=BODY)) | ORDER,
    "nothing": {},
    "no action": {"action": None},
    "a trusted one": ORDER | {"trusted": True, "clientId": None},
    "of a client": {"action": "list-all", "userId": "admin", "clientId": "admin"},
}


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
@pytest.mark.parametrize("who", ["gateway", "helping"])
@pytest.mark.parametrize("disguise", DISGUISED)
def test_no_payload_is_taken_for_an_event_of_another_kind(request, invoke, disguise, who, kind):
    token = request.getfixturevalue(who)
    invoke(sample("create-instance", userId="ada"))
    payload = json.dumps(DISGUISED[disguise])
    answer = platform(token, payload, invocation_type=kind)
    if kind == "RequestResponse":
        said = inner(answer)
    else:
        assert answer.json["status_code"] == 202
        said = json.loads(invoke(AWS.queue.pop())["body"])  # as Lambda delivers it
    assert said["success"] is False
    assert said["errorCode"] in ("PERMISSION_DENIED", "VALIDATION_ERROR")
    assert "instances" not in said


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("path", ["invoke", "invoke-async"])
def test_no_invocation_is_within_an_invocation(gateway, name, path):
    body = {"function_name": PLATFORM, "payload": sample(name)}
    answer = ask("POST", f"/api/v1/{path}", body, token=gateway)
    assert answer.status == 403
    assert LAMBDA.invoked == []


def test_of_two_actions_in_one_payload_the_same_counts_everywhere(gateway):
    twice = '{"action": "readiness", "action": "invoke-function"}'
    assert platform(gateway, twice).status == 403
    last = inner(platform(gateway, '{"action": "invoke-function", "action": "readiness"}'))
    assert last["ready"]


@pytest.mark.parametrize("payload", ["{", "[]", "7", '"x"', "null", "[" * 5000, "nonsense"])
def test_what_is_no_object_is_refused_before_it_is_sent(gateway, payload):
    assert platform(gateway, payload).status == 400
    assert LAMBDA.invoked == []


def test_without_running_it_nothing_is_answered(gateway):
    answer = platform(gateway, {"action": "readiness"}, invocation_type="DryRun")
    assert (answer.json["status_code"], answer.json["payload"]) == (204, "")


def test_an_administrator_invokes_it_as_that_administrator(invoke):
    said = inner(platform(own("admin"), {"action": "admin-grant", "targetUserId": "ada"}))
    assert said["success"]
    (entry,) = invoke("admin-audit", userId="admin")["entries"]
    assert (entry["userId"], entry["action"]) == ("admin", "admin-grant")


@pytest.mark.parametrize("scope", ["admin", "invoke", "user admin invoke"])
def test_no_administrator_invokes_it_as_another_one(invoke, scope):
    invoke("admin-grant", userId="admin", targetUserId="ada")
    call = {"functionName": PLATFORM, "payload": {"action": "status"}, "userId": "ada"}
    answer = ask("POST", "/v1/actions/invoke-function", call, token=own("admin", scope=scope))
    assert answer.status == 403
    assert not LAMBDA.invoked


def test_the_token_within_is_in_no_log(gateway, capsys):
    platform(gateway, {"action": "readiness"})
    token = json.loads(LAMBDA.invoked[0][3])["headers"]["authorization"].split()[1]
    logged = ask("GET", "/api/v1/invocations", token=gateway).body.decode()
    assert token not in capsys.readouterr().out + logged


def test_a_client_in_whose_reach_it_is_not_cannot_invoke_it(client):
    assert platform(client, {"action": "readiness"}).status == 403
    assert ask("POST", "/api/v1/invoke", CALL, token=client).status == 200


def test_what_the_platform_logs_is_not_told_to_who_invokes_it(gateway):
    """Its log names roles and accounts; a function of another's is theirs to show."""
    answer = platform(gateway, {"action": "readiness"})
    assert answer.json["log_result"] == ""
