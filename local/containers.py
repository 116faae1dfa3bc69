"""What ECS does for a container, whoever plays it: its environment, and where its output goes."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ecs, sts

LINE = 16_384  # bytes; Docker's log driver, too, cuts what is longer
Record = dict[str, Any]  # of the emulator: a task, a container, a request, ...


def plain_environment(container: Record) -> dict[str, str]:
    """What the definition says in plain words."""
    return {each["name"]: each["value"] for each in container.get("environment", [])}


def secret_environment(container: Record) -> dict[str, str]:
    """What the definition takes from secrets; raises the emulator's _SecretResolutionError."""
    found: dict[str, str] = ecs._resolve_container_secrets(container)
    return found


def role_environment(definition: Record, task: str) -> dict[str, str]:
    """Credentials of the definition's role for a task, `task` being its id; none where it has no role.

    A container on AWS asks an address for them.
    """
    role = definition.get("taskRoleArn")
    if not role:
        return {}
    name, key = role.rpartition("/")[2], f"ASIA{secrets.token_hex(8).upper()}"
    session = {
        "Arn": f"arn:aws:sts::{ecs.get_account_id()}:assumed-role/{name}/{task}",
        "UserId": f"{name}:{task}",
        "SecretAccessKey": secrets.token_hex(20),
        "SessionToken": secrets.token_hex(32),
    }
    sts.register_session(key, session)
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def override_for(container: Record, overrides: list[Record]) -> Record:
    """What RunTask said of the container."""
    found: Record = ecs._container_override_for(overrides, container["name"])
    return found


def keep_log(lines: Iterable[str], container: Record, task: str) -> None:
    """Keep what a process says where the container's definition wants it, until it ends; `task` is its id."""
    where: Record = ecs._awslogs_config(container, task, task) or {}
    with request_scope(ecs.get_account_id(), where.get("region") or ecs.get_region()):
        kept = bool(where) and ecs._ensure_awslogs_stream(where)
        for line in lines:
            if kept and line:  # CloudWatch Logs takes no empty ones
                ecs._emit_awslogs_event(where, line)
