"""confirm-import: what begin-import has found is taken in, beside what is there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.errors import Conflict, ImportNotFound
from actions.instances.deciding import decide
from actions.lookup import instance_of
from services.instances import FileWorkKind
from services.platform import Platform
from services.saves import SaveKind

ImportId = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$"),
    hinted("Copy the importId from begin-import's answer."),
]


class ConfirmImport(UserRequest):
    """Whose server, and which upload."""

    import_id: ImportId


def confirm_import(request: ConfirmImport, platform: Platform) -> Answer:
    """Save the files as they are, then put beside them what was found. Until then the server does not start.

    A world whose id is taken comes under another one; a system or module that is there stays as it is. Repeating it
    while that is done is harmless. Raises InstanceNotFound, ImportNotFound, WrongState, Conflict, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    answer = {
        "success": True,
        "importId": request.import_id,
        "message": "The files are saved, then what was uploaded is taken in; status says how far that is",
    }
    if instance.get("work", {}).get("imports") == request.import_id:
        return answer
    upload = instance.get("upload")
    if upload is None or upload["importId"] != request.import_id:
        raise ImportNotFound(request.import_id)
    if "inspectedBy" not in upload:
        raise Conflict(
            "What was uploaded has not been looked into yet.",
            suggestion="Ask begin-import what comes next.",
        )
    takes_in, before = FileWorkKind.IMPORT, SaveKind.BEFORE_IMPORT
    decide(platform, instance, takes_in, before, imports=request.import_id)
    return answer


ACTION = Action(ConfirmImport, confirm_import, Scope.USER)
