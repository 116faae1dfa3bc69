"""Tasks that save and restore files really run on the embedded AWS: the tools handed over, the program, its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from actions.instances.file_definition import (
    CONTAINER,
    PASSWORD,
    TOOLS,
    family,
    file_definition,
    program,
)
from local import embedded, file_images
from services.platform import Platform
from services.task_roles import FileRoles
from tests.embedded.conftest import forget_clients, free_port
from tests.embedded.server_tasks import CLUSTER, Server, Servers, until
from tests.processes import descendants

pytestmark = pytest.mark.embedded

QUICK = {"PLAYED_MACHINE_SECONDS": "0.1", "PLAYED_IMAGE_SECONDS": "0.1"}
ORDER = '{"do": "save", "run": "run-1"}'
# What the program tells of where it is; the words in quotes are its own.
LOOKS = """
import json, os, shutil, subprocess, sys
from pathlib import Path
def read(name):
    return sorted(path.name for path in Path(os.environ[name]).iterdir())
Path(os.environ["SCRATCH"], "here").touch()
Path(os.environ["DATA"], "put").write_text("by the program")
said = {name: read(name) for name in ("DATA", "SCRATCH", "TOOLS")}
said["tools"] = [subprocess.check_output([Path(os.environ["TOOLS"], tool)], text=True) for tool in said["TOOLS"]]
said["given"] = {name: value for name, value in os.environ.items() if name.isupper()}
said["python"] = sys.version_info[:2] >= (3, 11)
said["data"] = "/data"
print(os.environ["DATA"])
Path(os.environ["DATA"], "said").write_text(json.dumps(said))
"""
WAITS = """
import signal, sys, time
def stop(*_): print("Asked to end.", flush=True); sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("waiting", flush=True)
while True: time.sleep(0.05)
"""
DEAF = WAITS.replace("stop)", "signal.SIG_IGN)")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a machine: what the containers need, and a restic and a rclone that say who they are."""
    programs = tmp_path_factory.mktemp("bin")
    for name in ("sh", "cp", "true", "rm"):
        (programs / name).symlink_to(shutil.which(name) or "missing")
    return programs


@pytest.fixture(scope="module")
def servers(machine: Path) -> Iterator[Servers]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (QUICK | {"PATH": str(machine)}).items():
            patch.setenv(name, value)
        with embedded.running(free_port(), servers=CLUSTER) as aws:
            patch.undo()
            yield Servers(aws)


@pytest.fixture(autouse=True)
def _tools(servers: Servers, machine: Path) -> Iterator[None]:
    """Both are there; what a test leaves running, it ends."""
    for tool in TOOLS:
        (machine / tool).write_text(f"#!/bin/sh\necho {tool}\n")
        (machine / tool).chmod(0o755)
    yield
    for arn in servers.ecs.list_tasks(cluster=CLUSTER)["taskArns"]:
        servers.ecs.stop_task(cluster=CLUSTER, task=arn)
    until(lambda: not descendants(servers.aws.process.pid))


def starts(servers: Servers, server: Server, text: str, order: str = ORDER, **changed: Any) -> str:
    """Run the platform's definition with another program; returns the task's ARN."""
    secrets = servers.aws.client("secretsmanager")
    known = json.loads(
        secrets.get_secret_value(SecretId=server.instance["secretArn"])["SecretString"]
    )
    known |= {PASSWORD: "the-password-of-the-saves"}
    secrets.put_secret_value(SecretId=server.instance["secretArn"], SecretString=json.dumps(known))
    instance = server.instance | {"s3BucketName": "foundry-assets"}
    platform = SimpleNamespace(
        settings=servers.settings, save_bucket=SimpleNamespace(address=servers.aws.endpoint)
    )
    defined = file_definition(cast("Platform", platform), instance)
    defined["containerDefinitions"][-1] |= {"entryPoint": ["python3", "-c", text], **changed}
    return servers.run(defined, {CONTAINER: {"ORDER": order}})


def log(servers: Servers, server: Server, task: str, container: str = CONTAINER) -> list[str]:
    found = servers.logs.get_log_events(
        logGroupName=servers.settings.task_log_group,
        logStreamName=f"{family(server.id)}/{container}/{task.rpartition('/')[2]}",
        startFromHead=True,
    )
    return [event["message"] for event in found["events"]]


def codes(task: dict[str, Any]) -> dict[str, int | None]:
    return {c["name"]: c.get("exitCode") for c in task["containers"]}


def test_the_program_finds_files_tools_and_what_it_needs_to_know(servers, machine):
    server = servers.server()
    server.is_signed()
    arn = starts(servers, server, LOOKS)
    task = servers.becomes(arn, "STOPPED")
    assert codes(task) == {"restic": 0, "rclone": 0, "files": 0}, log(servers, server, arn)
    assert task["stopCode"] == "EssentialContainerExited"
    assert log(servers, server, arn) == ["/data"]
    said = json.loads((server.data / "said").read_text())
    assert said["DATA"] == ["Config", "put"]
    assert said["SCRATCH"] == ["here"]
    assert (said["TOOLS"], said["tools"]) == (["rclone", "restic"], ["rclone\n", "restic\n"])
    assert said["data"] == "/data", "what a program says in its own text stays as it is"
    assert said["python"]
    given = said["given"]
    assert given["ORDER"] == ORDER
    assert given["RESTIC_PASSWORD"] == "the-password-of-the-saves"
    assert given["S3_ENDPOINT"] == servers.aws.endpoint
    bucket = servers.settings.saves_bucket
    repository = f"s3:{servers.aws.endpoint}/{bucket}/repositories/{server.id}"
    assert given["RESTIC_REPOSITORY"] == repository
    assert given["ASSETS"] == "foundry-assets"
    assert given["AWS_SESSION_TOKEN"]
    assert not {"AWS_PROFILE", "AWS_CA_BUNDLE", "HTTP_PROXY", "PYTHONPATH"} & given.keys()


def test_its_credentials_are_those_of_its_role(servers):
    server = servers.server()
    servers.becomes(starts(servers, server, LOOKS), "STOPPED")
    given = json.loads((server.data / "said").read_text())["given"]
    sts = boto3.client(
        "sts",
        endpoint_url=servers.aws.endpoint,
        region_name=embedded.REGION,
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given["AWS_SESSION_TOKEN"],
    )
    assert f"assumed-role/{CLUSTER}-{server.id}-files/" in sts.get_caller_identity()["Arn"]


@pytest.mark.parametrize("tool", TOOLS)
def test_where_a_tool_is_missing_its_container_says_how_it_is_installed(servers, machine, tool):
    (machine / tool).unlink()
    server = servers.server()
    arn = starts(servers, server, LOOKS)
    task = servers.becomes(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == (
        "TaskFailedToStart",
        "Task failed to start",
    )
    assert codes(task)[tool] == 127
    assert codes(task)["files"] is None
    [line] = log(servers, server, arn, tool)
    assert f"no {tool} " in line
    assert "`apt-get install restic rclone`" in line
    assert not (server.data / "said").exists()


def test_what_a_machine_lacks_for_saves_is_said_in_passing(machine, monkeypatch):
    monkeypatch.setenv("PATH", str(machine))
    assert file_images.hint() == ""
    (machine / "rclone").unlink()
    said = " (not here: rclone missing; `apt-get install restic rclone`)"
    assert file_images.hint() == said


def test_a_program_that_is_asked_to_end_has_the_time_to(servers):
    server = servers.server()
    arn = starts(servers, server, WAITS)
    until(lambda: servers.task(arn)["lastStatus"] == "RUNNING")
    until(lambda: "waiting" in log(servers, server, arn))
    servers.ecs.stop_task(cluster=CLUSTER, task=arn, reason="The server is wanted")
    task = servers.becomes(arn, "STOPPED")
    assert codes(task)["files"] == 143
    assert task["stoppedReason"] == "The server is wanted"
    assert log(servers, server, arn)[-1] == "Asked to end."


def test_one_that_does_not_end_or_is_killed_has_the_exit_code_of_that(servers):
    server = servers.server()
    arn = starts(servers, server, DEAF, stopTimeout=2)
    until(lambda: servers.task(arn)["lastStatus"] == "RUNNING")
    until(lambda: "waiting" in log(servers, server, arn))
    servers.ecs.stop_task(cluster=CLUSTER, task=arn)
    assert codes(servers.becomes(arn, "STOPPED"))["files"] == 137
    arn = starts(servers, server, f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    task = servers.becomes(arn, "STOPPED")
    assert (codes(task)["files"], task["stopCode"]) == (137, "EssentialContainerExited")


def test_a_task_without_its_secret_does_not_start(servers):
    server = servers.server()
    arn = starts(
        servers, server, LOOKS, secrets=[{"name": "X", "valueFrom": "arn:aws:secretsmanager:x"}]
    )
    task = servers.becomes(arn, "STOPPED")
    assert "ResourceInitializationError: unable to pull secrets" in task["stoppedReason"]
    assert os.listdir(server.data) == []


TRUSTED = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
TRUSTED |= {"Action": "sts:AssumeRole"}
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}  # what a boundary leaves to the role


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """The same on an AWS that checks policies, with the role that the platform makes, and buckets."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    with embedded.running(free_port(), auth=True, servers=CLUSTER) as aws:
        for name, value in (embedded.CREDENTIALS | {"AWS_ENDPOINT_URL": aws.endpoint}).items():
            monkeypatch.setenv(name, value)
        servers, iam, s3 = Servers(aws), aws.client("iam"), aws.client("s3")
        servers.settings = servers.settings.model_copy(update={"stack_mark": "0a1b2c3d"})
        iam.create_role(RoleName="x", AssumeRolePolicyDocument=policy(TRUSTED))
        iam.create_policy(PolicyName="x", PolicyDocument=policy(ANYTHING))
        for bucket in (servers.settings.saves_bucket, "foundry-assets"):
            s3.create_bucket(Bucket=bucket)
        forget_clients()
        yield servers
    forget_clients()


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.skipif(
    bool(file_images.missing()),
    reason=f"{' and '.join(file_images.missing())} missing: {file_images.INSTALLED_BY}",
)
def test_the_role_of_file_tasks_has_the_rights_that_restic_and_rclone_need(checked):
    server, s3 = checked.server(), checked.aws.client("s3")
    server.has_world()
    s3.put_object(Bucket="foundry-assets", Key="maps/the keep.webp", Body=b"a map")
    bucket, made = checked.settings.saves_bucket, FileRoles(checked.settings)
    made.make(server.id, server.instance["accessPointId"], server.id, "foundry-assets")
    repository = f"s3:{checked.aws.endpoint}/{bucket}/repositories/{server.id}"
    # restic before 0.15, which Debian has, makes no repository where it may not see that there is a bucket.
    root = {"PATH": os.environ["PATH"], "HOME": os.devnull, **embedded.CREDENTIALS}
    root |= {"RESTIC_REPOSITORY": repository, "RESTIC_PASSWORD": "the-password-of-the-saves"}
    subprocess.run(["restic", "--no-cache", "init"], env=root, capture_output=True, check=True)

    def reported(run: str, **order: Any) -> dict[str, Any]:
        task = starts(checked, server, program(), json.dumps({"run": run, **order}))
        ended = checked.becomes(task, "STOPPED", within=120)
        assert codes(ended)["files"] == 0, log(checked, server, task)
        key = f"results/{server.id}/{run}.json"
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    first = reported("run-1", do="save")["snapshot"]
    world = server.data / "Data/worlds/keep/world.json"
    before = world.read_bytes()
    world.write_text("{}")
    s3.delete_object(Bucket="foundry-assets", Key="maps/the keep.webp")
    second = reported("run-2", do="save", check="1/8")
    assert second["checked"] == {"part": "1/8", "problems": []}
    restored = reported("run-3", do="restore", snapshot=first, what={"all": True})
    assert restored["restored"]["files"] > 5
    assert world.read_bytes() == before
    assert (
        s3.get_object(Bucket="foundry-assets", Key="maps/the keep.webp")["Body"].read() == b"a map"
    )
    assert reported("run-4", do="save", forget=[first])["forgot"] == [first]
