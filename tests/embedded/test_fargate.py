"""Tenant functions really run on the embedded AWS: processes play their containers, seen through its API."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest
import requests

from local import embedded, stack
from local.ecs_events import TaskEvents
from tests.embedded.conftest import free_port
from tests.processes import alive, descendants, halted

pytestmark = pytest.mark.embedded
CLUSTER = "foundry-local-functions"
GROUP = "/ecs/foundry-local"
Found = TypeVar("Found")
Task = dict[str, Any]


def until(found: Callable[[], Found], within: float = 10) -> Found:
    """What is found, as soon as it is anything."""
    give_up = time.monotonic() + within
    while not (it := found()):
        assert time.monotonic() < give_up, it
        time.sleep(0.02)
    return it


class Functions:
    """Tenant functions as the platform makes them."""

    def __init__(self, aws: embedded.Embedded) -> None:
        self.aws = aws
        self.ecs, self.logs = aws.client("ecs"), aws.client("logs")
        self._marks = map("{:012x}".format, count())
        self.ecs.create_cluster(clusterName=CLUSTER)
        self.logs.create_log_group(logGroupName=GROUP)

    def define(self, image: str, mark: str | None = None, **container: Any) -> str:
        """A task definition; returns its ARN."""
        mark = mark or next(self._marks)
        options = {
            "awslogs-group": GROUP,
            "awslogs-region": embedded.REGION,
            "awslogs-stream-prefix": f"fn-{mark}",
        }
        logging = {"logDriver": "awslogs", "options": options}
        main = {"name": "main", "image": image, "essential": True, "logConfiguration": logging}
        defined = self.ecs.register_task_definition(
            family=f"{stack.STACK}_fn-ada-app-{mark}",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            containerDefinitions=[main | container],
        )
        return defined["taskDefinition"]["taskDefinitionArn"]

    def serve(self, image: str, replicas: int = 1, **container: Any) -> str:
        """A service; returns its name."""
        mark = next(self._marks)
        name = f"fn-ada-app-{mark}"
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=self.define(image, mark, **container),
            launchType="FARGATE",
            desiredCount=replicas,
            deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100},
        )
        return name

    def run(self, image: str, override: dict[str, str] | None = None, **container: Any) -> str:
        """One task, not of a service; returns its ARN."""
        given = [{"name": name, "value": value} for name, value in (override or {}).items()]
        started = self.ecs.run_task(
            cluster=CLUSTER,
            taskDefinition=self.define(image, **container),
            launchType="FARGATE",
            startedBy="run-1",
            overrides={"containerOverrides": [{"name": "main", "environment": given}]},
        )
        return started["tasks"][0]["taskArn"]

    def service(self, name: str) -> dict[str, Any]:
        return self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0]

    def task(self, arn: str) -> Task:
        return self.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]

    def tasks(self, service: str, status: str = "RUNNING") -> list[Task]:
        """The service's tasks that have the status."""
        desired = "STOPPED" if status == "STOPPED" else "RUNNING"
        arns = self.ecs.list_tasks(cluster=CLUSTER, serviceName=service, desiredStatus=desired)
        found = [self.task(arn) for arn in arns["taskArns"]]
        return [task for task in found if task["lastStatus"] == status]

    def replicas(self, service: str, wanted: int) -> list[Task]:
        """The service's tasks, once so many run."""
        return until(lambda: len(found := self.tasks(service)) == wanted and found) or []

    def stopped(self, arn: str) -> Task:
        """The task, once it has stopped."""
        return until(lambda: (task := self.task(arn))["lastStatus"] == "STOPPED" and task) or {}

    def says(self, task: str, text: str, within: float = 10) -> str:
        """The first line of the task's that has the text, once there is one."""
        return until(lambda: next((line for line in self.lines(task) if text in line), ""), within)

    def lines(self, task: str) -> list[str]:
        """What the task's container has said, as CloudWatch Logs has it."""
        definition = self.task(task)["taskDefinitionArn"]
        mark = re.findall("-([0-9a-f]{12}):", definition)[0]
        where = {"logGroupName": GROUP, "logStreamName": f"fn-{mark}/main/{task.split('/')[-1]}"}
        try:
            found = self.logs.get_log_events(**where, startFromHead=True)["events"]
        except self.logs.exceptions.ResourceNotFoundException:  # it has not begun
            return []
        return [event["message"] for event in found]

    def processes(self) -> set[int]:
        """Those that play a container; nothing else is started here by the emulator."""
        return descendants(self.aws.process.pid)


@pytest.fixture(scope="module")
def functions() -> Iterator[Functions]:
    with embedded.running(free_port()) as aws:
        yield Functions(aws)


@pytest.fixture(autouse=True)
def _nothing_left(functions: Functions) -> Iterator[None]:
    """What a test's services and tasks leave running, it ends; no process is left."""
    yield
    for arn in functions.ecs.list_services(cluster=CLUSTER)["serviceArns"]:
        functions.ecs.delete_service(cluster=CLUSTER, service=arn, force=True)
    for arn in functions.ecs.list_tasks(cluster=CLUSTER)["taskArns"]:
        functions.ecs.stop_task(cluster=CLUSTER, task=arn)
    until(lambda: not functions.processes())


def test_a_service_comes_up_and_answers_on_its_port_and_logs_each_request_at_once(functions):
    port = free_port()
    service = functions.serve(
        "nginx:alpine",
        command=["nginx", "-g", "daemon off;"],
        environment=[{"name": "PORT", "value": str(port)}],
    )
    (task,) = functions.replicas(service, 1)
    assert task["group"] == f"service:{service}"
    assert re.fullmatch(r"ecs-svc/\d{19}", task["startedBy"])
    assert task["containers"][0]["lastStatus"] == "RUNNING"
    moments = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt")
    assert [task[name] for name in moments] == sorted(task[name] for name in moments)
    functions.says(task["taskArn"], f"Listening on http://127.0.0.1:{port}")
    answer = requests.post(f"http://127.0.0.1:{port}/a?b=c", data="hello", timeout=10)
    assert answer.json().items() >= {"method": "POST", "path": "/a?b=c", "body": "hello"}.items()
    functions.says(task["taskArn"], '"POST /a?b=c HTTP/1.1" 200', within=1)
    shown = functions.service(service)
    assert (shown["status"], shown["runningCount"], shown["pendingCount"]) == ("ACTIVE", 1, 0)


def test_replicas_share_a_port_and_one_that_is_taken_is_left_alone(functions):
    taken = functions.aws.port
    for port, heard in ((free_port(), 2), (taken, 0)):
        service = functions.serve(
            "docker.io/library/node:18-alpine",
            replicas=2,
            environment=[{"name": "PORT", "value": str(port)}],
        )
        listening = [
            functions.says(task["taskArn"], "Listening") for task in functions.replicas(service, 2)
        ]
        assert sum(line.endswith(f":{port}") for line in listening) == heard


def test_a_job_prints_its_input_from_definition_secret_and_run_and_ends_with_0(functions):
    secret = functions.aws.client("secretsmanager").create_secret(
        Name="foundry-local/fn-1", SecretString=json.dumps({"INPUT_JSON": '{"from": "secret"}'})
    )
    at_rest = {
        "environment": [{"name": "INPUT_JSON", "value": '{"from": "definition"}'}],
        "secrets": [{"name": "INPUT_JSON", "valueFrom": f"{secret['ARN']}:INPUT_JSON::"}],
    }
    bucket = functions.aws.client("s3")
    bucket.create_bucket(Bucket="inputs")
    bucket.put_object(Bucket="inputs", Key="1", Body=b'{"from": "bucket"}')
    named = {"Bucket": "inputs", "Key": "1"}
    url = bucket.generate_presigned_url("get_object", Params=named, ExpiresIn=60)
    cases = [
        ("definition", {"environment": at_rest["environment"]}, None),
        ("secret", at_rest, None),
        ("run", at_rest, {"INPUT_JSON": '{"from": "run"}'}),
        ("bucket", at_rest, {"INPUT_URL": url}),
    ]
    for whence, container, override in cases:
        arn = functions.run("print-input:latest", override, **container)
        task = functions.stopped(arn)
        assert functions.lines(arn) == [json.dumps({"from": whence})]
        assert task["containers"][0]["exitCode"] == 0
        assert task["stopCode"] == "EssentialContainerExited"
        assert task["stoppedReason"] == "Essential container in task exited"
        assert task["startedAt"] <= task["stoppedAt"]
        assert task["group"].startswith("family:foundry-local_fn-ada-app-")


def test_a_secret_that_cannot_be_had_fails_the_start(functions):
    name = f"arn:aws:secretsmanager:{embedded.REGION}:000000000000:secret:none-abcdef"
    arn = functions.run("echo", secrets=[{"name": "KEY", "valueFrom": f"{name}:KEY::"}])
    task = functions.stopped(arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert "ResourceInitializationError" in task["stoppedReason"]
    assert "exitCode" not in task["containers"][0]


def test_a_crash_has_its_exit_code_and_what_was_said_on_stderr(functions):
    arn = functions.run("crash")
    task = functions.stopped(arn)
    assert task["containers"][0]["exitCode"] == 1
    assert functions.lines(arn) == ["Error: this image always crashes"]


def test_a_service_logs_for_as_long_as_it_runs(functions):
    (task,) = functions.replicas(functions.serve("clock"), 1)
    functions.says(task["taskArn"], "tick")
    known = len(functions.lines(task["taskArn"]))
    until(lambda: len(functions.lines(task["taskArn"])) > known, within=2)


def test_a_service_that_crashes_is_started_again_ever_later(functions):
    began = time.monotonic()
    service = functions.serve("crash")
    until(lambda: len(functions.tasks(service, "STOPPED")) == 3)  # at once, after 1 s and 2 s more
    assert time.monotonic() - began >= 3
    time.sleep(1.5)
    assert len(functions.tasks(service, "STOPPED")) == 3
    mended = functions.define("echo")
    functions.ecs.update_service(cluster=CLUSTER, service=service, taskDefinition=mended)
    functions.replicas(service, 1)


def test_a_stopped_task_ends_its_process_and_a_service_replaces_it(functions):
    service = functions.serve("clock")
    (task,) = functions.replicas(service, 1)
    functions.says(task["taskArn"], "tick")
    stopped = functions.ecs.stop_task(cluster=CLUSTER, task=task["taskArn"], reason="By hand")
    assert stopped["task"]["lastStatus"] == "STOPPED"
    assert stopped["task"]["stopCode"] == "UserInitiated"
    assert stopped["task"]["stoppedReason"] == "By hand"
    assert stopped["task"]["containers"][0]["exitCode"] == 128 + signal.SIGTERM
    (other,) = functions.replicas(service, 1)
    assert other["taskArn"] != task["taskArn"]
    assert len(functions.processes()) == 1


def test_a_process_that_does_not_end_is_killed(functions):
    arn = functions.run("clock")
    functions.says(arn, "tick")
    (process,) = functions.processes()
    os.kill(process, signal.SIGSTOP)
    until(lambda: process in halted())  # from now on it hears no SIGTERM
    stopped = functions.ecs.stop_task(cluster=CLUSTER, task=arn)["task"]
    assert stopped["containers"][0]["exitCode"] == 128 + signal.SIGKILL


def test_a_task_for_which_there_is_no_place_waits_and_says_so(functions):
    service = functions.serve("clock", replicas=50)
    functions.replicas(service, 50)
    job = functions.run("print-input")
    reason = until(lambda: functions.task(job)["containers"][0].get("reason"))
    assert "50 tasks at once" in reason
    assert functions.task(job)["lastStatus"] == "PENDING"
    functions.ecs.update_service(cluster=CLUSTER, service=service, desiredCount=49)
    assert functions.stopped(job)["containers"][0]["exitCode"] == 0


def test_a_service_is_scaled_up_and_down_and_deleted(functions):
    service = functions.serve("clock")

    def scaled(wanted: int) -> bool:
        return len(functions.tasks(service)) == len(functions.processes()) == wanted

    for wanted in (4, 2, 0, 1):
        functions.ecs.update_service(cluster=CLUSTER, service=service, desiredCount=wanted)
        until(partial(scaled, wanted))
    ended = functions.tasks(service, "STOPPED")[0]
    assert ended["stopCode"] == "ServiceSchedulerInitiated"
    why = f"Scaling activity initiated by (deployment {ended['startedBy']})"
    assert ended["stoppedReason"] == why
    functions.ecs.delete_service(cluster=CLUSTER, service=service, force=True)
    assert not functions.processes()
    assert functions.service(service)["status"] == "INACTIVE"


def test_an_update_runs_the_new_definition_before_it_ends_the_old_one(functions):
    service = functions.serve("clock", replicas=2)
    old = [task["taskArn"] for task in functions.replicas(service, 2)]
    new = functions.define("echo")
    functions.ecs.update_service(cluster=CLUSTER, service=service, taskDefinition=new)
    seen: list[int] = []

    def replaced() -> bool:
        tasks = functions.tasks(service)
        seen.append(len(tasks))
        return {task["taskDefinitionArn"] for task in tasks} == {new}

    until(replaced)
    assert min(seen) >= 2
    assert max(seen) == 4
    assert {functions.task(arn)["stopCode"] for arn in old} == {"ServiceSchedulerInitiated"}
    until(lambda: len(functions.service(service)["deployments"]) == 1)
    assert functions.service(service)["deployments"][0]["rolloutState"] == "COMPLETED"


def test_an_image_that_is_not_known_stays_pending_and_says_so(functions):
    service = functions.serve("ghcr.io/somebody/echo:1")
    (task,) = until(lambda: functions.tasks(service, "PENDING"))
    assert task["containers"][0]["reason"].startswith(
        "This embedded run plays no image ghcr.io/somebody/echo:1; it knows: clock, crash, echo,"
    )
    for image in ("localhost:5000/nginx@sha256:0", "public.ecr.aws/nginx/nginx:1@sha256:0"):
        assert not functions.processes()
        better = functions.define(image)
        functions.ecs.update_service(cluster=CLUSTER, service=service, taskDefinition=better)
    functions.replicas(service, 1)
    stopped = functions.stopped(task["taskArn"])
    assert "exitCode" not in stopped["containers"][0]
    assert "startedAt" not in stopped


def test_tasks_of_other_clusters_run_at_once_and_without_a_process(functions):
    functions.ecs.create_cluster(clusterName="foundry-local")
    definition = functions.define("nginx")
    (task,) = functions.ecs.run_task(cluster="foundry-local", taskDefinition=definition)["tasks"]
    assert task["lastStatus"] == "RUNNING"
    assert task["startedAt"]
    assert not functions.processes()


@dataclass(frozen=True)
class Told(embedded.Embedded):
    """The embedded AWS, but the rules' targets are here."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self if service == "lambda" else super().client(service)

    def invoke(self, **given: Any) -> None:
        self.events.append(json.loads(given["Payload"]) | {"to": given["FunctionName"]})


def test_changes_are_told_to_the_rules_targets_in_the_order_of_what_happened(functions):
    told = Told(functions.aws.port, functions.aws.directory, functions.aws.process)
    changes = TaskEvents(told, CLUSTER)
    changes.send()
    pattern = {"source": ["aws.ecs"], "detail": {"clusterArn": [{"suffix": f"/{CLUSTER}"}]}}
    rules, target = functions.aws.client("events"), f"arn:aws:lambda:{embedded.REGION}:1:function:f"
    rules.put_rule(Name="changes", EventPattern=json.dumps(pattern))
    rules.put_targets(Rule="changes", Targets=[{"Id": "1", "Arn": target}])
    service = functions.serve("echo")
    (first,) = functions.replicas(service, 1)
    changes.send()
    functions.ecs.stop_task(cluster=CLUSTER, task=first["taskArn"], reason="By hand")
    (other,) = functions.replicas(service, 1)
    job = functions.stopped(functions.run("print-input"))
    assert changes.send() == 3
    assert changes.send() == 0
    details = [event["detail"] for event in told.events]
    assert [(detail["taskArn"], detail["lastStatus"]) for detail in details] == [
        (first["taskArn"], "RUNNING"),
        (first["taskArn"], "STOPPED"),
        (other["taskArn"], "RUNNING"),
        (job["taskArn"], "STOPPED"),
    ]
    assert {event["to"] for event in told.events} == {target}
    assert {event["source"] for event in told.events} == {"aws.ecs"}
    ended = details[1]
    assert ended["group"] == f"service:{service}"
    assert ended["stopCode"] == "UserInitiated"
    assert ended["stoppedReason"] == "By hand"
    assert ended["containers"][0]["exitCode"] == 128 + signal.SIGTERM


def test_nothing_outlives_a_reset_nor_a_run_that_is_killed(tmp_path):
    port, ready = free_port(), tmp_path / "ready"
    starter = (
        "import pathlib, time\n"
        "from local import embedded\n"
        f"with embedded.running({port}) as aws:\n"
        f"    pathlib.Path({str(ready)!r}).write_text(str(aws.process.pid))\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # it cannot clear away what it made
    run = subprocess.Popen([sys.executable, "-c", starter], cwd=stack.TOP, env=environment)
    try:
        emulator = int(until(lambda: ready.exists() and ready.read_text()) or 0)
        aws = embedded.Embedded(port, tmp_path, run)
        Functions(aws).serve("clock", replicas=2)
        until(lambda: len(descendants(emulator)) == 2)
        requests.post(f"{aws.endpoint}/_ministack/reset", timeout=10)
        until(lambda: not descendants(emulator))
        Functions(aws).serve("clock", replicas=2)
        until(lambda: len(descendants(emulator)) == 2)
        started = {emulator, *descendants(emulator)}
    finally:
        run.kill()
        run.wait()
    until(lambda: not alive(started))
