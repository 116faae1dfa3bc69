"""What runs of a function, from its making to its end: ECS's services, followed by events and by the tick."""

from __future__ import annotations

import pytest

from tests import world
from tests.fargate import leftovers
from tests.functions.member import ALICE, BOB
from tests.lagging.lag import LAG
from tests.lagging.strictness import refusal
from tests.world import client

pytestmark = pytest.mark.slow

TICK = {"action": "auto-shutdown-check", "userId": "system"}


def service_of(fargate):
    (name,) = fargate.services()
    return fargate.service(name)


def test_a_function_runs_as_many_replicas_as_asked_for(http, fargate):
    made = ALICE.create(replicas=2)
    assert (made["status"], made["available_replicas"]) == ("Pending", 0)
    fargate.settle()
    assert len(fargate.tasks()) == 2
    running = ALICE.get()
    assert (running["status"], running["available_replicas"]) == ("Running", 2)


def test_a_task_has_one_container_on_arm_without_a_role_and_a_log_of_its_own(http, fargate, aws):
    ALICE.create(image="ghcr.io/owner/dice:1", command=["serve"], env={"LEVEL": "info"})
    service = service_of(fargate)
    definition = client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    definition = definition["taskDefinition"]
    assert "taskRoleArn" not in definition
    assert definition["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert (definition["cpu"], definition["memory"]) == ("256", "512")
    (container,) = definition["containerDefinitions"]
    assert container["image"] == "ghcr.io/owner/dice:1"
    assert container["command"] == ["serve"]
    assert container["environment"] == [{"name": "LEVEL", "value": "info"}]
    assert not container["readonlyRootFilesystem"]
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == f"/ecs/{world.STACK}"
    assert options["awslogs-stream-prefix"].startswith("fn-")


def test_tasks_of_two_members_are_in_groups_into_which_nothing_comes(http, fargate, aws):
    ALICE.create("a")
    ALICE.create("b")
    BOB.create("c")
    placed = [fargate.service(name)["networkConfiguration"] for name in fargate.services()]
    groups = [each["awsvpcConfiguration"]["securityGroups"][0] for each in placed]
    assert len(groups) == 3
    assert len(set(groups)) == 2
    for group in client("ec2").describe_security_groups(GroupIds=sorted(set(groups)))[
        "SecurityGroups"
    ]:
        assert group["IpPermissions"] == []
        assert group["VpcId"] == aws["VPC_ID"]


@pytest.mark.parametrize(("network", "address"), [("public", "ENABLED"), ("private", "DISABLED")])
def test_a_task_has_a_public_address_only_where_the_operator_says_so(
    http, fargate, monkeypatch, network, address
):
    monkeypatch.setenv("FUNCTION_NETWORK", network)
    ALICE.create()
    placed = service_of(fargate)["networkConfiguration"]["awsvpcConfiguration"]
    assert placed["assignPublicIp"] == address


def test_what_looks_like_a_secret_is_kept_as_one_and_shown_to_nobody(http, fargate):
    made = ALICE.create(
        env={
            "DISCORD_TOKEN": "MTIz-the-bots-own",
            "DATABASE": "postgres://dice:hunter2@db.example/dice",
            "GREETING": "hello",
        }
    )
    assert made["env"] == {"DISCORD_TOKEN": "***", "DATABASE": "***", "GREETING": "hello"}
    arn = service_of(fargate)["taskDefinition"]
    definition = client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    assert container["environment"] == [{"name": "GREETING", "value": "hello"}]
    assert {s["name"] for s in container["secrets"]} == {"DISCORD_TOKEN", "DATABASE"}
    secret = container["secrets"][0]["valueFrom"].rsplit(":", 3)[0]
    assert "hunter2" in client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert "hunter2" not in str(world.items("functions"))


def test_a_secret_value_that_is_sent_back_hidden_stays_as_it_is(http, fargate):
    ALICE.create(env={"API_KEY": "first", "PASSWORD": "second"})
    changed = ALICE.change(env={"API_KEY": "***", "PASSWORD": "third", "MODE": "x"})
    assert changed["env"] == {"API_KEY": "***", "PASSWORD": "***", "MODE": "x"}
    arn = service_of(fargate)["taskDefinition"]
    definition = client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    secret = definition["containerDefinitions"][0]["secrets"][0]["valueFrom"].rsplit(":", 3)[0]
    values = client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert values == '{"API_KEY": "first", "PASSWORD": "third"}'
    with pytest.raises(client("secretsmanager").exceptions.ResourceNotFoundException):
        client("secretsmanager").get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")


def test_a_changed_function_is_replaced_task_by_task(http, fargate):
    ALICE.create(replicas=2)
    fargate.settle()
    before = set(fargate.tasks())
    changed = ALICE.change(image="nginx:1.27")
    assert changed["image"] == "nginx:1.27"
    fargate.settle()
    after = set(fargate.tasks())
    assert len(after) == 2
    assert not after & before
    assert ALICE.get()["available_replicas"] == 2


def test_another_number_of_replicas_replaces_nothing(http, fargate):
    ALICE.create(replicas=1)
    fargate.settle()
    (first,) = fargate.tasks()
    ALICE.change(replicas=3)
    fargate.settle()
    assert first in fargate.tasks()
    assert ALICE.get()["available_replicas"] == 3
    ALICE.change(replicas=0)
    fargate.settle()
    assert ALICE.get()["status"] == "Stopped"
    assert fargate.tasks() == []


def test_a_deleted_function_leaves_nothing_but_its_record(http, fargate, invoke, freezer):
    ALICE.create(replicas=2, env={"TOKEN": "secret"})
    fargate.settle()
    for arn in fargate.tasks():
        fargate.log(arn, "hello")
    ALICE.change(image="nginx:1.27")
    fargate.settle()
    ALICE.delete()
    fargate.settle()
    freezer.tick(120)
    assert invoke(TICK)["failures"] == 0
    assert leftovers() == []
    freezer.tick(400)
    assert invoke(TICK)["failures"] == 0
    (record,) = [item for item in world.items("functions") if "functionId" in item]
    assert record["entry"].startswith("gone:")
    assert record["expiresAt"] - record["deletedAt"] >= 30 * 86400
    assert "due" not in record
    assert not [item for item in world.items("functions") if item["entry"] == "tenant"]


def test_the_groups_of_a_member_who_still_has_a_function_stays(http, fargate, invoke, freezer):
    ALICE.create("a")
    ALICE.create("b")
    fargate.settle()
    ALICE.delete("a")
    fargate.settle()
    freezer.tick(120)
    invoke(TICK)
    assert len([one for one in leftovers() if one.startswith("security group")]) == 1
    ALICE.delete("b")
    fargate.settle()
    freezer.tick(120)
    invoke(TICK)
    assert leftovers() == []


def test_an_image_that_is_not_there_is_named_as_the_cause(http, fargate):
    ALICE.create(image="nope:latest")
    (arn,) = fargate.start_tasks()
    fargate.cannot_pull(arn)
    found = ALICE.get()
    assert found["status"] == "Failed"
    assert found["reason"] == "The image could not be found; check its name and tag."


def test_memory_that_does_not_suffice_is_named_as_the_cause(http, fargate):
    ALICE.create()
    fargate.settle()
    fargate.out_of_memory(*fargate.tasks())
    assert ALICE.get()["reason"] == "It ran out of memory; ask for more with `memory`."


def test_a_container_that_ends_at_once_is_given_up_after_five_times_until_it_is_changed(
    http, fargate
):
    ALICE.create()
    for _ in range(5):
        fargate.start_tasks()
        fargate.crash(*fargate.tasks(), exit_code=3)
    found = ALICE.get()
    assert (found["status"], found["available_replicas"]) == ("Failed", 0)
    assert found["reason"] == "Its container ended by itself: exit code 3."
    assert fargate.start_tasks() == []
    ALICE.change(command=["serve"])
    fargate.settle()
    assert ALICE.get()["status"] == "Running"
    assert "reason" not in ALICE.get()


def test_what_crashes_now_and_then_goes_on(http, fargate, freezer):
    ALICE.create()
    fargate.settle()
    for _ in range(7):
        freezer.tick(400)
        fargate.crash(*fargate.tasks())
        fargate.settle()
    assert ALICE.get()["status"] == "Running"


def test_every_second_of_every_task_is_billed_once(http, fargate, invoke, freezer):
    ALICE.create(replicas=2)
    with fargate.holding_back() as held:
        fargate.settle()
        freezer.tick(100)
        fargate.crash(fargate.tasks()[0])
        fargate.settle()
    for event in [*reversed(held), *held]:
        invoke(event)
    freezer.tick(7200)
    costs = invoke({"action": "get-user-costs", "userId": "alice"})
    assert costs["cost"] > 0
    ALICE.delete()
    fargate.settle()
    invoke(TICK)
    costs = invoke({"action": "get-user-costs", "userId": "alice"})
    assert sorted(run["seconds"] for run in costs["runs"]) == [100, 7200, 7300]
    assert {run["kind"] for run in costs["runs"]} == {"function"}


def test_what_a_task_that_comes_up_waits_for_is_said(http, fargate, invoke):
    ALICE.create()
    (arn,) = fargate.start_tasks()
    event = fargate.event(arn)
    event["detail"]["containers"][0]["reason"] = "There is no room for it."
    invoke(event)
    found = ALICE.get()
    assert (found["status"], found["reason"]) == ("Pending", "There is no room for it.")
    fargate.settle()
    assert ALICE.get()["status"] == "Running"
    assert "reason" not in ALICE.get()


def test_a_hidden_value_stands_for_one_that_there_is_only(http, fargate):
    env = {"API_KEY": "first"}
    ALICE.create(env=env)
    for method, path, name in (("PATCH", "/dice", "PASSWORD"), ("POST", "", "API_KEY")):
        asked = {"name": "other", "image": "nginx", "env": {name: "***"}}
        answer = ALICE.call(method, path, asked)
        assert answer.status == 400
        assert f"send that of {name} itself" in answer.json["message"]


def test_a_task_is_billed_for_the_size_that_it_has_not_for_a_later_one(http, fargate, invoke):
    ALICE.create()
    with fargate.holding_back() as held:
        fargate.settle()
    ALICE.change(cpu=1024, memory=2048)
    for event in held:
        invoke(event)
    fargate.settle()
    assert sorted((int(run["cpu"]), int(run["memory"])) for run in world.items("runs")) == [
        (256, 512),
        (1024, 2048),
    ]


def test_what_ecs_never_takes_is_said_and_asked_again_when_it_is_changed(http, fargate, invoke):
    refused = refusal("ClientException", "Invalid image arn:aws:x")
    LAG.replies.append(("ecs.RegisterTaskDefinition", refused))
    with LAG.one_invocation():
        made = ALICE.create()
    assert made["status"] == "Failed"
    assert made["reason"] == "AWS does not take it as it is; change it, or tell the operator."
    ALICE.change(image="nginx:1.27")
    fargate.settle()
    assert ALICE.get()["status"] == "Running"
