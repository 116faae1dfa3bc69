"""Fargate for members' servers: what the tasks of their cluster are made of, really run on this machine.

A task has a loopback address of its own and a directory for each of its volumes; EFS is a directory, an access
point one within it. A container is a process (`local/contained.py`) with the environment, secrets and command
of its definition, in which the paths of its mounts lead to those directories. The image of Foundry is played by
`local/foundry_image.py`, Foundry itself by `local/foundry.py`, those that handle files by `local/file_images.py`;
busybox is this machine's shell.

The cluster's name comes by the environment; so does how long things take, for those who cannot wait.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ecs, efs

from local import contained, file_images, foundry, foundry_image, places
from local.containers import (
    LINE,
    Record,
    keep_log,
    override_for,
    plain_environment,
    role_environment,
    secret_environment,
)
from local.file_images import Image

CLUSTER = (
    "PLAYED_SERVERS"  # the variable that names the cluster, beside which `<it>-releases` is played
)
PORT = 30000
_AT_MOST = int(os.environ.get("PLAYED_AT_MOST") or 20)  # tasks at once
_TICK = 0.05
_STOP_SECONDS = 30  # that a container has after SIGTERM, unless its definition says more
_FOUNDRY = re.compile(r"(?:^|/)felddy/foundryvtt:([\w.-]+)$")
_BUSYBOX = re.compile(r"(?:^|/)busybox(?:[:@]|$)")

_free = threading.BoundedSemaphore(_AT_MOST)
_addresses = threading.Lock()
_lives: dict[str, Life] = {}  # by task


def plays(cluster: str) -> bool:
    """Whether the tasks of a cluster run here."""
    ours = os.environ.get(CLUSTER)
    return bool(ours) and cluster in (ours, f"{ours}-releases")


def play(life: Life) -> None:
    """A task's life, from its request to its end."""
    task = life.task
    _lives[task["taskArn"]] = life
    try:
        life.live()
    finally:
        del _lives[task["taskArn"]]


def stop(task: Record, reason: str) -> None:
    """Somebody wants the task to end; it does so in its own time."""
    _ends(task, reason, "UserInitiated")


def reset() -> None:
    """Nothing of what runs is wanted any more, nor any file."""
    for life in list(_lives.values()):
        life.abandon()
    shutil.rmtree(_top() / "efs", ignore_errors=True)


class NotStartedError(Exception):
    """Why a task could not be started, in ECS's words."""


class Life:
    """What is known of a task while it lasts."""

    afterwards = 0.5  # seconds that giving back the network takes

    def __init__(self, task: Record, definition: Record, overrides: list[Record]) -> None:
        self._task, self._definition, self._overrides = task, definition, overrides
        self._id = task["taskArn"].rpartition("/")[2]
        self._root = _top() / "tasks" / self._id
        self._address = ""
        self._volumes: dict[str, Path] = {}
        self._containers: list[Played] = []
        self._abandoned = False

    @property
    def task(self) -> Record:
        """What the emulator keeps of it."""
        return self._task

    def live(self) -> None:
        """Play it to its end."""
        with self._place() as got:
            try:
                if got:
                    self._come_up()
                    while self._goes_on() and not self._ended():
                        time.sleep(_TICK)
            except NotStartedError as error:
                _ends(self._task, str(error), "TaskFailedToStart")
            except Exception as error:
                _ends(self._task, f"InternalError: {error!r}", "TaskFailedToStart")
                raise
            finally:
                self._end()

    def abandon(self) -> None:
        """Nobody wants to know its end."""
        self._abandoned = True
        for container in self._containers:
            container.kill()

    # --- Coming up --------------------------------------------------------------------------------------------

    @contextmanager
    def _place(self) -> Iterator[bool]:
        """Wait for one of the places; no if it was stopped meanwhile."""
        got = False
        while self._goes_on() and not (got := _free.acquire(timeout=1)):
            if self._task["lastStatus"] == "PROVISIONING":
                ecs._mark_task_pending(self._task["taskArn"], self._task)
            for shown in self._task["containers"]:
                shown["reason"] = (
                    f"This embedded run plays {_AT_MOST} servers at once, and so many run"
                )
        try:
            yield got
        finally:
            if got:
                _free.release()

    def _come_up(self) -> None:
        """All until it runs, or is to end."""
        self._task |= {k: v for k, v in self._task["overrides"].items() if k in ("cpu", "memory")}
        for shown in self._task["containers"]:
            shown.pop("reason", None)
        self._waits("MACHINE", 1)
        self._attach()
        if not (self._goes_on() and ecs._mark_task_pending(self._task["taskArn"], self._task)):
            return
        self._waits("MACHINE", 1, part=0.3)
        if not (self._goes_on() and ecs._mark_task_activating(self._task["taskArn"], self._task)):
            return
        images = [self._pull(container) for container in self._definition["containerDefinitions"]]
        self._waits("IMAGE", 2)
        self._task["pullStoppedAt"] = ecs._iso()
        self._mount()
        for container, image in zip(self._definition["containerDefinitions"], images, strict=True):
            if self._may_start(container):
                self._start(container, image)
        if self._goes_on():
            ecs._mark_task_running(self._task["taskArn"], self._task)

    def _attach(self) -> None:
        """An address of its own, which nobody else takes until its server has it."""
        with _addresses:
            taken = {life._address for life in _lives.values()}
            while not self._address or self._address in taken or not _is_free(self._address):
                parts = secrets.randbelow(128) + 64, secrets.randbelow(256)
                self._address = f"127.{parts[0]}.{parts[1]}.{secrets.randbelow(254) + 1}"
        details = [{"name": "privateIPv4Address", "value": self._address}]
        if subnet := self._task.get("_subnet"):
            details.insert(0, {"name": "subnetId", "value": subnet})
        self._task["attachments"] = [
            {
                "id": ecs.new_uuid(),
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": details,
            }
        ]

    def _pull(self, container: Record) -> Image:
        """The image; its files are where its HOME is."""
        home = self._root / container["name"] / "home"
        if _BUSYBOX.search(container["image"]):
            home.mkdir(parents=True)
            return Image({"PATH": os.environ["PATH"], "HOME": str(home)})
        if image := file_images.unpack(container["image"], home):
            return image
        named = _FOUNDRY.search(container["image"])
        try:
            build = foundry_image.build_of(named[1] if named else container["image"])
        except ValueError as error:
            raise NotStartedError(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s):"
                f" {container['image']}: not found. {error}."
            ) from None
        release = _top() / "published" / f"foundryvtt-{build}.zip"
        if not release.exists():
            foundry_image.publish(build, release)
        found = foundry_image.unpack(home, build, release)
        machine = {
            "address": self._address,
            "memory": self._memory(container),
            "seconds": _seconds("FOUNDRY", 4),
            "node": foundry_image.NODE,
            "switches": str(places.switches(_top())),
        }
        (home / foundry.MACHINE).write_text(json.dumps(machine))
        return Image(found)

    def _memory(self, container: Record) -> int:
        """In MiB, that the container may have."""
        said = override_for(container, self._overrides), container
        return int(
            next((each["memory"] for each in said if each.get("memory")), self._task["memory"])
        )

    def _mount(self) -> None:
        """A directory for each volume."""
        for volume in _lowered(self._definition.get("volumes", [])):
            config = volume.get("efsvolumeconfiguration")
            if config is None:
                self._volumes[volume["name"]] = _made(self._root / "volumes" / volume["name"])
                continue
            point = config.get("authorizationconfig", {}).get("accesspointid")
            known = efs._access_points.get(point) if point else None
            if known is None:
                raise NotStartedError(
                    "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS"
                    f" volumes: the access point {point} does not exist"
                )
            place = config["filesystemid"], known["RootDirectory"].get("Path", "/")
            self._volumes[volume["name"]] = _made(places.files(_top(), *place))

    def _may_start(self, container: Record) -> bool:
        """Wait for those on which it depends; no if the task is to end."""
        for other in container.get("dependsOn", []):
            first = next(c for c in self._containers if c.name == other["containerName"])
            while other["condition"] in ("SUCCESS", "COMPLETE") and not first.has_ended():
                if not self._goes_on():
                    return False
                time.sleep(_TICK)
            if other["condition"] == "SUCCESS" and first.code:
                raise NotStartedError("Task failed to start")
        return self._goes_on()

    def _start(self, container: Record, image: Image) -> None:
        override = override_for(container, self._overrides)
        mounts = {
            mount["containerPath"]: self._volumes[mount["sourceVolume"]]
            for mount in container.get("mountPoints", [])
        }
        here = partial(_here, {**mounts, **image.files})
        try:
            secret = secret_environment(container)
        except ecs._SecretResolutionError as error:
            raise NotStartedError(
                f"ResourceInitializationError: unable to pull secrets or registry auth: {error}"
            ) from None
        temporary = _made(Path(image.environment["HOME"]).parent / "tmp")
        environment = {
            **image.environment,
            **role_environment(self._definition, self._id),
            "TMPDIR": str(temporary),
            **{name: here(value) for name, value in plain_environment(container).items()},
            **secret,
            **{name: here(value) for name, value in plain_environment(override).items()},
            # Where container.sh looks for its volumes; and all belongs to who runs this.
            **{path.strip("/").upper(): str(place) for path, place in mounts.items()},
            "OWNER": "",
        }
        words = [*container.get("entryPoint", []), *container.get("command", [])]
        words = override.get("command") or words
        command = words if image.is_program else [here(word) for word in words]
        if image.lacks:
            command = ["/bin/sh", "-c", f'echo "$1"; exit {file_images.NO_SUCH_PROGRAM}', "sh"]
            command.append(image.lacks)
        shown = self._task["containers"][len(self._containers)]
        inside = {str(place): path for path, place in mounts.items()}
        self._containers.append(Container(container, shown, command, environment, self._id, inside))

    # --- Going ------------------------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        return not self._abandoned and self._task["desiredStatus"] != "STOPPED"

    def _ended(self) -> bool:
        """Whether a container has ended without which the task is nothing, or all have."""
        over = [container for container in self._containers if container.has_ended()]
        if any(container.is_essential for container in over) or len(over) == len(self._containers):
            _ends(self._task, "Essential container in task exited", "EssentialContainerExited")
            return True
        return False

    def _end(self) -> None:
        """End what runs, within the time that it has, and let it be known."""
        begun = time.monotonic()
        for container in self._containers:
            container.terminate()
        for container in self._containers:
            while not container.has_ended():
                if time.monotonic() - begun > container.stop_seconds or self._abandoned:
                    container.kill()
                time.sleep(_TICK)
            container.finish()
        if not self._abandoned:
            _becomes(self._task, "DEPROVISIONING", executionStoppedAt=ecs._iso())
            time.sleep(self.afterwards)
            for shown in self._task["containers"]:
                shown["lastStatus"] = "STOPPED"
            _becomes(self._task, "STOPPED", stoppedAt=ecs._iso())
        shutil.rmtree(self._root, ignore_errors=True)

    def _waits(self, what: str, usual: float, part: float = 1) -> None:
        """As long as that takes, unless the task is to end."""
        until = time.monotonic() + _seconds(what, usual) * part
        while self._goes_on() and time.monotonic() < until:
            time.sleep(_TICK)


class Played:
    """A container that runs, or has run, however it is played."""

    def __init__(self, definition: Record, shown: Record) -> None:
        self.name: str = definition["name"]
        self.is_essential: bool = definition.get("essential", True)
        self.stop_seconds: float = definition.get("stopTimeout", _STOP_SECONDS)
        self._shown = shown

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        raise NotImplementedError

    def has_ended(self) -> bool:
        """Whether it has; then it is shown how."""
        if self.code is None:
            return False
        self._shown["lastStatus"], self._shown["exitCode"] = "STOPPED", self.code
        return True

    def terminate(self) -> None:
        """Ask it to end."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it, and all that it has started."""
        raise NotImplementedError

    def finish(self) -> None:
        """Wait until nothing of it is left."""
        raise NotImplementedError


class Container(Played):
    """A container that is a process."""

    def __init__(
        self,
        definition: Record,
        shown: Record,
        command: list[str],
        environment: Mapping[str, str],
        task: str,
        inside: Mapping[str, str],
    ) -> None:
        super().__init__(definition, shown)
        self._inside = inside  # what it takes its mounts' directories for
        self._home = Path(environment["HOME"])
        lock = _top() / "tasks.lock"
        lock.touch()
        # It ends when its stdin does: when this process ends, however that comes about. Not with our group: what
        # ends that leaves nobody who could end what the container has started.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", contained.__file__, *command],
            cwd=self._home,
            env={**environment, "LOCK": str(lock)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        shown["lastStatus"], shown["runtimeId"] = "RUNNING", secrets.token_hex(16)
        where = ecs.get_account_id(), ecs.get_region()
        self._log = threading.Thread(target=self._keep_log, args=(definition, task, where))
        self._log.daemon = True
        self._log.start()

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def has_ended(self) -> bool:
        """Whether it has; then it is shown how, and that it was killed for its memory."""
        if not super().has_ended():
            return False
        if (self._home / foundry.OUT_OF_MEMORY).exists():
            self._shown["reason"] = "OutOfMemoryError: Container killed due to memory usage"
        return True

    def terminate(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it, and all that it has started."""
        if self._process.stdin:
            self._process.stdin.close()

    def finish(self) -> None:
        """Wait until what it said last is in its log."""
        self.kill()
        self._log.join(timeout=5)

    def _keep_log(self, definition: Record, task: str, where: tuple[str, str]) -> None:
        with request_scope(*where):
            keep_log(self._lines(), definition, task)

    def _lines(self) -> Iterator[str]:
        with self._process.stdout as said:  # type: ignore[union-attr] # it is a pipe
            for line in iter(partial(said.readline, LINE), b""):
                text = line.decode(errors="replace").rstrip("\r\n")
                for place, path in self._inside.items():
                    text = text.replace(place, path)
                yield text


def _here(mounts: Mapping[str, Path], text: str) -> str:
    """A text in which the paths of the mounts are those of their directories."""
    for path, place in mounts.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", str(place), text)
    return text


def _lowered(said: Any) -> Any:
    """With names in lower case: of a template's volumes the emulator keeps CloudFormation's spelling."""
    if isinstance(said, dict):
        return {name.lower(): _lowered(value) for name, value in said.items()}
    return [_lowered(each) for each in said] if isinstance(said, list) else said


def _ends(task: Record, reason: str, code: str) -> None:
    """The task is to end, for the first reason that is given."""
    with ecs.resource_lock("ecs-task", task["taskArn"]):
        if task["desiredStatus"] == "STOPPED":
            return
        ecs._bump_task_version(task)
        task |= {"desiredStatus": "STOPPED", "stoppingAt": ecs._iso()}
        task |= {"stoppedReason": reason, "stopCode": code}


def _becomes(task: Record, status: str, **moments: Any) -> None:
    with ecs.resource_lock("ecs-task", task["taskArn"]):
        ecs._bump_task_version(task)
        task |= {**moments, "lastStatus": status}
    ecs._recount_cluster(ecs._cluster_name_from_arn(task["clusterArn"]))


def _is_free(address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, PORT))
        except OSError:
            return False
    return True


def _seconds(what: str, usual: float) -> float:
    return float(os.environ.get(f"PLAYED_{what}_SECONDS") or usual)


def _top() -> Path:
    """The emulator's own directory."""
    return Path(tempfile.gettempdir())


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
