"""create-instance makes all that a server needs, under names of its own."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.instances.naming import RESERVED, labels
from tests import world
from tests.aws_calls import BEFORE
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]


@pytest.fixture
def instance(invoke):
    assert invoke(sample("create-instance"))["success"] is True
    (item,) = world.items("instances")
    return item


def test_the_status_shows_what_was_made_in_the_contracts_fields(invoke, instance):
    status = invoke("status", userId=USER)
    assert status == {
        "success": True,
        "status": "created",
        "instanceUrl": "https://ada.play.example",
        "licenseType": "byol",
        "allowLicenseSharing": False,
        "licenseOwnerId": USER,
        "accessPointId": instance["accessPointId"],
        "s3BucketName": f"foundry-{world.MARK}-ada-{USER}-{instance['instanceId']}",
        "createdAt": instance["createdAt"],
        "foundryVersion": "13",
        "message": "The server is ready to be started for the first time.",
        "wake": "code",
        "wakeUrl": status["wakeUrl"],
    }
    assert status["wakeUrl"].startswith("https://ada.play.example/?code=")
    assert type(status["createdAt"]) is int


def test_the_access_point_roots_the_instance_in_a_directory_of_its_own(instance):
    (point,) = world.client("efs").describe_access_points(AccessPointId=instance["accessPointId"])[
        "AccessPoints"
    ]
    assert point["RootDirectory"]["Path"] == f"/instances/{instance['instanceId']}"
    assert point["PosixUser"] == {"Uid": 1000, "Gid": 1000}


def test_the_bucket_is_readable_by_players_and_usable_from_the_instances_page_only(instance):
    s3, bucket = world.client("s3"), instance["s3BucketName"]
    (rule,) = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://ada.play.example"]
    assert set(rule["AllowedMethods"]) == {"GET", "POST", "HEAD"}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert not any(blocked.values())
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "s3:GetObject",
        f"arn:aws:s3:::{bucket}/*",
    )


def test_the_buckets_user_reaches_that_bucket_and_no_other(instance):
    iam, name = world.client("iam"), f"{world.STACK}-{instance['instanceId']}"
    assert iam.get_user(UserName=name)["User"]["Path"] == f"/{world.STACK}/"
    policy = iam.get_user_policy(UserName=name, PolicyName="bucket")["PolicyDocument"]
    reached = {
        (action, statement["Resource"])
        for statement in policy["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    bucket = f"arn:aws:s3:::{instance['s3BucketName']}"
    objects = ("s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject")
    assert reached == {
        *((action, f"{bucket}/*") for action in objects),
        ("s3:ListBucket", bucket),
        ("s3:GetBucketLocation", bucket),
        ("s3:ListAllMyBuckets", "*"),
    }


def test_old_versions_in_the_bucket_expire_after_a_month(instance):
    kept = world.client("s3").get_bucket_lifecycle_configuration(Bucket=instance["s3BucketName"])
    (rule,) = kept["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "Days" not in rule["Expiration"]  # what is current stays for ever


def test_the_tasks_role_reaches_the_own_files_and_writes_nowhere_else(instance, aws):
    iam, name = world.client("iam"), f"{world.STACK}-{instance['instanceId']}"
    role = iam.get_role(RoleName=name)["Role"]
    assert role["Path"] == f"/{world.STACK}/"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == (
        f"arn:aws:iam::{world.ACCOUNT}:policy/{aws['TASK_BOUNDARY']}"
    )
    policy = iam.get_role_policy(RoleName=name, PolicyName="files")["PolicyDocument"]
    reached = {
        (action, statement["Condition"]["ArnEquals"]["elasticfilesystem:AccessPointArn"])
        for statement in policy["Statement"]
        for action in statement["Action"]
    }
    points = f"arn:aws:elasticfilesystem:{world.REGION}:{world.ACCOUNT}:access-point/"
    own, shared = points + instance["accessPointId"], points + aws["RELEASES_ACCESS_POINT_ID"]
    mount, write = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"
    assert reached == {(mount, own), (write, own), (mount, shared)}
    assert containers(instance)[1]["taskRoleArn"] == role["Arn"]


def test_foundry_gets_a_config_file_for_its_bucket_from_the_secret(instance, aws):
    stored = json.loads(
        world.client("secretsmanager").get_secret_value(SecretId=instance["secretArn"])[
            "SecretString"
        ]
    )
    assert stored["licenseKey"] == sample("create-instance")["foundryLicense"]
    assert stored["adminKey"] == sample("create-instance")["foundryAdminKey"]
    config = json.loads(stored["awsConfig"])
    assert config["buckets"] == [instance["s3BucketName"]]
    assert config["region"] == world.REGION
    keys = world.client("iam").list_access_keys(UserName=f"{world.STACK}-{instance['instanceId']}")[
        "AccessKeyMetadata"
    ]
    assert [key["AccessKeyId"] for key in keys] == [config["credentials"]["accessKeyId"]]


def containers(instance):
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=instance["taskDefinitionArn"]
    )["taskDefinition"]
    return {c["name"]: c for c in definition["containerDefinitions"]}, definition


def secrets_of(container):
    return {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}


def variables_of(container):
    return {variable["name"]: variable["value"] for variable in container["environment"]}


def test_the_containers_get_their_secrets_by_reference_and_never_the_operators(instance, aws):
    found = containers(instance)[0]
    secret = instance["secretArn"]
    assert secrets_of(found["foundry"]) == {"FOUNDRY_ADMIN_KEY": f"{secret}:adminKey::"}
    assert secrets_of(found["prepare"]) == {
        "AWS_CONFIG": f"{secret}:awsConfig::",
        "LICENSE_KEY": f"{secret}:licenseKey::",
    }
    assert aws["OPERATOR_SECRET_ARN"] not in str(found)
    foundry = found["foundry"]
    plain = {e["name"]: e["value"] for e in foundry["environment"]}
    assert plain["FOUNDRY_HOSTNAME"] == "ada.play.example"
    assert plain["FOUNDRY_PROXY_SSL"] == "true"
    assert plain["FOUNDRY_TELEMETRY"] == "false"
    assert "FOUNDRY_UID" not in plain


def test_the_container_has_two_minutes_to_save_its_world_and_three_to_come_up(instance):
    foundry = containers(instance)[0]["foundry"]
    assert foundry["stopTimeout"] == 120
    assert foundry["healthCheck"]["startPeriod"] == 180
    assert "/api/status" in foundry["healthCheck"]["command"][1]


def test_an_old_version_is_told_which_user_to_run_as(invoke):
    invoke(sample("create-instance", foundryVersion="12"))
    (item,) = world.items("instances")
    foundry = containers(item)[0]["foundry"]
    assert foundry["image"] == "ghcr.io/felddy/foundryvtt:12"
    plain = {e["name"]: e["value"] for e in foundry["environment"]}
    assert (plain["FOUNDRY_UID"], plain["FOUNDRY_GID"]) == ("1000", "1000")


def test_members_may_bring_an_account_of_their_own(invoke):
    invoke(sample("create-instance", foundryUsername="ada", foundryPassword="adas-password"))
    (item,) = world.items("instances")
    found, definition = containers(item)
    secrets = secrets_of(found["foundry"])
    assert secrets["FOUNDRY_USERNAME"] == f"{item['secretArn']}:username::"
    assert secrets["FOUNDRY_PASSWORD"] == f"{item['secretArn']}:password::"
    kept = world.client("secretsmanager").get_secret_value(SecretId=item["secretArn"])
    stored = json.loads(kept["SecretString"])
    assert (stored["username"], stored["password"]) == ("ada", "adas-password")
    assert variables_of(found["foundry"])["CONTAINER_CACHE"] == "/data/container_cache"
    assert {volume["name"] for volume in definition["volumes"]} == {"data", "prepared", "cache"}


def test_no_container_can_write_what_another_members_executes(instance, aws):
    found, definition = containers(instance)
    (releases,) = (v for v in definition["volumes"] if v["name"] == "releases")
    point = releases["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"]
    assert point == aws["RELEASES_ACCESS_POINT_ID"]
    mounts = {name: {m["sourceVolume"]: m for m in c["mountPoints"]} for name, c in found.items()}
    assert mounts["prepare"]["releases"]["readOnly"] is True
    assert set(mounts["foundry"]) == {"data", "prepared", "cache"}
    assert mounts["foundry"]["prepared"]["readOnly"] is True
    assert variables_of(found["foundry"])["CONTAINER_CACHE"] == "/cache"


def test_a_server_has_a_host_name_of_its_own_for_good_unless_that_is_turned_off(
    instance, invoke, monkeypatch
):
    found = containers(instance)[0]
    assert variables_of(found["prepare"])["HOST_NAME"] == f"foundry-{instance['instanceId']}"
    option = variables_of(found["foundry"])["NODE_OPTIONS"]
    assert option == "--require=/prepared/host-name.cjs"
    assert not set(option) & set(" *?[")  # the image's launcher splits it and expands patterns
    monkeypatch.setenv("STABLE_HOST_NAME", "false")
    world.new_process()
    invoke(sample("create-instance", userId="2"))
    found = containers(next(item for item in world.items("instances") if item["userId"] == "2"))[0]
    assert "HOST_NAME" not in variables_of(found["prepare"])
    assert "NODE_OPTIONS" not in variables_of(found["foundry"])


def test_a_definition_fits_into_what_ecs_takes(instance):
    # ECS service quotas: a task definition has at most 64 KiB
    assert len(json.dumps(containers(instance)[1], default=str)) < 32 * 1024


def test_half_an_account_is_refused(invoke):
    answer = invoke(sample("create-instance", foundryUsername="ada"))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "foundryPassword"
    assert world.items("instances") == []


def test_without_any_account_to_download_foundry_with_it_is_refused(invoke, monkeypatch):
    monkeypatch.setenv("OPERATOR_SECRET_ARN", "")
    world.new_process()
    answer = invoke(sample("create-instance"))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "foundryUsername"


def test_byol_needs_a_key_and_pooled_does_not(invoke):
    event = sample("create-instance")
    del event["foundryLicense"]
    assert invoke(event)["details"]["field"] == "foundryLicense"
    assert invoke(event | {"licenseType": "pooled"})["success"] is True
    (item,) = world.items("instances")
    assert item["licenseType"] == "pooled"
    assert "licenseKey" not in str(containers(item))
    assert world.items("licenses") == []


def test_a_second_server_is_refused_with_the_present_state(invoke, instance):
    answer = invoke(sample("create-instance"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["status"] == "created"
    assert len(world.items("instances")) == 1


def test_a_repeated_create_completes_what_was_interrupted(invoke, meanwhile):
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        assert invoke(sample("create-instance"))["errorCode"] == "TIMEOUT_ERROR"
    assert invoke("status", userId=USER)["status"] == "unknown"
    assert invoke(sample("create-instance", foundryVersion="14"))["success"]
    status = invoke("status", userId=USER)
    assert (status["status"], status["foundryVersion"]) == ("created", "14")
    assert len(world.client("efs").describe_access_points()["AccessPoints"]) == 2  # and the cache's


@pytest.mark.parametrize("then", ["another", "pooled", "the first again"])
def test_a_create_repeated_otherwise_claims_no_key_but_the_one_it_uses(invoke, meanwhile, then):
    first = sample("create-instance")
    another = first | {"foundryLicense": world.license_key("another")}
    pooled = {k: v for k, v in first.items() if k != "foundryLicense"} | {"licenseType": "pooled"}
    steps = {"another": [another], "pooled": [pooled], "the first again": [another, first]}[then]
    for half in [first, *steps][:-1]:
        with meanwhile("RegisterTaskDefinition", mode=BEFORE):
            assert not invoke(half)["success"]
    assert invoke(steps[-1])["success"]
    used = [steps[-1]["foundryLicense"]] if then != "pooled" else []
    (instance,) = world.items("instances")
    assert len(instance.get("licenseClaims", [])) == len(used)
    for number, key in enumerate({first["foundryLicense"], another["foundryLicense"]}):
        other = first | {"userId": f"other{number}", "username": "O", "foundryLicense": key}
        assert invoke(other)["success"] == (key not in used)


def test_a_create_that_is_under_way_is_busy(invoke, meanwhile):
    within = []
    with meanwhile("CreateAccessPoint", lambda: within.append(invoke(sample("create-instance")))):
        assert invoke(sample("create-instance"))["success"]
    (refused,) = within
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["status"] == "unknown"
    assert "being made" in refused["error"]


def test_an_interrupted_create_is_taken_up_by_the_quicker_of_two(invoke, meanwhile):
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        invoke(sample("create-instance"))
    with meanwhile("UpdateItem", lambda: invoke(sample("create-instance"))):
        refused = invoke(sample("create-instance"))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("status", userId=USER)["status"] == "created"


def test_a_name_whose_hosts_are_all_taken_is_a_conflict(invoke, aws):
    hosts = boto3.resource("dynamodb").Table(world.table_of("hosts"))
    for label in labels("ada", USER):
        hosts.put_item(Item={"host": f"{label}.{world.DOMAIN}", "userId": "1"})
    refused = invoke(sample("create-instance"))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["field"] == "username"
    assert world.items("instances") == []


def test_two_names_that_come_out_the_same_get_host_names_of_their_own(invoke):
    urls = [
        invoke(sample("create-instance", userId=user, username=name))["instanceUrl"]
        for user, name in [("1", "Jürgen"), ("2", "jurgen"), ("3", "JURGEN!")]
    ]
    assert urls[0] == "https://jurgen.play.example"
    assert len(set(urls)) == 3
    assert all(url.startswith("https://jurgen") for url in urls)


def test_a_host_name_is_free_again_once_its_server_is_gone(invoke):
    first = invoke(sample("create-instance", userId="1"))
    invoke("destroy-instance", userId="1")
    assert invoke(sample("create-instance", userId="2"))["instanceUrl"] == first["instanceUrl"]


@given(username=st.text(min_size=1, max_size=64), user_id=st.text("0123456789", min_size=1))
def test_every_user_name_becomes_a_dns_label_that_is_not_reserved(username, user_id):
    for label in labels(username, user_id):
        assert 1 <= len(label) <= 63
        assert label[0] != "-" != label[-1]
        assert set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert label not in RESERVED


def test_a_name_that_dns_knows_nothing_of_still_gets_a_host(invoke):
    url = invoke(sample("create-instance", username="龍"))["instanceUrl"]
    assert url.startswith("https://table-")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Łukasz", "lukasz"),
        ("Straße", "strasse"),
        ("Søren", "soren"),
        ("Ægir Þór", "aegir-thor"),
        ("Œuvre", "oeuvre"),
    ],
)
def test_letters_of_other_languages_are_written_as_these_do_without_them(invoke, name, label):
    url = invoke(sample("create-instance", username=name))["instanceUrl"]
    assert url == f"https://{label}.{world.DOMAIN}"


def records(aws, change=None):
    """The operator's zone, with one more record if it is given."""
    zone = {"HostedZoneId": aws["HOSTED_ZONE_ID"]}
    if change:
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]}
        world.client("route53").change_resource_record_sets(**zone, ChangeBatch=batch)
    found = world.client("route53").list_resource_record_sets(**zone)["ResourceRecordSets"]
    return {(r["Name"].rstrip("."), r["Type"]): r for r in found}


ELSEWHERE: dict[str, Any] = {
    "an address": {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]},
    "another load balancer": {
        "AliasTarget": {
            "HostedZoneId": "Z35SXDOTRQ7X7K",
            "DNSName": "wiki-1.us-east-1.elb.amazonaws.com",
            "EvaluateTargetHealth": False,
        }
    },
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_member_takes_over_nothing_that_the_operator_has_in_the_zone(invoke, aws, what):
    name = f"forge.{world.DOMAIN}"
    before = records(aws, {"Name": name, "Type": "A", **ELSEWHERE[what]})[name, "A"]
    url = invoke(sample("create-instance", username="Forge"))["instanceUrl"]
    assert url.startswith("https://forge-")
    assert invoke("status", userId=USER)["instanceUrl"] == url
    assert (url.removeprefix("https://"), "A") in records(aws)
    assert [item["host"] for item in world.items("hosts")] == [url.removeprefix("https://")]
    invoke(sample("destroy-instance"))
    assert records(aws)[name, "A"] == before
    assert world.items("hosts") == []


def test_a_record_that_the_operator_has_put_in_a_servers_place_stays(invoke, aws):
    invoke(sample("create-instance"))
    name = f"ada.{world.DOMAIN}"
    other = {"Name": name, "Type": "A", **ELSEWHERE["an address"]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": other}]}
    world.client("route53").change_resource_record_sets(
        HostedZoneId=aws["HOSTED_ZONE_ID"], ChangeBatch=batch
    )
    assert invoke(sample("destroy-instance"))["success"]
    assert records(aws)[name, "A"]["ResourceRecords"] == [{"Value": "192.0.2.1"}]


@pytest.mark.parametrize("name", ["www", "API", "Admin ", "donate", "Sign in", "Ko-fi"])
def test_a_reserved_name_does_not_become_that_host(invoke, name):
    url = invoke(sample("create-instance", username=name))["instanceUrl"]
    assert url.startswith(f"https://{name.strip().lower().replace(' ', '-')}-")
