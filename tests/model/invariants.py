"""The invariants of the platform, as far as they can be seen in what is stored and what exists in AWS.

Each function looks at all there is at one moment and raises AssertionError where an invariant is broken.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

from services.runs import FILE_KINDS
from services.webhooks import MOST as MOST_WEBHOOKS
from tests import world
from tests.model import emulated
from tests.model.emulated import Item
from tests.model.functions_commands import SECRET
from tests.model.functions_invariants import Functions, is_known
from tests.model.lives import Life
from tests.model.simulation import LEASE_SECONDS
from tests.recount import disagreements

NOTICE_SECONDS = 600
AT_REST = ("created", "stopped")
OF_A_RUN = ("runId", "taskArn", "runLicense", "address", "routing", "upSince", "idleSince")
OPEN = ("scheduled", "preparing", "running")
# Every secret that a test gives or that the emulator makes begins so, or is a secret's value.
MARKS = (
    "AAAA-BBBB-CCCC",
    "a-demo-admin-key",
    "OPERATOR-PW",
    world.KOFI_TOKEN,
    world.WEBHOOK_KEY,
    "whsec_",
    SECRET,
)


class Seen:
    """What there is at one moment."""

    def __init__(self, now: int, lives: dict[str, Life]) -> None:
        self.now = now
        self.lives = lives
        self.instances = emulated.items("instances")
        self.by_run = {i["runId"]: i for i in self.instances if "runId" in i}
        self.runs = {run["runId"]: run for run in emulated.items("runs")}
        self.sessions = {session["sessionId"]: session for session in emulated.items("sessions")}
        stored = emulated.items("licenses")
        self.licenses = {item["licenseId"]: item for item in stored if "ownerId" in item}
        self.claims = [item for item in stored if "claimedBy" in item]
        self.leases = [item for item in stored if "leased" in item]
        self.alive = [task for task in emulated.tasks() if task.last_status != "STOPPED"]
        self.functions = Functions(now)


def one_of_each(seen: Seen) -> None:
    """A user has at most one instance (the table's key), a host name at most one; nobody's name is lost."""
    claims = {c["host"]: (c["userId"], c["instanceId"]) for c in emulated.items("hosts")}
    wanted = {i["host"]: (i["userId"], i["instanceId"]) for i in seen.instances}
    assert len(wanted) == len(seen.instances), "two instances under one name"
    assert claims == wanted


def one_writer(seen: Seen) -> None:
    """At most one task has an instance's files, and it is the instance's present run.

    A task that was asked to stop still writes until it has stopped: two that want to run are worse, not other.
    """
    wanted = [task for task in seen.alive if task.desired_status == "RUNNING"]
    wanting = Counter(seen.runs[task.started_by]["instanceId"] for task in wanted)
    assert not wanting or max(wanting.values()) == 1, "two tasks want to run on one data directory"
    for task in seen.alive:
        assert task.started_by in seen.by_run, f"a task that nobody knows of: {task.started_by}"
    several = Counter(seen.runs[task.started_by]["instanceId"] for task in seen.alive)
    assert not several or max(several.values()) == 1, "two tasks on one data directory"


def one_holder(seen: Seen) -> None:
    """A task that plays holds the licence it plays on, and holders are runs or leases that exist."""
    for task in seen.alive:
        if (run := seen.runs[task.started_by])["kind"] == "play":
            held = seen.licenses.get(run["licenseId"], {}).get("holder")
            assert held == run["runId"], f"{run['userId']} plays on a licence that it does not hold"
    leases = {lease["licenseId"]: lease for lease in seen.leases}
    for license in seen.licenses.values():
        if "leaseUntil" in license:
            assert license["leaseUntil"] <= seen.now + LEASE_SECONDS
            if license["leaseUntil"] > seen.now:
                lease = leases[license["holder"]]
                assert lease["leased"] == license["licenseId"]
                assert lease["until"] == license["leaseUntil"]
        elif "holder" in license:
            holder = seen.by_run[license["holder"]]
            assert holder["runLicense"] == license["licenseId"]
            assert holder["userId"] == license["holderUserId"]


def one_key_is_one_licence(seen: Seen) -> None:
    """No two servers have the same licence key, and every key that one has is claimed for it."""
    keys = Counter(
        json.loads(secret)["licenseKey"]
        for secret in emulated.instance_secrets()
        if "licenseKey" in secret
    )
    assert not keys or max(keys.values()) == 1, "two servers with one key"
    claimed = {i["instanceId"]: i.get("licenseClaims", []) for i in seen.instances}
    claimed |= {kept["instanceId"]: kept["claims"] for kept in _kept(seen)}
    for claim in seen.claims:
        assert claim["instanceId"] in claimed, "a key is claimed for a server that is gone"
        assert claim["licenseId"].removeprefix("key:") in claimed[claim["instanceId"]]


def _kept(seen: Seen) -> list[Item]:
    """What is known of licences that have stayed though their servers are gone."""
    return [license["kept"] for license in seen.licenses.values() if "kept" in license]


def nothing_overlaps(seen: Seen) -> None:
    """Neither a licence's reserved windows nor a member's own sessions overlap."""
    for license in seen.licenses.values():
        _one_after_the_other(license["windows"])
    for instance in seen.instances:
        _one_after_the_other(instance.get("bookings", []))
    for user in {session["userId"] for session in seen.sessions.values()}:
        own = [s for s in seen.sessions.values() if s["userId"] == user and s["status"] in OPEN]
        _one_after_the_other([{"begins": s["startTime"], "ends": s["endTime"]} for s in own])


def the_three_records_agree(seen: Seen) -> None:
    """A session, its licence's reserved window and its member's booking are made and ended together."""
    for session in seen.sessions.values():
        _is_booked(seen, session)
    for license in seen.licenses.values():
        for window in license["windows"]:
            session = seen.sessions[window["sessionId"]]
            assert "due" in session, "a window of a session that is over and done with"
            assert session["licenseId"] == license["licenseId"]
    for instance in seen.instances:
        for booking in instance.get("bookings", []):
            session = seen.sessions[booking["sessionId"]]
            assert session["licenseId"] == booking["licenseId"]
            assert session["userId"] == instance["userId"]


def _one_after_the_other(times: list[Item]) -> None:
    times = sorted(times, key=lambda time: time["begins"])
    for earlier, later in pairwise(times):
        assert earlier["ends"] <= later["begins"], f"overlap: {earlier} and {later}"


def _is_booked(seen: Seen, session: Item) -> None:
    """A session that is still to be played has its licence's time, and its member's."""
    if session["status"] not in OPEN or session["endTime"] <= seen.now:
        return
    license = seen.licenses.get(session["licenseId"])
    assert license, "a session on a licence that is gone"
    assert session["sessionId"] in [w["sessionId"] for w in license["windows"]]
    (instance,) = (i for i in seen.instances if i["userId"] == session["userId"])
    assert session["sessionId"] in [b["sessionId"] for b in instance["bookings"]]


def _bill(run: Item) -> Item:
    """A run without what is found out of its end, or of how long what it saved was stored, later."""
    later = ("open", "dueAt", "why", "lines", "told", "storedUntil", "storedCost")
    return {name: value for name, value in run.items() if name not in later}


def billed_once(seen: Seen, bills: dict[str, Item]) -> None:
    """A run that is over is billed with the seconds that its task existed, and its bill never changes.

    `bills` are those that were seen before; those that are new are added.
    """
    for run_id, bill in bills.items():
        run = seen.runs[run_id]
        assert _bill(run) == _bill(bill), "a bill has changed"
        for name in ("storedUntil", "storedCost"):
            assert run.get(name, 0) >= bill.get(name, 0), (
                "storage is billed for longer, never for less"
            )
        bills[run_id] = run
    for run in seen.runs.values():
        if run["runId"] in bills:
            continue
        if "stoppedAt" not in run:
            open_one = run["runId"] in seen.by_run or is_known(seen.functions, run)
            assert open_one, "a run that is not billed, and never will be"
            continue
        life = seen.lives.get(run["runId"], Life())
        alive = [*seen.alive, *seen.functions.alive]
        assert life.end or not any(run["runId"] in (t.started_by, t.id) for t in alive)
        # What ECS has forgotten is billed up to when it was last seen.
        billed, existed = run["seconds"], life.seconds
        assert billed == existed or (life.forgotten and billed <= existed), (run, life)
        bills[run["runId"]] = run


def every_second_is_billed(seen: Seen) -> None:
    """When all is over, the ledger has each second of each task once, whatever became of its run."""
    billed: Counter[str] = Counter()
    for entry in emulated.items("ledger"):
        if ":run:" in entry["entry"]:
            billed[entry["runId"]] += entry["seconds"]
    for run_id, life in seen.lives.items():
        existed = life.seconds
        assert billed[run_id] == existed or (life.forgotten and billed[run_id] <= existed), (
            f"{existed} seconds of {run_id}, billed {billed[run_id]}"
        )


def nothing_is_stuck(seen: Seen) -> None:
    """An hour after the last disturbance nothing is on its way any more: it has arrived, or was given up.

    What a schedule has begun within the hour, a session's start or a stop, has half of it. What is being destroyed
    may wait longer: files that could not be erased are tried again every hour.
    """
    for instance in seen.instances:
        is_settled = instance["status"] in (*AT_REST, "running", "destroying")
        assert is_settled or seen.now - instance["statusSince"] <= 1800, f"stuck: {instance}"
        assert "worker" not in instance, f"somebody works on it without end: {instance}"
        assert "startsAfter" not in instance, f"a start that never comes: {instance}"
    held = [x for x in seen.licenses.values() if "holder" in x and "leaseUntil" not in x]
    for license in held:
        assert license["holder"] in seen.by_run, "a licence is held by what is over"


def reasons_are_for_members(seen: Seen) -> None:
    """What a member reads names no class of an error: that is for the log."""
    for item in (*seen.instances, *seen.sessions.values(), *seen.functions.items):
        assert "Exception" not in item.get("reason", ""), item["reason"]


def the_books_agree() -> None:
    """The counters and the ledger are what a full recount comes to."""
    assert disagreements(emulated.items) == {}


def at_rest_nothing_is_left(seen: Seen) -> None:
    """What is at rest has no task but one that handles its files, no route, no licence, no worker; what has a route
    has a run.
    """
    groups, rules = emulated.routes()
    with_route = {
        f"fvtt-{world.MARK}-{i['instanceId']}" for i in seen.instances if i.get("routing")
    }
    assert groups <= with_route, "a target group without a server"
    assert rules <= len(groups), "a rule without a target group"
    for instance in seen.instances:
        if instance["status"] in AT_REST:
            handles_files = instance.get("runKind") in FILE_KINDS
            allowed = {"runId", "taskArn", "upSince"} if handles_files else set()
            assert not set(OF_A_RUN) & set(instance) - allowed, instance
            is_unfinished = {"runId", "work", "startsAfter", "worker"} & set(instance)
            assert "due" in instance or not is_unfinished, f"nobody will look after {instance}"
        else:
            assert "due" in instance, f"nobody will look after {instance}"
    for session in seen.sessions.values():
        assert session["status"] not in OPEN or "due" in session


def told_before(notices: list[tuple[int, str, str]], *, punctual: bool) -> None:
    """Whoever's server is stopped because its time has come was told so ten minutes before: by the last notice of
    that stop, so that a second one would be found.

    If the ticks were `punctual`, that holds for whoever gives way to a session, too, within a tick.
    """
    told: dict[tuple[str, str], int] = {}
    for moment, kind, user in notices:
        if kind in ("about-to-stop", "about-to-give-way"):
            told[kind, user] = moment
        elif kind == "stopped":
            warned = told.pop(("about-to-stop", user))
            assert warned <= moment - NOTICE_SECONDS, "stopped without a warning"
        elif kind == "gave-way" and punctual:
            warned = told.pop(("about-to-give-way", user))
            assert warned <= moment - NOTICE_SECONDS + 60, "gave way without a warning"


def webhooks_are_counted() -> None:
    """Each webhook is counted, and has a claim on its URL that no other of its member's has."""
    found: dict[str, list[Item]] = {}
    for item in emulated.items("webhooks"):
        found.setdefault(item["userId"], []).append(item)
    for items in found.values():
        webhooks = [item for item in items if "url" in item]
        claims = [item for item in items if item["webhookId"].startswith("url:")]
        (counted,) = (item["count"] for item in items if "count" in item)
        assert counted == len(webhooks) == len(claims) <= MOST_WEBHOOKS
        assert len({webhook["url"] for webhook in webhooks}) == len(webhooks)


def secrets_are_secret(log: str) -> None:
    """No secret is in a table, a task definition's plain environment or the log."""
    stored = repr([emulated.items(table) for table in world.TABLES])
    shown = stored + repr(emulated.environments()) + log
    stored_secrets = [json.loads(secret) for secret in emulated.instance_secrets()]
    passwords = [values["savesPassword"] for values in stored_secrets if "savesPassword" in values]
    for mark in (*MARKS, *emulated.access_keys(), *passwords):
        assert mark not in shown


def all_is_over(seen: Seen) -> None:
    """When nobody has asked for anything for long: everything is at rest, and nothing is left over."""
    assert not seen.alive
    assert emulated.routes() == (set(), 0)
    for instance in seen.instances:
        assert instance["status"] in AT_REST
        assert not {"worker", "due"} & set(instance)
        assert not instance.get("bookings")
    for license in seen.licenses.values():
        assert "leaving" not in license
        assert not license["windows"]
        assert "holder" not in license or "leaseUntil" in license
        assert license.get("pool") != "ending"
    owned = {i["licenseId"] for i in seen.instances if "licenseId" in i}
    assert {name for name, x in seen.licenses.items() if "kept" not in x} == owned
    assert all("stoppedAt" in run for run in seen.runs.values())
    ids = {i["instanceId"] for i in seen.instances}
    keys = {kept["instanceId"] for kept in _kept(seen)}
    saved = {f"{i['instanceId']}-files" for i in seen.instances if "filesDefinition" in i}
    names = {
        "buckets": {i["s3BucketName"] for i in seen.instances}
        | {f"functions-{world.MARK}-{world.ACCOUNT}", world.SAVES},
        "users": {f"{world.STACK}-{name}" for name in ids},
        "roles": {f"{world.STACK}-{name}" for name in ids | saved},
        "secrets": {f"{world.STACK}/{name}" for name in (*ids, *keys, "webhook-key", "discord")}
        | {"operator", "kofi", "token-key"},
        "access points": ids | {"cache"},
        "families": {f"{world.STACK}_{name}" for name in ids | saved} | {f"{world.STACK}_purge"},
        "records": {i["host"] for i in seen.instances} | {world.DOMAIN},
    }
    there = emulated.resources()
    different = {kind: there[kind] ^ names[kind] for kind in names if there[kind] != names[kind]}
    assert not different, f"left over, or missing: {different}"
