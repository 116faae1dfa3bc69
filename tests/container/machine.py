"""A task on this machine: directories for its volumes, the played image, and the script really run by `sh`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

from actions.instances.definition import SCRIPT

SHELLS = [["sh"], ["bash", "--posix"]] + ([["busybox", "sh"]] if shutil.which("busybox") else [])
IMAGE = Path(__file__).parent / "image"
KEY, OTHER_KEY = "AAAA-BBBB-CCCC-DDDD-EEEE-FFF1", "AAAA-BBBB-CCCC-DDDD-EEEE-FFF2"
BUILD = "13.351"


class Machine:
    """One task's storage and image; `prepare`, `play` and `fetch` are its containers."""

    def __init__(self, root: Path, shell: list[str], image: str = "2026") -> None:
        self.root, self.shell = root, shell
        for name in ("data", "prepared", "cache", "releases", "home"):
            (root / name).mkdir()
        for played in IMAGE.iterdir():
            shutil.copy(played, root / "home")
        (root / "home/image_version.txt").write_text(f"{BUILD}.0\n")
        self.calls = root / "calls"
        self.calls.touch()
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "DATA": str(root / "data"),
            "PREPARED": str(root / "prepared"),
            "CACHE": str(root / "cache"),
            "RELEASES": str(root / "releases"),
            "OWNER": str(os.getuid()),
            "FOUNDRY_VERSION": BUILD,
            "PLAYED_DATA": str(root / "data"),
            "PLAYED_ADDRESS": self.release(root / "published.zip").as_uri(),
            "CALLS": str(self.calls),
            "IMAGE": image,
        }

    def release(self, path: Path) -> Path:
        """A release of Foundry, as foundryvtt.com publishes it."""
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(IMAGE / "foundry.sh", "resources/app/main.mjs")
        return path

    def next_task(self) -> None:
        """Another task: what is the task's own is new, /data and the releases stay."""
        for name in ("prepared", "cache"):
            shutil.rmtree(self.root / name)
            (self.root / name).mkdir()

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """A container of the task; its log comes by `communicate`."""
        return subprocess.Popen(
            [*self.shell, "-c", SCRIPT, "container.sh", *words],
            cwd=self.root / "home",
            env=self.variables | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def call(self, *words: str, **variables: str) -> tuple[int, str]:
        """A container's exit code and log."""
        container = self.start(*words, **variables)
        log, _ = container.communicate(timeout=60)
        return container.returncode, log

    def prepare(self, key: str = KEY, **variables: str) -> tuple[int, str]:
        given = {
            "LICENSE_KEY": key,
            "AWS_CONFIG": '{"region": "eu"}',
            "OPTIONS": json.dumps({"hostname": "ada.play.example", "proxySSL": True}),
            "HOST_NAME": "foundry-1",
        }
        return self.call("prepare", **given | variables)

    def begin_play(self, **variables: str) -> subprocess.Popen[str]:
        given = {
            "CONTAINER_CACHE": self.variables["CACHE"],
            "CONTAINER_PRESERVE_CONFIG": "true",
            "FOUNDRY_ADMIN_KEY": "admin-key",
            "FOUNDRY_HOSTNAME": "ada.play.example",
            "FOUNDRY_AWS_CONFIG": "/prepared/aws.json",
            "FOUNDRY_PROXY_SSL": "true",
            "FOUNDRY_PROXY_PORT": "443",
        }
        arguments = ("resources/app/main.mjs", "--port=30000", f"--dataPath={self.root / 'data'}")
        return self.start("run", *arguments, **given | variables)

    def play(self, code: int = 0, **variables: str) -> tuple[int, str]:
        """A run of Foundry that ends by itself at once."""
        self.write("data/ends", str(code))
        container = self.begin_play(**variables)
        log, _ = container.communicate(timeout=60)
        (self.root / "data/ends").unlink()
        return container.returncode, log

    def wait_for(self, name: str) -> None:
        while not (self.root / name).exists():
            time.sleep(0.02)

    def json(self, name: str) -> dict[str, object]:
        return json.loads((self.root / name).read_text())

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
