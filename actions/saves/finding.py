"""The save that a request is about: one of the member's own; and what is shown of a destroyed server."""

from __future__ import annotations

from actions.action import Answer
from actions.errors import SaveNotFound
from services.instances import Instance, repository_of
from services.platform import Platform
from services.saves import Departed, Save


def save_of(platform: Platform, instance: Instance, save_id: str) -> Save:
    """The save, which is not about to be forgotten; raises SaveNotFound."""
    save = platform.saves.find(repository_of(instance), save_id)
    if save is None or "leaving" in save:
        raise SaveNotFound(save_id)
    return save


def shown_departed(departed: Departed) -> Answer:
    """What is shown of a destroyed server: its name, when it was destroyed, and until when it can come back."""
    return {
        "username": departed["username"],
        "at": departed["at"],
        "until": departed["until"],
    }
