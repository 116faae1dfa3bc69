"""status: how a member's server is."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.instances.idling import NOTICE_SECONDS, planned_stop
from actions.instances.waking import wake_url, who_wakes
from actions.licenses.reservations import booking_in_play
from actions.lookup import instance_of
from services import clock
from services.instances import AT_REST, WHOLE, Instance, InstanceStatus, Running, is_running
from services.platform import Platform
from services.settings import Settings

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
    "memory",
    "world",
    "worldNotOpened",
    "players",
    "asleep",
    "lastSave",
)


class Status(UserRequest):
    """Whose instance to show."""


def status(request: Status, platform: Platform) -> Answer:
    """What is stored, with one read; while the status is passing, also what ECS says of the task.

    `lastSave` is the newest save; while something is done with the files, `files` says what, and how far it is.

    Of one that runs, `players` is how many played at the last look, at most five minutes ago, if Foundry said it,
    `stopsAt` when it will be stopped as far as is known now, and `stopsBecause` why. `wakeUrl` is the link to its
    page, by which others may wake it as `wake` says (set-wake). Raises InstanceNotFound.
    """
    instance = instance_of(platform, request.user_id)
    stored = dict(instance)
    if instance["status"] in AT_REST:
        stored.pop("taskArn", None)  # of a task that handles its files
    files = _files(platform, instance)
    return {
        "success": True,
        "status": InstanceStatus.STARTING if _waits(instance) else shown_status(instance),
        "instanceUrl": f"https://{instance['host']}",
        "message": _message(platform, instance, files),
        **{field: stored[field] for field in _SHOWN if field in stored},
        **({"failure": instance["failure"]} if "failure" in instance else {}),
        **({"files": files} if files else {}),
        **next_session(instance, platform.settings),
        **(next_stop(platform, instance) if is_running(instance) else {}),
        **(_waking(platform, instance) if instance["status"] in WHOLE else {}),
    }


def _waits(instance: Instance) -> bool:
    """Whether it starts as soon as its file task has ended."""
    return instance["status"] in AT_REST and "startsAfter" in instance


def shown_status(instance: Instance) -> str:
    """The contract's word for the instance's status: it has none for one being made or destroyed."""
    return instance["status"] if instance["status"] in WHOLE else "unknown"


def next_session(instance: Instance, settings: Settings) -> Answer:
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


def _waking(platform: Platform, instance: Instance) -> Answer:
    return {"wake": who_wakes(instance), "wakeUrl": wake_url(platform, instance)}


def next_stop(platform: Platform, instance: Running) -> Answer:
    """When it will be stopped as far as is known now, and why. One read."""
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


def _files(platform: Platform, instance: Instance) -> Answer | None:
    """What is being done with its files at rest, if anything."""
    if "work" not in instance or instance["status"] not in AT_REST:
        return None
    from actions.instances.file_progress import files_shown

    return files_shown(platform, instance, instance["work"])


def _message(platform: Platform, instance: Instance, files: Answer | None) -> str:
    said = _of_status(platform, instance)
    if files is None:
        return said
    from actions.instances.file_progress import files_in_words

    doing = files_in_words(instance, instance["work"], files)
    if "startsAfter" in instance:
        return f"The server starts when this is done: {doing}"
    return f"{said} {doing}"


def _of_status(platform: Platform, instance: Instance) -> str:
    waited = f"{max(0, clock.now() - instance['statusSince'])} s so far"
    reason = instance.get("reason")
    match instance["status"]:
        case InstanceStatus.CREATING:
            return f"The server is being made, {waited}. If that fails, it is undone by itself."
        case InstanceStatus.CREATED:
            return "The server is ready to be started for the first time."
        case InstanceStatus.STARTING:
            doing = (reason or _progress(platform, instance)).removesuffix(".")
            return f"{doing}, {waited}"
        case InstanceStatus.RUNNING:
            return reason or f"The server is running at https://{instance['host']}"
        case InstanceStatus.STOPPING:
            return f"{_progress(platform, instance)}, {waited}"
        case InstanceStatus.STOPPED:
            return f"The server is stopped. {reason or ''}".strip()
        case _:
            return f"The server and all its resources are being destroyed, {waited}"


def _progress(platform: Platform, instance: Instance) -> str:
    # A status at rest does without all that knows ECS.
    from actions.instances.progress import progress

    return progress(platform, instance)


ACTION = Action(
    Status,
    status,
    Scope.USER,
    Command("How your server is, and where", at_once=True),
)
