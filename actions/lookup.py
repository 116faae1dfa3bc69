"""The member's server that a request is about, and the licence that was brought for it."""

from __future__ import annotations

from actions.errors import InstanceNotFound
from services.instances import Instance
from services.licenses import License
from services.platform import Platform


def instance_of(platform: Platform, user_id: str) -> Instance:
    """The user's instance; raises InstanceNotFound."""
    instance = platform.instances.find(user_id)
    if instance is None:
        raise InstanceNotFound(user_id)
    return instance


def own_license(platform: Platform, instance: Instance) -> License | None:
    """The licence that the member has brought for the server, if there is one."""
    own = instance.get("licenseId")
    return platform.licenses.find(own) if own else None
