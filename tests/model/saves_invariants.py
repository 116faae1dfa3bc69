"""What was saved can be had again, exactly, until its time is over; what has run is saved in the end.

As far as it can be seen in the table of saves, in the played repositories (tests/file_tasks.py) and in the files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests import world
from tests.file_tasks import Files, access_point
from tests.model import emulated
from tests.model.emulated import Item
from tests.model.invariants import Seen
from tests.model.simulation import Simulation, is_server

SAVES_KEPT = "2,2,1"
_LAST, _WEEKS, _MONTHS = (int(part) for part in SAVES_KEPT.split(","))
_TRIES = 2  # of a save that somebody has asked for, before the platform gives it up
Known = tuple[str, str]  # a save's repository and id


@dataclass
class Remembered:
    """What there was of saves at any earlier moment of a story."""

    content: dict[Known, int] = field(default_factory=dict)  # what each save holds
    staying: dict[Known, Item] = field(
        default_factory=dict
    )  # those that are kept, at the last look
    saved: dict[str, set[int]] = field(default_factory=dict)  # by repository, what was ever saved
    passwords: dict[str, str] = field(default_factory=dict)  # by secret's name
    deleted: set[str] = field(default_factory=set)  # by their ids, wherever that was asked for


def repository(instance: Item) -> str:
    """The name of a server's repository."""
    return str(instance.get("repository", instance["instanceId"]))


def no_server_has_half_of_its_files(seen: Seen, files: Files) -> None:
    """Nobody plays on files of which some are of one save and some of another."""
    for task in seen.alive:
        if is_server(task) and task.desired_status == "RUNNING":
            assert access_point(task) not in files.half, "a server starts on half of its files"
    for instance in seen.instances:
        if instance.get("accessPointId") in files.half and instance["status"] != "destroying":
            work = instance.get("work", {})
            assert work.get("kind") in ("restore", "import"), (
                f"nobody will put its files back: {instance}"
            )


def what_was_saved_can_be_had(seen: Seen, files: Files, before: Remembered) -> None:
    """Every save that is not about to go is in its repository, with what it held when it was made.

    It goes only because its member has deleted it, or since others are kept instead; a locked one never.
    """
    there = {(item["repository"], item["saveId"]): item for item in emulated.saves()}
    servers = _servers(seen)
    for known, item in there.items():
        if item["repository"] not in servers:
            continue  # its time is over
        assert not (item.get("locked") and "leaving" in item), "a locked save is to go"
        if "leaving" not in item:
            held = files.saved.get(item["repository"], {})
            assert item["snapshot"] in held, f"a save is not there: {item}"
            content = before.content.setdefault(known, held[item["snapshot"]])
            assert held[item["snapshot"]] == content, "a save holds something else"
            before.saved.setdefault(item["repository"], set()).add(content)
    staying = {known: item for known, item in there.items() if "leaving" not in item}
    for known, item in before.staying.items():
        is_whole = servers.get(known[0], {}).get("status", "destroying") != "destroying"
        if known not in staying and is_whole:
            _may_go(item, {**before.staying, **staying}, before, seen.now)
    before.staying = staying
    for instance in seen.instances:
        restored = instance.get("work", {}).get("restores", {}).get("snapshot")
        half = instance.get("accessPointId") in files.half
        assert not restored or half or restored in files.saved[repository(instance)]
    _passwords_stay(seen, before)


def _servers(seen: Seen) -> dict[str, Item]:
    """Whose each repository is: a server's, or what is left of one."""
    left = [
        item for item in emulated.items("saves") if "secretOf" in item and "leaving" not in item
    ]
    found = {str(item["saveId"]): item | {"status": "departed"} for item in left}
    return found | {repository(instance): instance for instance in seen.instances}


def _may_go(item: Item, others: dict[Known, Item], before: Remembered, now: int) -> None:
    if item["saveId"] in before.deleted:
        return
    assert not item.get("locked"), "a locked save has gone"
    assert item.get("keptUntil", 0) <= now, "the way back from an update has gone"
    of_its = [other for other in others.values() if other["repository"] == item["repository"]]
    newest_first = sorted(of_its, key=lambda other: other["saveId"], reverse=True)
    assert item not in newest_first[:_LAST], "one of the last saves has gone"
    for time, count in (("%G-%V", _WEEKS), ("%Y-%m", _MONTHS)):
        assert item not in _newest_of_each(newest_first, time)[:count], f"the save of a {time}"


def _newest_of_each(newest_first: list[Item], time: str) -> list[Item]:
    found: dict[str, Item] = {}
    for save in newest_first:
        found.setdefault(datetime.fromtimestamp(int(save["at"]), UTC).strftime(time), save)
    return list(found.values())


def _passwords_stay(seen: Seen, before: Remembered) -> None:
    """A repository's password is never another one: what was saved could not be read any more."""
    for name, values in emulated.named_secrets().items():
        if "savesPassword" in values:
            password = values["savesPassword"]
            assert before.passwords.setdefault(name, password) == password


def the_list_is_true(on: Simulation, user: str) -> None:
    """list-saves shows those that stay, the newest first, whatever the size of its pages.

    Of who has no server, those of a destroyed one that can come back.
    """
    server = next((i for i in emulated.items("instances") if i["userId"] == user), None)
    names = [repository(server)] if server else _come_back(user)
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = on.asks("list-saves", user, limit=2, **more)
        assert answer is not None
        if not answer["success"]:
            assert not names or answer["errorCode"] == "TIMEOUT_ERROR", answer
            return
        found += [save["saveId"] for save in answer["saves"]]
        if "next" not in answer:
            break
        more = {"next": answer["next"]}
    staying = [item for item in emulated.saves() if "leaving" not in item]
    assert found in [
        sorted((i["saveId"] for i in staying if i["repository"] == name), reverse=True)
        for name in names
    ]


def _come_back(user: str) -> list[str]:
    """The repositories of what is left of the member's servers and can come back."""
    left = [i for i in emulated.items("saves") if i["repository"] == f"departed#{user}"]
    return [str(i["saveId"]) for i in left if not {"takenBy", "leaving"} & i.keys()]


def all_is_saved(seen: Seen, on: Simulation, before: Remembered) -> None:
    """When nothing has happened for long: whatever has run was saved since, unless that has failed too often.

    Nothing is half put back, and nothing is left of servers that are gone.
    """
    files = on.files
    for instance in seen.instances:
        place, name = instance["accessPointId"], repository(instance)
        assert place not in files.half
        assert not {"work", "startsAfter"} & set(instance)
        content = files.content.get(place)
        is_saved = content in before.saved.get(name, set()) | files.mixed
        given_up = on.failures[place] >= _TRIES
        assert content is None or is_saved or given_up, f"it was never saved: {instance}"
    names = {repository(instance) for instance in seen.instances}
    assert {item["repository"] for item in emulated.items("saves")} <= names
    there = world.client("s3").list_objects_v2(Bucket=world.SAVES).get("Contents", [])
    keys = [str(item["Key"]) for item in there]
    assert {key.split("/")[1] for key in keys} <= names
    reports = [key for key in keys if key.startswith("results/")]
    for known, held in files.saved.items():
        nobodys = set(held) - {s["snapshot"] for s in emulated.saves()}
        reported = {json.loads(_body(key)).get("snapshot") for key in reports}
        assert known not in names or not nobodys & reported, "a save that nobody knows of"


def _body(key: str) -> bytes:
    read: bytes = world.client("s3").get_object(Bucket=world.SAVES, Key=key)["Body"].read()
    return read
