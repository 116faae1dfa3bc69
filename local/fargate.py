"""`python -m local.fargate`: the emulator, with tasks really run, by processes instead of containers.

Without Docker, the emulator's ECS calls each task RUNNING at once, for ever. That remains so, except in clusters
whose names end with `-functions`: there a task is a process of one of the images of `local/images.py`; and in the
servers' cluster, if one is named: there a task is what `local/servers.py` makes of it. The API, the
services' desired counts and their deployments are the emulator's own. Replaced is what would ask Docker, and what
would differ from AWS where the platform looks; `tests/embedded/test_fargate.py` holds that it still fits.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

from ministack import app
from ministack.core.responses import request_scope
from ministack.services import ecs

from local import images, light, log_events, servers
from local.containers import (
    LINE,
    Record,
    keep_log,
    override_for,
    plain_environment,
    secret_environment,
)

_PLAYED = "-functions"
_AT_MOST = 50  # processes
_KILL_AFTER = 3  # seconds that SIGTERM has; on Fargate 30
# Seconds that a service's next task waits after the first crash in a row, the second, and so on.
_PAUSES = (1, 2, 4, 8, 16, 32, 60)
_STEADY = 60  # seconds; who ran that long does not crash in a row
_REGISTRIES = ("docker.io/", "public.ecr.aws/docker/", "public.ecr.aws/nginx/", "library/")
_START = [sys.executable, "-I", "-S", "-B", "-u", "-X", "utf8", images.__file__]
# The emulator's words where AWS names the deployment.
_SCHEDULING = {
    "Deployment capacity limit",
    "Deployment completed",
    "Service deleted",
    "Service scaling down",
    "Task definition updated",
}

_free = threading.BoundedSemaphore(_AT_MOST)
_running: dict[str, Process] = {}  # by task
_resting: dict[str, tuple[int, float]] = {}  # by deployment: crashes, and until when no task starts
_scheduler = (
    threading.RLock()
)  # two that reconcile a service at once would both start what is missing
_plays: ContextVar[bool] = ContextVar("plays", default=False)  # in what is done for such a cluster


class Process:
    """A task's process."""

    def __init__(self, image: str, environment: dict[str, str]) -> None:
        self.asked_to_end = False
        self._began = time.monotonic()
        # It ends when its stdin does: when this process ends, however that comes about.
        self._process = subprocess.Popen(
            [*_START, image],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def lines(self) -> Iterator[str]:
        """What it says, as it comes, until it ends."""
        with self._process.stdout as said:  # type: ignore[union-attr] # it is a pipe
            for line in iter(partial(said.readline, LINE), b""):
                yield line.decode(errors="replace").rstrip("\r\n")

    def exit_code(self) -> int:
        """Wait for its end; a signal counts as in a container."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def end(self) -> int:
        """End it, and return its exit code."""
        self.asked_to_end = True
        self._process.terminate()
        try:
            self._process.wait(_KILL_AFTER)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self.exit_code()

    @property
    def was_steady(self) -> bool:
        """Whether it has run for so long that its end begins no row of crashes."""
        return time.monotonic() - self._began > _STEADY


def main() -> None:
    """Run the emulator, as `python -m ministack` does."""
    log_events.complete()
    os.chdir(tempfile.gettempdir())  # it came from the top of the repository for this module's sake
    app.main()


def _instead_of(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function, which is also given the original, wherever the emulator's ECS calls that of this name."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        original = getattr(ecs, name)
        instead = partial(function, original)
        setattr(ecs, name, instead)
        for action, carried_out in ecs._ACTION_MAP.items():
            if carried_out is original:
                ecs._ACTION_MAP[action] = instead
        return function

    return put


# --- Where a task is played -------------------------------------------------------------------------------------


def _cluster_of(request: Record) -> str:
    return ecs._resolve_cluster_name(request.get("cluster", "default")) or ""


def _is_played(cluster: str) -> bool:
    return cluster.endswith(_PLAYED) or servers.plays(cluster)


def _service_of(task: Record) -> tuple[str, str] | None:
    """The service's cluster and key, if a service has the task."""
    kind, _, name = task["group"].partition(":")
    cluster = task["clusterArn"].rpartition("/")[2]
    return (cluster, f"{cluster}/{name}") if kind == "service" else None


@contextmanager
def _playing() -> Iterator[None]:
    token = _plays.set(True)
    try:
        yield
    finally:
        _plays.reset(token)


@_instead_of("_get_docker")
def _docker(original: Callable[[], Any]) -> Any:
    """Only whether there is one matters: what would use it is replaced."""
    return _plays.get() or None


@_instead_of("_ts_to_epoch")
def _moment(original: Callable[[Any], Any], value: Any) -> Any:
    """Of any task: AWS tells milliseconds, by which changes have an order; the emulator, whole seconds."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


# --- Services ---------------------------------------------------------------------------------------------------


@_instead_of("_make_deployment")
def _deployment(original: Callable[..., Record], *given: Any) -> Record:
    """AWS's ids are numbers; they are also who started the tasks."""
    return {**original(*given), "id": f"ecs-svc/{secrets.randbelow(10**19):019}"}


@_instead_of("_deployment_needs_first_task")
def _first_alone(original: Callable[..., bool], *given: Any) -> bool:
    """The images have no digests that a first task would have to look up for the others."""
    return False


@_instead_of("_reconcile_service_tasks")
def _reconcile(original: Callable[[str, str], None], cluster: str, service: str) -> None:
    if not cluster.endswith(_PLAYED):
        return original(cluster, service)
    with _scheduler, _playing():
        _give_up_starts(cluster, service)
        return original(cluster, service)


def _give_up_starts(cluster: str, service: str) -> None:
    """What an older deployment has not brought up, perhaps never will, takes no room of the newer one's."""
    newest = ecs._primary_deployment(ecs._services.get(service, {}))
    for _, task in list(ecs._tasks.items()):
        if (
            _service_of(task) == (cluster, service)
            and task["lastStatus"] == "PENDING"
            and newest
            and task["_deployment_id"] != newest["id"]
        ):
            _end(task, "Task definition updated")


@_instead_of("_delete_service")
def _delete(original: Callable[[Record], Any], request: Record) -> Any:
    with _scheduler:  # nobody finds the service active, and then starts a task that it does not end
        return original(request)


def _rest(task: Record, process: Process | None) -> None:
    """After a crash the service's next task waits, longer each time; a new deployment begins anew."""
    service, deployment = _service_of(task), task["_deployment_id"]
    if service is None:
        return
    with _scheduler:
        crashes, until = _resting.get(deployment, (0, 0.0))
        if time.monotonic() < until:
            return
        crashes = 0 if process and process.was_steady else crashes
        pause = _PAUSES[min(crashes, len(_PAUSES) - 1)]
        _resting[deployment] = crashes + 1, time.monotonic() + pause
    account, region = task["taskArn"].split(":")[4], task["taskArn"].split(":")[3]

    def go_on() -> None:
        with request_scope(account, region):
            ecs._reconcile_service_tasks(*service)

    timer = threading.Timer(pause + 0.01, go_on)
    timer.daemon = True
    timer.start()


# --- Tasks ------------------------------------------------------------------------------------------------------


@_instead_of("_run_task")
def _run(original: Callable[[Record], Any], request: Record) -> Any:
    if not _is_played(_cluster_of(request)):
        return original(request)
    deployment = request.get("_deploymentId")
    if deployment:
        if time.monotonic() < _resting.get(deployment, (0, 0.0))[1]:
            return None  # a service's scheduler does not look at the answer
        request["startedBy"] = deployment
    elif not request.get("group"):
        family = request["taskDefinition"].rpartition("/")[2].partition(":")[0]
        request["group"] = f"family:{family}"
    with _playing():
        return original(request)


@_instead_of("_run_task_worker")
def _work(
    original: Any,
    task: Record,
    definition: Record,
    overrides: list[Record],
    docker: Any,
    account: str,
    region: str,
) -> None:
    """A task's life; in a thread of its own. Of a function's, only its first container is played."""
    container = definition["containerDefinitions"][0]
    with request_scope(account, region):
        if servers.plays(task["clusterArn"].rpartition("/")[2]):
            kind = light.Light if light.is_wanted() else servers.Life
            servers.play(kind(task, definition, overrides))
            return
        image = _image(container["image"])
        if image is None:
            task["containers"][0]["reason"] = (
                f"This embedded run plays no image {container['image']};"
                f" it knows: {', '.join(images.IMAGES)}"
            )
        if not ecs._mark_task_pending(task["taskArn"], task) or image is None:
            return
        with _place(task) as got:
            if got and ecs._mark_task_activating(task["taskArn"], task):
                _play(task, image, container, overrides)


def _image(name: str) -> str | None:
    """The image's name without registry, tag and digest; None if it is not one of ours."""
    for registry in _REGISTRIES:
        name = name.removeprefix(registry)
    name = name.partition("@")[0].partition(":")[0]
    return name if name in images.IMAGES else None


@contextmanager
def _place(task: Record) -> Iterator[bool]:
    """Wait for one of the places; no if the task was stopped meanwhile."""
    shown = task["containers"][0]
    while not (got := _free.acquire(timeout=1)) and ecs._task_is_active(task["taskArn"], task):
        shown["reason"] = f"This embedded run plays {_AT_MOST} tasks at once, and so many run"
    try:
        shown.pop("reason", None)
        yield got
    finally:
        if got:
            _free.release()


def _play(task: Record, image: str, container: Record, overrides: list[Record]) -> None:
    arn, shown = task["taskArn"], task["containers"][0]
    try:
        process = Process(image, _environment(container, overrides))
    except ecs._SecretResolutionError as error:
        _fail(task, f"ResourceInitializationError: unable to pull secrets: {error}")
        return
    except (OSError, ValueError) as error:  # an environment that no process can have
        _fail(task, f"CannotStartContainerError: {error}")
        return
    _running[arn] = process
    shown["lastStatus"], shown["runtimeId"] = "RUNNING", secrets.token_hex(6)
    if not ecs._mark_task_running(arn, task):
        process.end()
    elif service := _service_of(task):
        ecs._schedule_service_deployment_completion(
            *service, ecs.get_account_id(), ecs.get_region(), healthy_task=task
        )
    keep_log(process.lines(), container, arn.rpartition("/")[2])
    code = process.exit_code()
    del _running[arn]
    if not process.asked_to_end:
        _rest(task, process)
        why = "Essential container in task exited", "EssentialContainerExited"
        ecs._mark_task_stopped(arn, task, *why, exit_code=code)


def _fail(task: Record, reason: str) -> None:
    _rest(task, None)
    ecs._mark_task_stopped(task["taskArn"], task, reason, "TaskFailedToStart")


def _environment(container: Record, overrides: list[Record]) -> dict[str, str]:
    instead = plain_environment(override_for(container, overrides))
    return plain_environment(container) | secret_environment(container) | instead


@_instead_of("_stop_task")
def _stop(original: Callable[[Record], Any], request: Record) -> Any:
    cluster = _cluster_of(request)
    task = ecs._resolve_task(request.get("task", ""), cluster)
    reason = request.get("reason", "Task stopped by user")
    if task and servers.plays(cluster):
        servers.stop(task, reason)
        return ecs.json_response({"task": ecs._sanitize(task)})
    if task and cluster.endswith(_PLAYED):
        _end(task, reason)
    return original(request)


def _end(task: Record, reason: str) -> None:
    """The process first: the task has its true exit code, and none if it had no process."""
    arn, process = task["taskArn"], _running.get(task["taskArn"])
    code = process.end() if process else None
    if reason in _SCHEDULING:
        reason = f"Scaling activity initiated by (deployment {task['_deployment_id']})"
        ecs._mark_task_stopped(arn, task, reason, "ServiceSchedulerInitiated", code)
        return
    stopped = ecs._mark_task_stopped(arn, task, reason, "UserInitiated", code)
    if stopped and (service := _service_of(task)):
        ecs._reconcile_service_tasks(*service)


@_instead_of("reset")
def _reset(original: Callable[[], None]) -> None:
    original()
    _resting.clear()
    for process in list(_running.values()):
        process.end()
    servers.reset()


if __name__ == "__main__":
    main()
