"""destroy-instance: nothing is left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests import world
from tests.aws_calls import DIES_AFTER, ProcessDied
from tests.lagging.lag import LAG
from tests.lagging.refusals import NO_ROOM_SAYS
from tests.lagging.strictness import Said, refusal
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]


@pytest.fixture
def nothing(aws):
    return left()


def left():
    """All that a server consists of, by kind."""
    iam, elb, ecs = (world.client(name) for name in ("iam", "elbv2", "ecs"))
    zone = world.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = world.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return {
        "access points": len(world.client("efs").describe_access_points()["AccessPoints"]),
        "buckets": world.buckets(),
        "users": iam.list_users()["Users"],
        "roles": iam.list_roles()["Roles"],
        "secrets": len(world.client("secretsmanager").list_secrets()["SecretList"]),
        "records": [r["Name"] for r in records["ResourceRecordSets"] if r["Type"] == "A"],
        "target groups": elb.describe_target_groups()["TargetGroups"],
        "task definitions": [  # but for those that fetch releases for all
            arn
            for arn in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
            if "_fetch-" not in arn
        ],
        "instances": world.items("instances"),
        "hosts": world.items("hosts"),
        "licences": world.items("licenses"),
    }


def test_a_server_that_never_ran_goes_at_once(nothing, invoke, ecs):
    invoke(sample("create-instance"))
    assert left() != nothing
    assert invoke(sample("destroy-instance")) == {
        "success": True,
        "message": "Instance and all resources destroyed successfully",
    }
    assert left() == nothing
    assert ecs.tasks() == []


def test_a_server_that_ran_goes_when_its_files_are_erased(nothing, invoke, ecs):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    ecs.ends(task)
    (item,) = world.items("instances")
    assert invoke(sample("destroy-instance"))["success"] is True
    purge = ecs.only_task()
    (shown,) = world.client("ecs").describe_tasks(cluster=ecs.cluster, tasks=[purge])["tasks"]
    (told,) = shown["overrides"]["containerOverrides"]
    assert told["environment"] == [{"name": "INSTANCE_ID", "value": item["instanceId"]}]
    assert left()["access points"] == nothing["access points"] + 1
    assert left()["buckets"] == []
    ecs.ends(purge)
    assert left() == nothing


def test_a_running_server_is_stopped_first_and_then_goes_by_itself(nothing, invoke, ecs):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    answer = invoke(sample("destroy-instance"))
    assert answer["success"] is True
    assert "being destroyed" in answer["message"]
    assert invoke("status", userId=USER)["status"] == "unknown"
    assert ecs.tasks() == []
    ecs.ends(task)
    ecs.ends(ecs.only_task())
    assert left() == nothing
    assert [run["kind"] for run in world.items("runs")].count("purge") == 1
    assert all("stoppedAt" in run for run in world.items("runs"))


@pytest.mark.parametrize("said", [*NO_ROOM_SAYS[-3:], ("ClientException", "It is inactive.")])
def test_files_that_aws_has_no_machine_to_erase_by_just_now_are_erased_later(
    nothing, invoke, ecs, freezer, said
):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    invoke(sample("destroy-instance"))
    LAG.replies.append(("ecs.RunTask", refusal(*said)))
    ecs.ends(task)
    assert ecs.tasks() == []
    freezer.tick(300)
    assert invoke(sample("auto-shutdown-check"))["failures"] == 0
    ecs.ends(ecs.only_task())
    assert left() == nothing
    assert [run["kind"] for run in world.items("runs")].count("purge") == 1


def test_files_that_could_not_be_erased_are_tried_again_an_hour_later(
    nothing, invoke, ecs, freezer
):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task())
    invoke(sample("destroy-instance"))
    ecs.ends(ecs.only_task(), exit_code=1)
    assert ecs.tasks() == []
    assert invoke("status", userId=USER)["status"] == "unknown"
    freezer.tick(3700)
    invoke(sample("auto-shutdown-check"))
    ecs.ends(ecs.only_task())
    assert left() == nothing


def test_a_repeated_destroy_launches_one_purge(nothing, invoke, ecs, freezer, meanwhile):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task())
    with meanwhile("RunTask", mode=DIES_AFTER), pytest.raises(ProcessDied):
        invoke(sample("destroy-instance"))
    freezer.tick(301)  # the dead one's lock expires
    for _ in range(2):
        assert invoke(sample("destroy-instance"))["success"]
        purge = ecs.only_task()
    assert [run["kind"] for run in world.items("runs")].count("purge") == 1
    ecs.ends(purge)
    assert left() == nothing


def test_a_bucket_with_very_much_in_it_goes_bit_by_bit(nothing, invoke, freezer):
    invoke(sample("create-instance"))
    LAG.replies += [("s3.ListObjectVersions", one_of_many_pages(number)) for number in range(60)]
    assert "being destroyed" in invoke(sample("destroy-instance"))["message"]
    assert len(LAG.replies) == 9, "about a minute's work, then the next tick goes on"
    freezer.tick(300)
    assert invoke(sample("auto-shutdown-check"))["failures"] == 0
    LAG.replies.clear()
    freezer.tick(300)
    assert invoke(sample("auto-shutdown-check"))["failures"] == 0
    assert left() == nothing


def one_of_many_pages(number):
    """One answer of ListObjectVersions, after which there are more."""
    version = {"Key": f"map-{number}.webp", "VersionId": str(number)}
    after = {"NextKeyMarker": version["Key"], "NextVersionIdMarker": version["VersionId"]}
    return Said(200), {"IsTruncated": True, "Versions": [version], **after}


def test_a_purge_that_takes_longer_than_an_hour_is_stopped_and_run_again(
    nothing, invoke, ecs, freezer
):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task())
    invoke(sample("destroy-instance"))
    purge = ecs.only_task()
    ecs.becomes(purge, "RUNNING", created_at=datetime.now(UTC))
    for minutes in (55, 10):
        assert ecs.tasks() == [purge]
        freezer.tick(minutes * 60)
        invoke(sample("auto-shutdown-check"))
    assert ecs.tasks() == []
    ecs.ends(purge, exit_code=137)
    freezer.tick(3600)
    invoke(sample("auto-shutdown-check"))
    ecs.ends(ecs.only_task())
    assert left() == nothing


def test_a_bucket_with_many_versions_goes_whole(nothing, invoke):
    invoke(sample("create-instance"))
    (item,) = world.items("instances")
    s3, bucket = world.client("s3"), item["s3BucketName"]
    for number in range(3):
        s3.put_object(Bucket=bucket, Key="map.webp", Body=str(number))
    s3.put_object(Bucket=bucket, Key="token.webp", Body=b"")
    s3.delete_object(Bucket=bucket, Key="token.webp")
    invoke(sample("destroy-instance"))
    assert left() == nothing


def test_destroying_nothing_says_so(invoke):
    assert invoke(sample("destroy-instance"))["errorCode"] == "RESOURCE_NOT_FOUND"


def test_a_licence_that_another_member_plays_on_is_not_pulled_away(invoke, ecs):
    invoke(sample("create-instance", allowLicenseSharing=True))
    guest = sample("create-instance", userId="guest", username="guest", licenseType="pooled")
    invoke(guest)
    invoke("start-instance", userId="guest")
    answer = invoke(sample("destroy-instance"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    ecs.ends(ecs.only_task())
    assert invoke(sample("destroy-instance"))["success"] is True
