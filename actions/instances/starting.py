"""The decision to start a run: its id, its open bill and, for one that plays, its licence, in one transaction.

A run's id is stored before ECS is asked, and is the task's client token and `startedBy`. Whoever finds a
run without a task can therefore look for one and, if there is none, ask for it again (launching.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from actions.billing.pricing import hourly_rate
from actions.errors import Busy, FilesBusy, UnderMaintenance
from actions.instances.file_decisions import is_lasting
from actions.instances.file_definition import FILES_SIZE
from actions.instances.locking import Lock
from actions.instances.making_way import make_way
from actions.instances.sizes import size, size_of
from actions.instances.sleeping import bring_back
from actions.instances.transitions import transition
from actions.instances.worlds import world_to_open
from actions.licenses.choosing import refusal, suitable
from actions.licenses.rules import is_leased, is_leased_by
from actions.rates import counted_use, used_up
from services import clock, ids
from services.dynamodb import Attr, Condition, ConditionFailed, Operation, absent, transact
from services.fargate import Size
from services.instances import AT_REST, Instance, InstanceStatus, is_being_restored
from services.licenses import License
from services.locks import LOCK_SECONDS, lock_fields, unlocked_for
from services.platform import Platform
from services.runs import FILE_KINDS, Kind, Run
from services.saves import Save
from services.sessions import Session

_WHY = 2  # the position, in the transaction, of what lets it start: its session, or a start of the day's
PURGE_SIZE = (256, 512)  # CPU units and MiB, as template.yaml defines the purge task


@dataclass(frozen=True)
class Again:
    """A start by itself after the end of a run: with which memory unless with its member's choice."""

    after: Run
    memory: int | None
    tries: int


def start_run(
    platform: Platform,
    instance: Instance,
    session: Session | None = None,
    again: Again | None = None,
) -> Lock | None:
    """Decide that the instance starts; returns the lock on it. None if it is no longer at rest.

    `again` only if it rests since that run, once. For a `session`, only on the licence that it has booked, and None
    if the session is no longer as it was read. What its member asks for counts for the day, and what starts again
    after an end, a session that starts by itself does not. Raises UnderMaintenance, UsedUp, LicenseTaken when no
    licence is free, FilesBusy, StartDelayed while its files are saved: then its member's start follows by itself.
    """
    _let_pass(platform, instance, is_members=not (session or again))
    lock_id = ids.new_id()
    for license in suitable(platform, instance, session["licenseId"] if session else None):
        now, license_id = clock.now(), license["licenseId"]
        run_fields = _run_fields("play", lock_id, now) | {
            "statusSince": now,
            "lastStarted": now,
            "runLicense": license_id,
            "runSize": list(_size(platform, instance, session, again)),
        }
        if world := world_to_open(instance, now):
            run_fields["runWorld"] = world
        if "work" in instance:
            run_fields["unsaved"] = True
        operations = _operations(platform, instance, license, run_fields, session, again)
        try:
            transact(*operations)
        except ConditionFailed as refused:
            # The server, the session, or what follows from the end before, is no longer as it was read.
            lost = {0, *((_WHY,) if session else ()), *((len(operations) - 1,) if again else ())}
            if lost & refused.failed:
                return None
            if _WHY in refused.failed:
                raise used_up(platform, "starts") from None
            continue  # somebody was quicker with this licence
        started = {**instance, **run_fields, "status": InstanceStatus.STARTING}
        return Lock(platform, cast("Instance", started), lock_id)
    if not _is_still_at_rest(platform, instance):
        return None  # what took the licence is a start of this very instance
    raise refusal(platform, instance)


def _let_pass(platform: Platform, instance: Instance, *, is_members: bool) -> None:
    """Raise what keeps the server from starting; a file task under way makes way where it can."""
    if maintenance := platform.registry.maintenance():
        raise UnderMaintenance(maintenance.get("until"))
    if is_being_restored(instance):
        raise FilesBusy
    if "asleep" in instance and "work" not in instance:
        raise bring_back(platform, instance, is_wanted=is_members)
    if is_lasting(instance) and "runId" not in instance:
        raise Busy(instance["status"])
    if "runId" in instance and instance["status"] in AT_REST:
        raise make_way(platform, instance, is_wanted=is_members)


def _operations(
    platform: Platform,
    instance: Instance,
    license: License,
    run_fields: dict[str, Any],
    session: Session | None,
    again: Again | None,
) -> list[Operation]:
    now, license_id, user_id = clock.now(), license["licenseId"], instance["userId"]
    lock_id = run_fields["worker"]
    at_rest = absent("renews") & absent("runId") & unlocked_for(lock_id, now)
    # What is to be saved, and is not yet, is saved after this run.
    at_rest &= Attr("work").eq(instance["work"]) if "work" in instance else absent("work")
    if again:
        at_rest &= is_at_rest_since(again.after)
    removed = ("reason", "purged", "failure", "nextMemory", "work", "startsAfter", "sleepNotices")
    run = _run(platform, instance, run_fields, license_id)
    if run["memory"] > size_of(platform.settings, instance).memory:
        run["grown"] = True
    if again:
        run |= {"againOf": again.after["runId"], "tries": again.tries}
    operations = [
        *transition(platform, instance, InstanceStatus.STARTING, at_rest, run_fields, removed),
        platform.sessions.move(session, session["status"])
        if session
        else counted_use(platform, user_id, "starts"),
        platform.runs.begin(run),
        platform.licenses.hold(license, run_fields["runId"], user_id),
    ]
    # By one who has to give way. The own lease stays noted, so that a start between two makes them no longer.
    if is_leased(license, now) and not is_leased_by(license, user_id, now):
        operations.append(platform.licenses.forget_lease(license["holderUserId"]))
    if again:
        operations.append(platform.runs.followed(again.after))
    return operations


def _size(
    platform: Platform, instance: Instance, session: Session | None, again: Again | None
) -> Size:
    """What its member has chosen; more, where it starts by itself after it was too little."""
    memory = again.memory if again else instance.get("nextMemory") if session else None
    return size(platform.settings, memory) if memory else size_of(platform.settings, instance)


def is_at_rest_since(run: Run) -> Condition:
    """The condition that an instance rests since that run, and has not been started again."""
    stopped = Attr("status").eq(InstanceStatus.STOPPED)
    return stopped & Attr("lastStarted").lte(run["requestedAt"])


def start_purge(lock: Lock) -> None:
    """Decide that a task erases the instance's files; raises ConditionFailed if the lock is another's by now."""
    run_fields = _run_fields("purge", lock.lock_id, clock.now())
    no_active_run = lock.held & Attr("runId").not_exists()
    platform = lock.platform
    transact(
        platform.instances.change(lock.instance, no_active_run, run_fields),
        platform.runs.begin(_run(platform, lock.instance, run_fields)),
    )
    lock.instance = cast("Instance", {**lock.instance, **run_fields})


def start_file_run(
    lock: Lock, kind: Kind, order: Mapping[str, Any], leaving: Sequence[Save] = ()
) -> None:
    """Decide that a task handles the instance's files, as `order` says, and which saves it is to forget.

    Raises ConditionFailed if the lock is another's by now, or one of those saves has been locked.
    """
    platform = lock.platform
    run_fields = _run_fields(kind, lock.lock_id, clock.now())
    run_id = run_fields["runId"]
    run_fields["runOrder"] = json.dumps({"do": kind, "run": run_id, **order})
    no_active_run = lock.held & absent("runId")
    transact(
        platform.instances.change(lock.instance, no_active_run, run_fields),
        platform.runs.begin(_run(platform, lock.instance, run_fields)),
        *(platform.saves.leave(save, run_id, clock.now()) for save in leaving),
    )
    lock.instance = cast("Instance", {**lock.instance, **run_fields})


def _is_still_at_rest(platform: Platform, instance: Instance) -> bool:
    found = platform.instances.find(instance["userId"])
    if found is None or found["instanceId"] != instance["instanceId"]:
        return False
    return found["status"] in AT_REST


def _run_fields(kind: Kind, lock_id: str, now: int) -> dict[str, Any]:
    return {
        "runId": ids.new_run_id(),
        "runKind": kind,
        **lock_fields(lock_id, now),
        "due": "instance",
        "dueAt": now + LOCK_SECONDS,
    }


def _run(
    platform: Platform,
    instance: Instance,
    run_fields: dict[str, Any],
    license_id: str | None = None,
) -> Run:
    settings, kind = platform.settings, run_fields["runKind"]
    cpu, memory = run_fields.get("runSize", FILES_SIZE if kind in FILE_KINDS else PURGE_SIZE)
    run: Run = {
        "runId": run_fields["runId"],
        "userId": instance["userId"],
        "instanceId": instance["instanceId"],
        "kind": kind,
        "cpu": cpu,
        "memory": memory,
        "rate": hourly_rate(settings, cpu, memory),
        "requestedAt": clock.now(),
    }
    if license_id:
        run["licenseId"] = license_id
    if world := run_fields.get("runWorld"):
        run["world"] = world
    return run
