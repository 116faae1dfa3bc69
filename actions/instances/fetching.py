"""Fetching a release of Foundry, once for all, by a task of the operator's.

Members' tasks can read the releases and not write them; one that needs a release waits until it is there
(container.sh). Which build an image brings is known only once it has run: until then, each start has it fetched,
which ends at once where it is there already.
"""

from __future__ import annotations

from typing import Any

from actions.instances.definition import (
    logs,
    on_fargate,
    releases_volume,
    run_script,
    secret_of,
)
from actions.instances.versions import image_tag, is_build
from services import clock, ids
from services.dynamodb import ConditionFailed, transact
from services.ecs import revision_of
from services.instances import Instance
from services.locks import LOCK_SECONDS
from services.platform import Platform
from services.settings import Settings

# The account is not asked again within this; a start that died after its claim is taken up again no sooner.
FETCH_SECONDS = LOCK_SECONDS
_SIZE = (256, 512)  # CPU units and MiB


def needs_fetching(instance: Instance) -> bool:
    """Whether the release that the instance starts with may not be there yet."""
    has_run = "foundryBuild" in instance and is_build(image_tag(instance), instance["foundryBuild"])
    return instance["operatorAccount"] and not has_run


def fetch_release(platform: Platform, instance: Instance) -> None:
    """Have the instance's release fetched unless that was asked for just now. Raises TaskRefused.

    Two that fetch at once do no harm, so that what fails here is simply done again.
    """
    tag, now = image_tag(instance), clock.now()
    if not platform.settings.operator_secret_arn or not needs_fetching(instance):
        return
    try:
        transact(platform.registry.claim_fetch(tag, now, now - FETCH_SECONDS))
    except ConditionFailed:
        return
    try:
        _run(platform, tag)
    except Exception:
        transact(platform.registry.forget_fetch(tag))
        raise


def _run(platform: Platform, tag: str) -> None:
    name = f"fetch-{tag.replace('.', '-')}"
    arn = platform.ecs.register(_definition(platform.settings, name, tag))
    newest = revision_of(arn)
    platform.ecs.retire(name, max(newest - 1, 1), before=newest)
    cluster = platform.settings.releases_cluster_arn
    platform.ecs.run(f"fetch-{ids.new_id()}", arn, cluster=cluster)


def _definition(settings: Settings, name: str, tag: str) -> dict[str, Any]:
    account = settings.operator_secret_arn
    return {
        **on_fargate(settings, name, _SIZE, settings.releases_role_arn),
        "volumes": [releases_volume(settings)],
        "containerDefinitions": [
            {
                "name": "fetch",
                "image": f"{settings.image}:{tag}",
                "memory": _SIZE[1],
                "essential": True,
                "entryPoint": run_script("fetch"),
                "command": [],
                "secrets": [
                    secret_of("FOUNDRY_USERNAME", account, "username"),
                    secret_of("FOUNDRY_PASSWORD", account, "password"),
                ],
                "mountPoints": [{"sourceVolume": "releases", "containerPath": "/releases"}],
                "logConfiguration": logs(settings, "fetch"),
            }
        ],
        "tags": [{"key": "stack", "value": settings.stack}],
    }
