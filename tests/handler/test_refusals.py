"""Who may do what, and what a refusal says."""

from __future__ import annotations

import json

import pytest

import actions
from tests import world
from tests.world import Context, sample

USER_ACTIONS = ("create-instance", "start-instance", "stop-instance", "status", "destroy-instance")


@pytest.mark.parametrize("action", USER_ACTIONS)
def test_the_schedules_own_user_has_no_server(invoke, action):
    answer = invoke(sample(action, userId="system"))
    assert answer["errorCode"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("action", ["auto-shutdown-check", "finish-stop"])
def test_the_platforms_own_actions_are_refused_to_users(invoke, action):
    answer = invoke(sample(action, userId="ada"))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "userId"


def test_only_administrators_see_all_instances(invoke):
    assert invoke("list-all", userId="ada")["errorCode"] == "PERMISSION_DENIED"
    assert invoke("list-all", userId="admin") == {"success": True, "instances": [], "total": 0}


def test_a_missing_field_is_named_with_a_way_out(invoke):
    answer = invoke("status")
    assert answer == {
        "success": False,
        "errorCode": "VALIDATION_ERROR",
        "error": "userId is missing.",
        "details": {"field": "userId", "suggestion": "Give userId."},
        "requestId": Context().aws_request_id,
    }


NO_IDS = [
    123456789012345678,
    "<@123456789012345678>",
    "<@!123456789012345678>",
    "@ada",
    "<@&1>",
    "",
]


@pytest.mark.parametrize("user_id", NO_IDS)
def test_a_mention_a_name_or_a_number_instead_of_an_id_is_told_to_be_the_id_alone(invoke, user_id):
    for answer, field in (
        (invoke("status", userId=user_id), "userId"),
        (invoke("admin-grant", userId="admin", targetUserId=user_id), "targetUserId"),
    ):
        assert answer["errorCode"] == "VALIDATION_ERROR"
        assert answer["details"]["field"] == field
        assert "the id alone, digits only, as a text" in answer["details"]["suggestion"]


def test_no_refusal_shows_a_regular_expression(invoke):
    """Each field whose form is one, of every action, sent as something that is none."""
    tried = 0
    for name in actions.ACTIONS:
        request = actions.find(name).request
        for field, form in request.model_json_schema()["properties"].items():
            if "pattern" not in json.dumps(form):
                continue
            answer = invoke(sample(name) | {field: "\x07"})
            tried += 1
            assert answer["details"]["field"] == field
            assert "pattern" not in answer["details"]["suggestion"], field
    assert tried > len(actions.ACTIONS) / 2


@pytest.mark.parametrize("user_id", ["", "x" * 65, "../etc", "a b", "a\nb", "ä"])
def test_a_user_id_that_could_break_out_of_a_name_is_refused(invoke, user_id):
    answer = invoke("status", userId=user_id)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "userId"


@pytest.mark.parametrize("field", ["foundryLicense", "foundryAdminKey", "foundryPassword"])
def test_a_refused_secret_is_not_repeated(invoke, field):
    answer = invoke(sample("create-instance", **{field: "S3CRET" * 60}))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == field
    assert "S3CRET" not in str(answer)


@pytest.mark.parametrize(
    "key",
    [
        "1",
        "0000",
        "S3CR-ETKE",
        "S3CR-ETKE-YAAA-BBBB-CCCC",
        "S3CR-ETKE-YAAA-BBBB-CCCC-DDDD-EEEE",
        "S3CR-ETKE-YAAA-BBBB-CCCC-DDD!",
        "S3CR-ETKE-YAAA-BBBB-CCCC-DDDÉ",
        "S3CR-ETKE-YAAA-BBBB-CCCC-DDDD\n",
        "S3CR--ETKE-YAAA-BBBB-CCCC-DDD",
        "$(cat /data/Config/license)",
    ],
)
def test_a_licence_key_that_is_none_is_refused_without_repeating_it(invoke, key):
    answer = invoke(sample("create-instance", foundryLicense=key))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "foundryLicense"
    assert "six groups of four" in answer["details"]["suggestion"]
    assert "value" not in answer["details"]
    assert "S3CR" not in str(answer)
    assert world.items("instances") == []


@pytest.mark.parametrize("key", ["A1B2-C3D4-E5F6-G7H8-I9J0-K1L2", "A1B2C3D4E5F6G7H8I9J0K1L2"])
def test_a_licence_key_may_be_given_with_or_without_dashes(invoke, key):
    assert invoke(sample("create-instance", foundryLicense=key))["success"] is True


@pytest.mark.parametrize("version", ["10", "15", "13.x", "latest", "13.1.1.1", "١٣", " 13"])
def test_a_version_that_cannot_be_had_is_refused_with_what_is_allowed(invoke, version):
    answer = invoke(sample("create-instance", foundryVersion=version))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["value"] == version
    assert "11 to 14" in answer["details"]["suggestion"]


def test_unknown_extra_fields_are_ignored(invoke):
    assert invoke(sample("create-instance", theme="dark"))["success"] is True


def test_what_goes_wrong_inside_tells_the_request_id_and_nothing_else(invoke, aws, capsys):

    world.client("dynamodb").delete_table(TableName=world.table_of("instances"))
    answer = invoke("status", userId="ada")
    assert answer["errorCode"] == "INTERNAL_ERROR"
    assert answer["requestId"] in answer["error"]
    assert "instances" not in str(answer)
    assert "ResourceNotFoundException" in capsys.readouterr().out
