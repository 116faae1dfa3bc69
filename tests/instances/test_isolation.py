"""A container that somebody took over reaches nothing of another member's."""

from __future__ import annotations

import pytest

from tests import world
from tests.policies import actions, allows
from tests.world import sample

MOUNT, WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"


@pytest.fixture
def both(invoke):
    """Two members' servers, by member."""
    for member in ("ada", "ben"):
        assert invoke(sample("create-instance", userId=member, username=member))["success"]
    return {item["userId"]: item for item in world.items("instances")}


def role_of(instance):
    name = f"{world.STACK}-{instance['instanceId']}"
    iam = world.client("iam")
    return [iam.get_role_policy(RoleName=name, PolicyName="files")["PolicyDocument"]]


def user_of(instance):
    name = f"{world.STACK}-{instance['instanceId']}"
    iam = world.client("iam")
    return [iam.get_user_policy(UserName=name, PolicyName="bucket")["PolicyDocument"]]


def mounts(role, action, access_point, aws):
    efs = f"arn:aws:elasticfilesystem:{world.REGION}:{world.ACCOUNT}"
    through = {"elasticfilesystem:AccessPointArn": f"{efs}:access-point/{access_point}"}
    return allows(role, action, f"{efs}:file-system/{aws['FILE_SYSTEM_ID']}", through)


def test_its_role_mounts_the_own_files_and_not_another_members(both, aws):
    ada, ben = both["ada"], both["ben"]
    for action in (MOUNT, WRITE):
        assert mounts(role_of(ada), action, ada["accessPointId"], aws)
        assert not mounts(role_of(ada), action, ben["accessPointId"], aws)


def test_its_role_reads_the_shared_releases_and_cannot_change_them(both, aws):
    cache = aws["RELEASES_ACCESS_POINT_ID"]
    assert mounts(role_of(both["ada"]), MOUNT, cache, aws)
    assert not mounts(role_of(both["ada"]), WRITE, cache, aws)


def test_its_role_can_do_nothing_but_mount(both):
    assert actions(role_of(both["ada"])) == {MOUNT, WRITE}


def test_its_keys_reach_the_own_bucket_and_not_another_members(both):
    own, others = (f"arn:aws:s3:::{both[name]['s3BucketName']}" for name in ("ada", "ben"))
    for action, rest in (("s3:GetObject", "/x"), ("s3:PutObject", "/x"), ("s3:ListBucket", "")):
        assert allows(user_of(both["ada"]), action, own + rest)
        assert not allows(user_of(both["ada"]), action, others + rest)


def test_its_definition_names_no_secret_of_another_member(both):
    for name, other in (("ada", "ben"), ("ben", "ada")):
        definition = world.client("ecs").describe_task_definition(
            taskDefinition=both[name]["taskDefinitionArn"]
        )
        assert both[name]["secretArn"] in str(definition)
        assert both[other]["secretArn"] not in str(definition)
