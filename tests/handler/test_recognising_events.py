"""One entry point tells every kind of event by its shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world
from tests.world import Context, sample

HTTP_EVENTS = sorted(path.stem for path in Path("events/http").glob("*.json"))


def test_there_is_a_sample_of_all_four_shapes_of_http():
    assert HTTP_EVENTS == [
        "alb",
        "alb-multi-value",
        "api-gateway-v1",
        "api-gateway-v2",
        "function-url",
    ]


@pytest.mark.parametrize("name", HTTP_EVENTS)
def test_what_looks_like_http_is_http_even_with_an_action_key(invoke, name):
    answer = invoke(sample(f"http/{name}", action="list-all", userId="admin"))
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["requestId"] == Context().aws_request_id


@pytest.mark.parametrize("payload", [None, [], "status", 7, {}, {"action": 5}, {"action": ""}])
def test_anything_else_is_a_validation_error(invoke, payload):
    from handler.app import lambda_handler

    answer = lambda_handler(payload, Context())
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["suggestion"]


def test_an_unknown_action_is_told_which_come_closest(invoke):
    answer = invoke("start-instnace", userId="ada")
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "action"
    assert "start-instance" in answer["details"]["suggestion"]


def test_a_schedule_is_answered_as_in_the_contract(invoke):
    assert invoke(sample("auto-shutdown-check")) == {
        "success": True,
        "instancesChecked": 0,
        "instancesStopped": 0,
        "failures": 0,
        "message": "Auto-shutdown check completed",
    }


def test_a_task_of_another_cluster_is_refused(invoke):
    assert invoke(sample("ecs-task-running"))["errorCode"] == "PERMISSION_DENIED"


def test_a_task_that_nobody_asked_for_changes_nothing(invoke, aws):
    event = sample("ecs-task-stopped")
    event["detail"]["clusterArn"] = world.cluster(aws)
    assert invoke(event)["success"] is True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
FIELDS = [
    "userId",
    "username",
    "foundryLicense",
    "foundryAdminKey",
    "foundryVersion",
    "licenseType",
    "allowLicenseSharing",
    "foundryUsername",
    "foundryPassword",
    "ownerId",
    "runId",
    "detail",
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    action=st.sampled_from(
        ["create-instance", "start-instance", "status", "update-version", "list-all", "finish-stop"]
    ),
    fields=st.dictionaries(st.sampled_from(FIELDS), json_values),
)
def test_no_payload_whatsoever_makes_an_internal_error(invoke, action, fields):
    answer = invoke(action, **fields)
    assert answer["success"] or answer["errorCode"] != "INTERNAL_ERROR"
