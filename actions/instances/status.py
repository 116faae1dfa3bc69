"""status: how a member's server is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.action import Action, Answer, Scope, UserRequest
from actions.instances.causes import why_it_ended
from actions.instances.fetching import needs_fetching
from actions.instances.idling import NOTICE_SECONDS, planned_stop
from actions.instances.versions import image_tag
from actions.licenses.reservations import booking_in_play
from actions.lookup import instance_of
from services import clock
from services.instances import WHOLE, Instance, InstanceStatus, Running, is_running
from services.platform import Platform
from services.settings import Settings

if TYPE_CHECKING:
    from services.ecs import Task

_SHOWN = (
    "taskArn",
    "licenseType",
    "licenseOwnerId",
    "allowLicenseSharing",
    "accessPointId",
    "s3BucketName",
    "createdAt",
    "lastStarted",
    "foundryVersion",
    "foundryBuild",
)
_PASSING = (InstanceStatus.STARTING, InstanceStatus.STOPPING)


class Status(UserRequest):
    """Whose instance to show."""


def status(request: Status, platform: Platform) -> Answer:
    """What is stored, with one read; while the status is passing, also what ECS says of the task.

    Of one that runs, `stopsAt` is when it will be stopped as far as is known now, and `stopsBecause` why. Raises
    InstanceNotFound.
    """
    instance = instance_of(platform, request.user_id)
    stored = dict(instance)
    return {
        "success": True,
        "status": shown_status(instance),
        "instanceUrl": f"https://{instance['host']}",
        "message": _message(instance, _look(platform, instance)),
        **{field: stored[field] for field in _SHOWN if field in stored},
        **_next_session(instance, platform.settings),
        **(_next_stop(platform, instance) if is_running(instance) else {}),
    }


def shown_status(instance: Instance) -> str:
    """The contract's word for the instance's status: it has none for one being made or destroyed."""
    return instance["status"] if instance["status"] in WHOLE else "unknown"


def _next_session(instance: Instance, settings: Settings) -> Answer:
    """The first of the member's sessions that is not over."""
    now = clock.now()
    coming = [b for b in instance.get("bookings", []) if b["ends"] - settings.grace_seconds > now]
    if not coming:
        return {}
    first = min(coming, key=lambda booking: booking["begins"])
    shown = {
        "sessionId": first["sessionId"],
        "startTime": first["begins"] + settings.preparation_seconds,
        "endTime": first["ends"] - settings.grace_seconds,
    }
    return {"nextSession": shown}


def _next_stop(platform: Platform, instance: Running) -> Answer:
    now, maintenance = clock.now(), platform.registry.maintenance()
    stop = planned_stop(
        instance,
        booking_in_play(instance, now),
        instance.get("idleSince"),
        platform.settings,
        maintenance["stopsAt"] if maintenance else None,
    )
    earliest = instance.get("noticedAt", now) + NOTICE_SECONDS
    return {"stopsAt": max(stop.at, earliest), "stopsBecause": stop.why}


def _look(platform: Platform, instance: Instance) -> Task | None:
    if instance["status"] not in _PASSING or "taskArn" not in instance:
        return None
    return platform.ecs.look([instance["taskArn"]]).get(instance["taskArn"])


def _message(instance: Instance, task: Task | None) -> str:
    waited = f"{max(0, clock.now() - instance['statusSince'])} s so far"
    reason = instance.get("reason")
    match instance["status"]:
        case InstanceStatus.CREATING:
            return f"The server is being made, {waited}. If that fails, it is undone by itself."
        case InstanceStatus.CREATED:
            return "The server is ready to be started for the first time."
        case InstanceStatus.STARTING:
            return f"{reason or _coming_up(instance, task)}, {waited}"
        case InstanceStatus.RUNNING:
            return reason or f"The server is running at https://{instance['host']}"
        case InstanceStatus.STOPPING:
            return f"{_going_down(task)}, {waited}"
        case InstanceStatus.STOPPED:
            return f"The server is stopped. {reason or ''}".strip()
        case _:
            return f"The server and all its resources are being destroyed, {waited}"


def _coming_up(instance: Instance, task: Task | None) -> str:
    if task is None:
        return "Asking for a machine"
    if task.status == "STOPPED":
        return f"The start failed: {why_it_ended(task)}"
    if task.status == "RUNNING":
        return "Foundry is up; the way to it is being opened"
    if task.pulled_from and not task.pulled_until:
        return "Pulling the image"
    if not task.pulled_until:
        return "Waiting for a machine"
    if needs_fetching(instance):
        return f"Fetching Foundry {image_tag(instance)} if it is not there yet, and starting it"
    return "Starting Foundry"


def _going_down(task: Task | None) -> str:
    if task is None or task.desired_status == "RUNNING":
        return "Asking Foundry to save and close its world"
    if task.status == "STOPPED":
        return "Foundry has stopped; its route and licence are being given back"
    return "Foundry is shutting down"


ACTION = Action(Status, status, Scope.USER)
