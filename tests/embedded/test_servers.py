"""Members' servers really run on the embedded AWS: the definition's containers, start script, files, stand-in."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local import embedded, foundry, foundry_image, stack
from tests.embedded.conftest import free_port
from tests.embedded.server_tasks import (
    ADMIN_KEY,
    BUILD,
    CLUSTER,
    KEY,
    Servers,
    address_of,
    exit_codes,
    until,
)
from tests.processes import alive, descendants

pytestmark = pytest.mark.embedded
QUICK = {"PLAYED_MACHINE_SECONDS": "0.3", "PLAYED_IMAGE_SECONDS": "0.3"}
QUICK |= {"PLAYED_FOUNDRY_SECONDS": "0.3"}


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setenv(name, value)
        with embedded.running(free_port(), servers=CLUSTER) as aws:
            yield Servers(aws)


@pytest.fixture(autouse=True)
def _nothing_left(servers: Servers) -> Iterator[None]:
    """What a test leaves running, it ends; no process is left."""
    yield
    for arn in servers.ecs.list_tasks(cluster=CLUSTER)["taskArns"]:
        servers.ecs.stop_task(cluster=CLUSTER, task=arn)
    until(lambda: not descendants(servers.aws.process.pid))


def stopped(servers, task, reason="By hand"):
    servers.ecs.stop_task(cluster=CLUSTER, task=task, reason=reason)
    return servers.becomes(task, "STOPPED")


def process_of(servers, text):
    """Of the processes that play containers, the one whose command has the text."""
    command = ["ps", "-A", "-o", "pid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = (line.strip().split(" ", 1) for line in listed.splitlines())
    there = descendants(servers.aws.process.pid)
    return next(int(pid) for pid, words in pairs if int(pid) in there and text in words)


def test_a_server_comes_up_step_by_step_and_answers_at_an_address_of_its_own(servers):
    server = servers.server()
    task = server.starts()
    seen = []

    def runs():
        now = servers.task(task)
        seen.append((now["lastStatus"], "pullStartedAt" in now, "pullStoppedAt" in now))
        return now["lastStatus"] == "RUNNING" and now

    now = until(runs)
    steps = list(dict.fromkeys(seen))
    assert steps[0] == ("PROVISIONING", False, False)
    assert ("ACTIVATING", True, False) in steps
    assert steps[-1] == ("RUNNING", True, True)
    moments = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt")
    assert [now[name] for name in moments] == sorted(now[name] for name in moments)
    assert re.fullmatch(r"127(\.\d+){3}", address_of(now))
    assert {c["name"]: c["lastStatus"] for c in now["containers"]} == {
        "prepare": "STOPPED",
        "foundry": "RUNNING",
    }
    assert server.asks(task, "/api/status") is None  # Foundry takes longer than its container
    answer = until(lambda: server.asks(task, "/api/status"))
    assert answer.json() == {"active": False, "version": BUILD}
    other = servers.server()
    assert address_of(servers.task(other.comes_up())) != address_of(now)


def test_the_real_start_script_gives_foundry_what_its_definition_says(servers):
    server = servers.server()
    task = server.comes_up()
    options = json.loads((server.data / "Config/options.json").read_text())
    assert (options["hostname"], options["proxySSL"]) == (server.host, True)
    assert json.loads((server.data / "Config/license.json").read_text()) == {
        "license": KEY.replace("-", "")
    }
    assert (server.data / "Config/admin.txt").read_text() == foundry.hidden(ADMIN_KEY)
    said = "\n".join(server.log(task))
    for line in (
        f"Entrypoint | .* \\[info\\] Starting felddy/foundryvtt container v{BUILD}.0",
        f"Installing Foundry Virtual Tabletop {BUILD}",
        "Setting 'Admin Access Key'.",
        "FoundryVTT | .* \\[warn\\] Software license requires signature.",
        "Server started and listening on port 30000",
    ):
        assert re.search(line.replace("|", "\\|"), said), said
    assert KEY not in said
    assert ADMIN_KEY not in said


def test_a_licence_is_signed_once_for_the_host_name_that_the_platform_gives(servers):
    server = servers.server()
    task = server.comes_up()
    assert server.asks(task, "/").headers["Location"] == "/license"
    form = {"adminPassword": ADMIN_KEY, "agree": "yes"}
    assert server.asks(task, "/license", form | {"adminPassword": "no"}).headers["Location"] == (
        "/license"
    )
    assert server.asks(task, "/license", form).headers["Location"] == "/setup"
    stopped(servers, task)
    again = server.comes_up()
    server.says(again, "Software license verification succeeded")
    assert server.asks(again, "/").headers["Location"] == "/setup"


def test_without_a_host_name_of_the_platforms_each_task_wants_a_signature_anew(servers):
    server = servers.server()
    server.is_signed()
    without = [{"name": "CONTAINER_CACHE", "value": "/cache"}]
    without += [{"name": "FOUNDRY_HOSTNAME", "value": server.host}]
    task = server.comes_up(environment=without)
    server.says(task, "Software license verification failed")
    assert server.asks(task, "/").headers["Location"] == "/license"


def test_players_come_and_go(servers):
    server = servers.server()
    server.has_world()
    task = server.comes_up()
    status = server.asks(task, "/api/status").json()
    assert (
        status.items() >= {"active": True, "world": "keep", "system": "dnd5e", "users": 0}.items()
    )
    assert server.asks(task, "/").headers["Location"] == "/join"
    joined = server.asks(task, "/join", {"userid": "Alex"})
    assert joined.headers["Location"] == "/game"
    assert server.asks(task, "/api/status").json()["users"] == 1
    assert server.asks(task, "/join", {"userid": "Alex"}).headers["Location"] == "/join"
    server.asks(task, "/game", {}, cookies=joined.cookies)
    assert server.asks(task, "/api/status").json()["users"] == 0


def test_only_its_administrator_shuts_a_world_and_opens_another(servers):
    server = servers.server()
    server.has_world()
    task = server.comes_up()
    shut = {"json": {"shutdown": True}}
    assert server.asks(task, "/setup", {}, **shut).status_code == 403
    refused = server.asks(task, "/auth", {"adminPassword": "wrong"})
    assert (refused.status_code, refused.headers["Location"]) == (302, "/join")
    admin = server.asks(task, "/auth", {"adminPassword": ADMIN_KEY})
    assert (admin.status_code, admin.headers["Location"]) == (302, "/setup")
    assert server.open_databases()
    assert server.asks(task, "/setup", {}, cookies=admin.cookies, **shut).status_code == 200
    assert server.asks(task, "/api/status").json()["active"] is False
    assert not server.open_databases()
    opens = {"json": {"action": "launchWorld", "world": "keep"}}
    server.asks(task, "/setup", {}, cookies=admin.cookies, **opens)
    assert server.asks(task, "/api/status").json()["active"] is True


def test_a_stop_gives_foundry_the_time_to_close_its_world(servers):
    server = servers.server()
    server.has_world()
    task = server.comes_up()
    assert server.open_databases()
    assert (server.data / "Config/options.json.lock").is_dir()
    told = servers.ecs.stop_task(cluster=CLUSTER, task=task, reason="By hand")["task"]
    assert (told["lastStatus"], told["desiredStatus"]) == ("RUNNING", "STOPPED")
    ended = servers.becomes(task, "STOPPED")
    assert exit_codes(ended) == {"prepare": 0, "foundry": 0}
    assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "By hand")
    moments = ("stoppingAt", "executionStoppedAt", "stoppedAt")
    assert [ended[name] for name in moments] == sorted(ended[name] for name in moments)
    assert not server.open_databases()
    assert not (server.data / "Config/options.json.lock").exists()
    server.says(task, "TERM signal received.  Shutting down server.")
    assert (server.data / "Config/clean-stop").exists()


def test_what_does_not_end_in_time_is_killed_and_leaves_its_data_unclean(servers):
    server = servers.server()
    server.has_world()
    task = server.comes_up(stopTimeout=1)
    os.kill(process_of(servers, "-u resources/app/main.mjs"), signal.SIGSTOP)
    began = time.monotonic()
    ended = stopped(servers, task)
    assert time.monotonic() - began >= 1
    assert exit_codes(ended)["foundry"] == 128 + signal.SIGKILL
    assert server.open_databases()
    assert not (server.data / "Config/clean-stop").exists()


def test_a_crash_has_its_exit_code_and_is_noticed_at_the_next_start(servers):
    server = servers.server()
    server.has_world()
    task = server.comes_up()
    server.goes_wrong("crash")
    ended = servers.becomes(task, "STOPPED")
    assert exit_codes(ended) == {"prepare": 0, "foundry": 1}
    assert ended["stopCode"] == "EssentialContainerExited"
    assert ended["stoppedReason"] == "Essential container in task exited"
    assert server.open_databases()
    old = time.time() - 11  # nobody has touched its lock for so long that it counts as left over
    os.utime(server.data / "Config/options.json.lock", (old, old))
    again = server.comes_up()
    server.says(again, "was not closed: recovering")


def test_data_that_another_has_locked_is_left_alone(servers):
    server = servers.server()
    server.has_world()
    server.comes_up()
    second = server.starts()
    ended = servers.becomes(second, "STOPPED")
    assert exit_codes(ended)["foundry"] == 1
    server.says(second, "cannot start in this directory which is already locked by another process")
    assert (server.data / "Config/options.json.lock").is_dir()


def test_who_runs_out_of_memory_is_killed_and_with_more_of_it_is_not(servers):
    server = servers.server()
    server.has_world()
    server.goes_wrong("out-of-memory")
    task = server.starts()
    ended = servers.becomes(task, "STOPPED")
    assert exit_codes(ended)["foundry"] == 137
    [container] = [c for c in ended["containers"] if c["name"] == "foundry"]
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert ended["stopCode"] == "EssentialContainerExited"
    (server.data / "Config/options.json.lock").rmdir()
    bigger = server.comes_up(memory=4096 - 128)
    time.sleep(0.5)
    assert servers.task(bigger)["lastStatus"] == "RUNNING"


def test_what_goes_wrong_is_in_the_log_in_the_images_own_words(servers):
    for does, said, code in (
        ("login-fails", "Unable to log in as ada, verify your credentials...", 255),
        ("too-many-requests", "Unexpected response 429: Too Many Requests", 1),
    ):
        server = servers.server(operatorAccount=False)
        server.goes_wrong(does)
        task = server.starts()
        assert exit_codes(servers.becomes(task, "STOPPED"))["foundry"] == code
        server.says(task, said)
    again = server.comes_up()  # 429 was answered once
    server.says(again, "Successfully logged in as: ada")
    server = servers.server()
    server.is_signed()
    server.goes_wrong("licence-invalid")
    server.says(server.comes_up(), "Software license verification failed")


def test_a_server_that_never_answers_is_running_for_ecs(servers):
    server = servers.server()
    server.goes_wrong("never-answers")
    task = server.starts()
    server.says(task, "Server started and listening")
    url = f"http://{address_of(servers.task(task))}:30000/api/status"
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, timeout=1)
    assert servers.task(task)["lastStatus"] == "RUNNING"
    stopped(servers, task)


def test_a_release_that_is_not_there_is_waited_for(servers):
    server = servers.server(foundryVersion="12")
    task = server.starts()
    server.says(task, "Waiting for foundryvtt-12.331.zip to be fetched.", "prepare")
    assert servers.task(task)["lastStatus"] in ("PENDING", "ACTIVATING")
    ended = stopped(servers, task)
    assert exit_codes(ended)["foundry"] is None
    assert "startedAt" not in ended


def test_who_cannot_be_prepared_is_not_started(servers):
    server = servers.server()
    empty = servers.aws.client("secretsmanager").create_secret(
        Name="empty",
        SecretString=json.dumps({"licenseKey": "", "awsConfig": "{}", "adminKey": "k"}),
    )
    server.instance["secretArn"] = empty["ARN"]
    task = server.starts()
    ended = servers.becomes(task, "STOPPED")
    assert exit_codes(ended) == {"prepare": 78, "foundry": None}
    assert ended["stopCode"] == "TaskFailedToStart"
    server.says(task, "There is no licence key.", "prepare")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"foundryVersion": "nightly"}, "CannotPullContainerError"),
        ({"accessPointId": "fsap-none"}, "ResourceInitializationError"),
        (
            {"secretArn": f"arn:aws:secretsmanager:{embedded.REGION}:000000000000:secret:none"},
            "ResourceInitializationError",
        ),
    ],
)
def test_what_cannot_be_had_fails_the_start_in_ecs_words(servers, changed, said):
    ended = servers.becomes(servers.server(**changed).starts(), "STOPPED")
    assert ended["stopCode"] == "TaskFailedToStart"
    assert ended["stoppedReason"].startswith(said)
    assert exit_codes(ended) == {"prepare": None, "foundry": None}


def test_a_purge_erases_one_directory_and_no_other(servers):
    mine, other = servers.server(), servers.server()
    for server in (mine, other):
        server.has_world()
    volume = {
        "name": "instances",
        "efsVolumeConfiguration": {
            "fileSystemId": servers.settings.file_system_id,
            "authorizationConfig": {"accessPointId": servers.access_point("/instances")},
        },
    }
    container = {
        "name": "purge",
        "image": "public.ecr.aws/docker/library/busybox@sha256:bdf57e52",
        "memory": 512,
        "command": ["sh", "-c", 'rm -rf -- "/instances/${INSTANCE_ID:?}"'],
        "mountPoints": [{"sourceVolume": "instances", "containerPath": "/instances"}],
    }
    defined = {
        "family": f"{CLUSTER}_purge",
        "networkMode": "awsvpc",
        "volumes": [volume],
        "containerDefinitions": [container],
    }
    task = servers.run(defined, {"purge": {"INSTANCE_ID": mine.id}})
    assert exit_codes(servers.becomes(task, "STOPPED")) == {"purge": 0}
    assert not mine.data.exists()
    assert other.data.exists()
    task = servers.run(defined, {})
    assert exit_codes(servers.becomes(task, "STOPPED"))["purge"] != 0
    assert other.data.exists()


def test_tasks_that_start_at_once_publish_the_same_release(tmp_path):
    path, many = tmp_path / "published/foundryvtt-13.351.zip", 8
    gate = threading.Barrier(many)

    def publish(_: int) -> None:
        gate.wait()
        foundry_image.publish("13.351", path)

    with ThreadPoolExecutor(many) as threads:
        list(threads.map(publish, range(many)))
    assert zipfile.ZipFile(path).testzip() is None
    assert list(path.parent.iterdir()) == [path]


def test_where_no_place_is_left_a_task_waits_and_says_why(monkeypatch):
    monkeypatch.setenv("PLAYED_AT_MOST", "1")
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    with embedded.running(free_port(), servers=CLUSTER) as aws:
        servers = Servers(aws)
        first = servers.server().comes_up()
        second = servers.server().starts()
        until(lambda: "reason" in servers.task(second)["containers"][0])
        waiting = servers.task(second)
        assert waiting["lastStatus"] == "PENDING"
        assert waiting["containers"][0]["reason"].startswith("This embedded run plays 1 servers")
        servers.ecs.stop_task(cluster=CLUSTER, task=first)
        running = servers.becomes(second, "RUNNING")
        assert all("reason" not in container for container in running["containers"])


def test_nothing_of_a_server_outlives_a_run_that_is_killed(tmp_path: Path):
    port, ready = free_port(), tmp_path / "ready"
    starter = (
        "import pathlib, time\n"
        "from local import embedded\n"
        f"with embedded.running({port}, servers={CLUSTER!r}) as aws:\n"
        f"    pathlib.Path({str(ready)!r}).write_text(f'{{aws.process.pid}} {{aws.directory}}')\n"
        "    time.sleep(60)\n"
    )
    environment = (
        os.environ | QUICK | {"TMPDIR": str(tmp_path)}
    )  # it cannot clear away what it made
    run = subprocess.Popen([sys.executable, "-c", starter], cwd=stack.TOP, env=environment)
    try:
        emulator, directory = (until(lambda: ready.exists() and ready.read_text()) or "").split()
        servers = Servers(embedded.Embedded(port, Path(directory), run))
        servers.server().comes_up()
        started = {int(emulator), *descendants(int(emulator))}
        assert len(started) >= 5
    finally:
        run.kill()
        run.wait()
    until(lambda: not alive(started))
