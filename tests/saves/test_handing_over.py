"""What is left of a destroyed server is handed over to another member, who brings it back."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import DIES_AFTER, DIES_BEFORE, ProcessDied
from tests.saves.conftest import DAY, USER, access_point, instance
from tests.saves.played import come_back, departed, notices, own_saves, secrets
from tests.world import sample

pytestmark = pytest.mark.slow
BEN = "200000000000000002"
EVE = "300000000000000003"


@pytest.fixture
def hand_over(invoke):
    def give(**changes):
        order = {"userId": "admin", "targetUserId": USER, "toUserId": BEN, **changes}
        return invoke(sample("admin-hand-over-saves", **order))

    return give


def left_of(user, **otherwise):
    """What is left of one more server, as it is stored."""
    left = {
        "repository": f"departed#{user}",
        "saveId": "0123456789ab",
        "userId": user,
        "username": "Another",
        "at": 1795291889,
        "until": 4102444800,
        "secretOf": "0123456789ab",
        "newest": "de" * 32,
        "choices": {"foundryVersion": "13"},
    }
    return left | otherwise


def shown(invoke, user):
    return invoke("list-saves", userId=user)["departed"]["username"]


def test_the_saves_of_what_was_destroyed_are_listed(destroyed, invoke, freezer):
    answer = invoke("list-saves", userId=USER)
    assert answer["success"], answer
    assert [save["saveId"] for save in answer["saves"]] == [own_saves()[0]["saveId"]]
    (left,) = departed()
    assert answer["departed"] == {name: left[name] for name in ("username", "at", "until")}
    come_back(invoke)
    assert "departed" not in invoke("list-saves", userId=USER)


def test_who_has_nothing_left_has_no_saves(destroyed, invoke):
    assert invoke("list-saves", userId=BEN)["errorCode"] == "RESOURCE_NOT_FOUND"


def test_another_member_brings_it_back(destroyed, invoke, hand_over, ecs, save, files):
    (before,) = departed()
    answer = hand_over()
    assert answer["success"], answer
    assert answer["departed"] == {name: before[name] for name in ("username", "at", "until")}
    assert come_back(invoke)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert invoke("list-saves", userId=USER)["errorCode"] == "RESOURCE_NOT_FOUND"
    listed = invoke("list-saves", userId=BEN)
    assert listed["departed"] == answer["departed"]
    assert len(listed["saves"]) == 1
    assert come_back(invoke, userId=BEN)["success"]
    (restorer,) = ecs.tasks()
    save(restorer)
    assert instance()["userId"] == BEN
    assert files.content[access_point()] in files.saved[destroyed["instanceId"]].values()
    assert departed() == []
    (secret,) = secrets()
    assert secret.endswith(instance()["instanceId"])
    saved = invoke("list-saves", userId=BEN)["saves"][0]["saveId"]
    assert invoke("restore-save", userId=BEN, saveId=saved)["success"]


def test_the_former_members_table_is_woken_by_another_link(
    evening, save, invoke, freezer, purge, hand_over, ecs
):
    save(evening())
    url = invoke("status", userId=USER)["wakeUrl"]
    freezer.tick(3600)
    invoke("destroy-instance", userId=USER)
    purge()
    hand_over()
    come_back(invoke, userId=BEN)
    assert invoke("status", userId=BEN)["wakeUrl"].partition("?")[2] != url.partition("?")[2]


def test_both_are_told_once_and_the_audit_has_it(destroyed, invoke, hand_over):
    for _ in range(2):
        hand_over(reason="She leads the group now")
    told = [*notices("saves-handed-over"), *notices("saves-received")]
    assert [notice["about"] for notice in told] == [USER, USER, BEN, BEN]
    assert len({notice["noticeId"] for notice in told}) == 2
    assert all("She leads the group now" in notice["message"] for notice in told)
    entries = invoke("admin-audit", userId="admin")["entries"]
    assert [(e["action"], e["about"], e["details"]) for e in entries] == [
        ("admin-hand-over-saves", USER, {"toUserId": BEN})
    ] * 2


def test_asked_again_it_is_done_already_and_nothing_more_is_handed_over(destroyed, hand_over):
    world.put("saves", left_of(USER))
    first = hand_over()
    assert first["success"]
    kept = departed()
    assert hand_over() == first
    assert departed() == kept


@pytest.mark.parametrize(
    "moment", [("Query", 0), ("Query", 1), ("TransactWriteItems", 1)], ids=lambda moment: moment[0]
)
def test_ordered_twice_at_once_one_is_handed_over(destroyed, hand_over, meanwhile, moment):
    world.put("saves", left_of(USER))
    call, after = moment
    with meanwhile(call, hand_over, after=after):
        hand_over()
    (kept, handed) = sorted(departed(), key=lambda left: left["at"])
    assert (kept["userId"], handed["userId"]) == (USER, BEN)


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
def test_interrupted_and_asked_again(destroyed, hand_over, meanwhile, mode):
    with (
        meanwhile("TransactWriteItems", after=1, mode=mode),  # the first is the audit's
        pytest.raises(ProcessDied),
    ):
        hand_over()
    (left,) = departed()
    assert left["userId"] == (BEN if mode == DIES_AFTER else USER)
    assert hand_over()["success"]
    (left,) = departed()
    assert (left["userId"], left["repository"]) == (BEN, f"departed#{BEN}")


def test_the_former_member_is_quicker(destroyed, invoke, hand_over, meanwhile):
    with meanwhile("TransactWriteItems", lambda: come_back(invoke), after=1):
        answer = hand_over()
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert instance()["userId"] == USER
    assert hand_over()["errorCode"] == "RESOURCE_NOT_FOUND"


def test_the_administrator_is_quicker(destroyed, invoke, hand_over, meanwhile):
    with meanwhile("TransactWriteItems", hand_over):
        answer = come_back(invoke)
    assert answer["errorCode"] == "RESOURCE_NOT_FOUND"
    assert world.items("instances") == []
    assert come_back(invoke, userId=BEN)["success"]


def test_to_two_members_at_once_it_goes_to_one(destroyed, hand_over, meanwhile):
    with meanwhile("TransactWriteItems", lambda: hand_over(toUserId=EVE), after=1):
        assert hand_over()["errorCode"] == "RESOURCE_CONFLICT"
    (left,) = departed()
    assert left["userId"] == EVE


def test_what_became_of_it_meanwhile_is_not_handed_over_as_it_was(
    destroyed, invoke, hand_over, meanwhile, freezer
):
    """It came back and was destroyed again: what was read names a secret that is gone."""

    def anew():
        (left,) = departed()
        world.put("saves", left | {"secretOf": "another", "at": left["at"] + 60})

    with meanwhile("TransactWriteItems", anew, after=1):
        assert hand_over()["errorCode"] == "RESOURCE_CONFLICT"
    (left,) = departed()
    assert left["secretOf"] == "another"
    assert hand_over()["success"]


def test_of_several_the_one_goes_that_would_come_back(destroyed, hand_over, invoke):
    (newest,) = departed()
    world.put("saves", left_of(USER))
    assert hand_over()["departed"]["username"] == newest["username"]
    assert shown(invoke, USER) == "Another"


def test_what_was_handed_over_comes_back_before_what_was_ones_own(destroyed, hand_over, invoke):
    (left,) = departed()
    world.put("saves", left_of(BEN, at=left["at"] + 60))
    assert shown(invoke, BEN) == "Another"
    assert hand_over()["success"]
    assert shown(invoke, BEN) == left["username"]


def test_its_time_goes_on(destroyed, hand_over, invoke, freezer):
    freezer.tick(20 * DAY)
    assert hand_over()["success"]
    freezer.tick(10 * DAY + 1)
    assert invoke("auto-shutdown-check", userId="system")["failures"] == 0
    assert world.items("saves") == []
    assert come_back(invoke, userId=BEN)["errorCode"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"leaving": True}, "RESOURCE_NOT_FOUND"),
        ({"takenBy": "an-instance"}, "RESOURCE_NOT_FOUND"),
        ({"until": 1}, "RESOURCE_NOT_FOUND"),
    ],
    ids=["being deleted", "coming back", "over"],
)
def test_what_does_not_come_back_is_not_handed_over(destroyed, hand_over, changes, refused):
    (left,) = departed()
    world.put("saves", left | changes)
    kept = departed()
    answer = hand_over()
    assert answer["errorCode"] == refused
    assert answer["details"]["field"] == "targetUserId"
    assert departed() == kept
    assert notices("saves-handed-over") == []


def test_it_is_handed_over_to_somebody_else(destroyed, hand_over):
    answer = hand_over(toUserId=USER)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "toUserId"


def test_it_can_be_handed_back(destroyed, hand_over, invoke):
    assert hand_over()["success"]
    assert hand_over(targetUserId=BEN, toUserId=USER)["success"]
    assert come_back(invoke)["success"]
