"""One order and what it is carried out with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .repository import Repository
from .texts import Json
from .told import Told
from .tools import NOT_THERE, Tools


@dataclass(frozen=True)
class Task:
    """One order and what it is carried out with."""

    tools: Tools
    told: Told
    repository: Repository
    assets: str
    order: Json

    @property
    def run(self) -> str:
        """The run's id."""
        return self.told.run

    @property
    def fetched(self) -> Path:
        """Where the assets lie while they are saved or put back, as the directory `assets`."""
        return self.tools.scratch / "saved"


def fetch_assets(task: Task) -> bool:
    """Bring the asset bucket here; False if there is none."""
    place = task.fetched / "assets"
    place.mkdir(parents=True, exist_ok=True)
    if not task.assets:
        return False
    if task.tools.rclone("lsf", f"store:{task.assets}").code in NOT_THERE:
        return False
    sync(task, f"store:{task.assets}", str(place))
    return True


def sync(task: Task, source: str, target: str) -> None:
    """By size and by the time at which S3 says that an object was written: that takes no request for each."""
    task.told.progress("assets")
    ran = task.tools.rclone(
        "sync",
        "--use-json-log",
        "--verbose",
        "--stats=5s",
        "--use-server-modtime",
        "--no-update-modtime",
        source,
        target,
        on_line=task.told.of_rclone("assets"),
    )
    task.tools.must(ran)
