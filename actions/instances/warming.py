"""From a task that runs to a table: the way to Foundry, first for the platform alone, and what Foundry then says.

Foundry answers minutes after its task runs, so until then only the platform is let through to it, by a header that
nobody else knows. Once it answers the way is open to players, the server is `running`, and its member is told when
its world can be played, or what it waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.locking import Lock, lock_run
from actions.instances.transitions import transition
from actions.instances.worlds import why_at_setup
from actions.notices import tell
from services import clock
from services.dynamodb import Attr, Condition, ConditionFailed
from services.ecs import Task
from services.errors import LoadBalancerFull
from services.instances import Booking, Instance, InstanceStatus, Phase, booked_now
from services.locks import LOCK_FIELDS
from services.platform import Platform

ARRIVING_SECONDS = 60  # the minute tick looks at what comes up
# In which Foundry opens the world that it was started with, unless it says why not.
WORLD_SECONDS = 180
_NO_ADDRESS = "The server runs, but it was given no network address, so that nobody can reach it."
_NO_ROUTE = "All routes of the load balancer are in use; the server is reachable when one is free."


def is_arriving(instance: Instance) -> bool:
    """Whether its member waits for it: it starts, or nobody was told yet that it is ready."""
    if instance["status"] == InstanceStatus.RUNNING:
        return "phase" in instance and "saidReady" not in instance
    return instance["status"] == InstanceStatus.STARTING


def warm_up(platform: Platform, instance: Instance, task: Task) -> None:
    """The task runs: make a way to it for the platform, once, and ask Foundry."""
    if "ruleArn" not in instance:
        # `routing` is noted before anything is made, so that the end of the run knows there may be a route.
        is_starting = Attr("status").eq(InstanceStatus.STARTING)
        lock = lock_run(platform, instance, is_starting, routing=True, taskArn=task.arn)
        if lock is None:
            return
        with lock:
            instance = _reached(lock, task)
    if "ruleArn" in instance and instance["status"] == InstanceStatus.STARTING:
        ask(platform, instance)


def _reached(lock: Lock, task: Task) -> Instance:
    """The instance, to whose task there is a way for the platform; the lock is given back."""
    platform, instance, now = lock.platform, lock.instance, clock.now()
    if not task.address:
        lock.pause(ARRIVING_SECONDS, {"reason": _NO_ADDRESS})
        return instance
    try:
        rule = platform.elb.warm(
            instance["instanceId"], instance["host"], task.address, instance["runId"]
        )
    except LoadBalancerFull:
        lock.note({"reason": _NO_ROUTE})
        raise
    # A stop may have come while the route was made: it is due at once.
    found = platform.instances.find(instance["userId"]) or instance
    pause = ARRIVING_SECONDS if found["status"] == InstanceStatus.STARTING else 0
    up_since = task.pulled_from or task.started_at or now
    seen = {
        Phase.MACHINE: instance["lastStarted"],
        Phase.IMAGE: task.pulled_from,
        Phase.FOUNDRY: task.pulled_until or task.started_at or now,
    }
    values: dict[str, Any] = {
        "upSince": up_since,
        "seenAt": now,
        "address": task.address,
        "ruleArn": rule,
        "phase": Phase.FOUNDRY,
        "arrival": {phase: at for phase, at in seen.items() if at is not None},
        "due": "instance",
        "dueAt": now + pause,
    }
    removed = (*LOCK_FIELDS, "formerRevision", "reason")
    change = platform.instances.change(instance, lock.held, values, removed)
    lock.finish(change, platform.runs.note_start(instance["runId"], up_since))
    return cast("Instance", {**found, **values})


def ask(platform: Platform, instance: Instance) -> None:
    """Ask Foundry how it is, and let follow what follows. Whatever it answers is no error; raises Busy."""
    said = platform.foundry.probe(instance["host"], instance["runId"])
    if said is None or not isinstance(said.get("active"), bool):
        return
    phase = _phase(platform, instance, said)
    if instance["status"] == InstanceStatus.STARTING:
        _open(platform, instance, phase)
    else:
        _note(platform, instance, phase)


def _phase(platform: Platform, instance: Instance, said: Mapping[str, Any]) -> Phase:
    if said["active"]:
        return Phase.READY
    if instance.get("phase") == Phase.SETUP:
        return Phase.SETUP
    if platform.foundry.wants_signature(instance["host"], instance["runId"]):
        return Phase.SIGNATURE
    return Phase.WORLD if _is_opening(platform, instance) else Phase.SETUP


def _is_opening(platform: Platform, instance: Instance) -> bool:
    """Whether Foundry, which shows no world yet, may still be opening the one that it was started with."""
    if "runWorld" not in instance or instance.get("phase") == Phase.READY:
        return False
    since = instance.get("arrival", {}).get(Phase.WORLD)
    if since is not None:
        return clock.now() < since + WORLD_SECONDS
    return not why_at_setup(platform, instance)


def _open(platform: Platform, instance: Instance, phase: Phase) -> None:
    """Foundry answers: let players through."""
    is_starting = Attr("status").eq(InstanceStatus.STARTING)
    lock = lock_run(platform, instance, is_starting)
    if lock is None:
        return
    with lock:
        instance, now = lock.instance, clock.now()
        platform.elb.open(instance["ruleArn"], instance["host"])
        # A stop may have come while the route was opened: it keeps its status and is due at once.
        found = platform.instances.find(instance["userId"]) or instance
        status, values = found["status"], {"dueAt": now}
        if status == InstanceStatus.STARTING:
            status = InstanceStatus.RUNNING
            values |= {"statusSince": now, "dueAt": now + ARRIVING_SECONDS}
            values |= _noted(instance, phase, now)
        lock.finish(*transition(platform, found, status, lock.held, values, LOCK_FIELDS))
    if status == InstanceStatus.RUNNING:
        _say(platform, cast("Instance", {**found, **values, "status": status}), phase)


def _note(platform: Platform, instance: Instance, phase: Phase) -> None:
    if phase != instance.get("phase"):
        change = platform.instances.change(
            instance, is_still_up(instance), _noted(instance, phase, clock.now())
        )
        try:
            instance = cast("Instance", platform.instances.apply_update(change))
        except ConditionFailed:
            return  # it is being stopped
    if "saidReady" not in instance:
        _say(platform, instance, phase)


def _noted(instance: Instance, phase: Phase, now: int) -> dict[str, Any]:
    return {"phase": phase, "arrival": {phase: now, **instance.get("arrival", {})}}


def _say(platform: Platform, instance: Instance, phase: Phase) -> None:
    """Tell the member, once, that the table is ready, or what it waits for; then it is looked at as all are."""
    if phase == Phase.WORLD:
        return  # it will be, shortly
    session = booked_now(instance, clock.now())
    if session:
        told = tell_of_session(platform, instance, session, phase)
    else:
        notice_id = f"{instance['runId']}:ready"
        told = tell(
            platform,
            "table-ready",
            instance,
            _words(platform, instance, phase),
            notice_id,
            phase=phase,
        )
    if not told:
        return  # the next look tells it
    decided = instance["lastStarted"]
    arrival = {name: at - decided for name, at in instance.get("arrival", {}).items()}
    due_at = clock.now() + LOOK_AGAIN_SECONDS
    said_for = session["sessionId"] if session else ""
    said = {"saidReady": said_for, "lastArrival": arrival, "dueAt": due_at}
    with suppress(ConditionFailed):
        platform.instances.apply_update(
            platform.instances.change(instance, is_still_up(instance), said)
        )


def tell_of_session(platform: Platform, instance: Instance, session: Booking, phase: Phase) -> bool:
    """Tell the member, once for each run, that the table of a session is ready; False if that was lost."""
    notice_id = f"{instance['runId']}:{session['sessionId']}"
    begins = session["begins"] + platform.settings.preparation_seconds
    facts = {"sessionId": session["sessionId"], "startTime": begins, "phase": phase}
    words = _words(platform, instance, phase)
    return tell(platform, "session-ready", instance, words, notice_id, **facts)


def _words(platform: Platform, instance: Instance, phase: Phase) -> str:
    url = f"https://{instance['host']}"
    match phase:
        case Phase.SETUP:
            why = why_at_setup(platform, instance)
            up = f"Your server is up. {why} It" if why else "Your server is up and"
            return f"{up} waits at its setup screen: {url}/setup"
        case Phase.SIGNATURE:
            wants = "Foundry wants its licence agreement signed"
            return f"Your server is up, and {wants} by its administrator: {url}/license"
        case _:
            return f"Your table is ready: {url}"


def is_still_up(instance: Instance) -> Condition:
    """The condition that the instance runs as it was read, and is not being stopped."""
    return Attr("runId").eq(instance["runId"]) & Attr("status").eq(InstanceStatus.RUNNING)
