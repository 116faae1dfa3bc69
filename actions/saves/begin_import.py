"""begin-import: a zip or tar of worlds, systems, modules or a whole data directory, uploaded to be imported.

Asked again with the same `bytes` it says what comes next: which parts are still to be put, that the archive is
being looked into, or what it holds. confirm-import then takes that in.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.errors import Busy, Conflict
from actions.instances.deciding import decide
from actions.instances.file_results import result_of
from actions.instances.fitness import unfit
from actions.lookup import instance_of
from actions.rates import counted_use, used_up
from services import clock, ids
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed, absent, transact
from services.instances import FileWorkKind, Instance, Upload, repository_of
from services.platform import Platform
from services.saves import SaveKind
from services.uploads import ADDRESS_SECONDS, UPLOAD_SECONDS, Part, part_size, parts

_log = structlog.get_logger()
# A task has 20 GB, in which the archive lies while it is taken in (file_definition.py).
LARGEST = 15_000_000_000


class BeginImport(UserRequest):
    """Whose server, the size of the archive, and whether what was uploaded before is given up."""

    bytes: Annotated[
        int,
        Field(gt=0, le=LARGEST),
        hinted("Send the size of the zip or tar in bytes; a larger one in several."),
    ]
    start_over: bool = False


def begin_import(request: BeginImport, platform: Platform) -> Answer:
    """Say what comes next of an import, and begin with it.

    `parts` are those that are still to be put, each with its `bytes` and the address (`url`) that takes them by
    PUT, for an hour at most; asked again, the answer has those that are missing then. Once none is, a task looks
    into the archive, for which the server has to rest; then the answer has what was found. If it is not let in,
    the next answer, which begins anew, says why (`refused`). Another size, or `startOver`, begins anew, too.
    Raises InstanceNotFound, WrongState, Conflict, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    upload = None if request.start_over else instance.get("upload")
    missing: list[Part] | None = None
    if upload and upload["bytes"] == request.bytes and clock.now() < upload["until"]:
        if _is_under_way(instance):
            return _looked_into(upload)
        if found := _found(platform, instance, upload):
            return found
        missing = platform.uploads.missing(repository_of(instance), upload)
    if upload is None or missing is None:
        upload, missing = _begin(platform, instance, request.bytes), list(parts(request.bytes))
    if missing:
        return _to_put(platform, instance, upload, missing)
    looks = FileWorkKind.INSPECT
    decide(platform, instance, looks, SaveKind.ASKED_FOR, inspects=upload["importId"])
    return _looked_into(upload)


def _is_under_way(instance: Instance) -> bool:
    """Whether what was uploaded is being looked into or taken in."""
    return not {"inspects", "imports"}.isdisjoint(instance.get("work", {}))


def _begin(platform: Platform, instance: Instance, size: int) -> Upload:
    """Note another upload in place of what there is. Raises Conflict, Busy, UsedUp."""
    _refuse_without_room(platform, instance, size)
    if _is_under_way(instance):
        raise Conflict(
            "What was uploaded before is being looked into or taken in.",
            suggestion="Look at its status, and try again when that is done.",
        )
    repository, name = repository_of(instance), ids.new_id()
    upload: Upload = {
        "importId": name,
        "uploadId": platform.uploads.begin(repository, name),
        "bytes": size,
        "until": clock.now() + UPLOAD_SECONDS,
    }
    former, work = instance.get("upload"), instance.get("work")
    as_read = Attr("upload").eq(former) if former else absent("upload")
    as_read &= Attr("work").eq(work) if work else absent("work")
    try:
        transact(
            platform.instances.change(instance, as_read, {"upload": upload}, ("uploadRefused",)),
            counted_use(platform, instance["userId"], "changes"),
        )
    except ConditionFailed as refused:
        _drop(platform, repository, upload)
        if 0 in refused.failed:
            raise Busy(instance["status"]) from refused
        raise used_up(platform, "changes") from None
    if former:  # if this fails, S3 makes an end of it some days later
        _drop(platform, repository, former)
    return upload


def _refuse_without_room(platform: Platform, instance: Instance, size: int) -> None:
    """By what its files came to when they were last saved; the task that takes it in counts for itself."""
    most, there = platform.settings.member_bytes, instance.get("lastSave", {}).get("bytes", 0)
    if most is not None and there + size > most:
        raise Conflict(
            f"Your files have {there:,} bytes, and may have {most:,} in all.",
            field="bytes",
            value=size,
            suggestion="Import less, or remove what you do not need and save.",
        )


def _drop(platform: Platform, repository: str, upload: Upload) -> None:
    """Of what is left all the same, S3 makes an end after some days."""
    try:
        platform.uploads.drop(repository, upload)
    except AWS_FAILURES:
        _log.warning("an upload that nobody wants is left", exc_info=True)


def _to_put(platform: Platform, instance: Instance, upload: Upload, missing: list[Part]) -> Answer:
    repository = repository_of(instance)
    return {
        "success": True,
        "importId": upload["importId"],
        "partBytes": part_size(upload["bytes"]),
        "parts": [
            {
                "number": part.number,
                "bytes": part.bytes,
                "url": platform.uploads.address(repository, upload, part),
            }
            for part in missing
        ],
        "until": clock.now() + ADDRESS_SECONDS,
        "message": "Put each part to its address, then ask again",
        **_refused(instance, upload),
    }


def _refused(instance: Instance, upload: Upload) -> dict[str, str]:
    """Why one of that size was not let in, in the answer that begins another."""
    former = instance.get("uploadRefused")
    return {"refused": former["why"]} if former and former["bytes"] == upload["bytes"] else {}


def _looked_into(upload: Upload) -> Answer:
    return {
        "success": True,
        "importId": upload["importId"],
        "message": "What was uploaded is being looked into or taken in; status says how far that is",
    }


def _found(platform: Platform, instance: Instance, upload: Upload) -> Answer | None:
    """What a task has found, and which of it will not work on this server; None if none has, or not any more."""
    if "inspectedBy" not in upload:
        return None
    run_id = upload["inspectedBy"]
    result = result_of(platform.save_bucket.result(repository_of(instance), run_id), run_id)
    if result is None or result.inspected is None:
        return None
    found = result.inspected
    version = instance.get("foundryBuild", instance["foundryVersion"])
    return {
        "success": True,
        "importId": upload["importId"],
        "files": found.files,
        "bytes": found.bytes,
        "packages": found.shown_packages,
        "missing": [need.model_dump(by_alias=True) for need in found.missing],
        "unfit": unfit(found.shown_packages, version),
        "looseFiles": found.loose,
        "renamedFiles": found.renamed_files,
        "assets": found.assets,
        "message": "confirm-import takes this in, after a save; nothing that is there is overwritten",
    }


ACTION = Action(BeginImport, begin_import, Scope.USER)
