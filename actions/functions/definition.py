"""The task definition of a function: one container, without a role, whose log has a stream for each task."""

from __future__ import annotations

from typing import Any

from services.ecs import Ecs
from services.settings import Settings
from services.tenant_functions import Function, resource_name

CONTAINER = "main"
# Of the capabilities that a container's root has by default (Docker, Runtime privilege and Linux capabilities)
# those that no server needs: sending forged packets, making devices, writing the kernel's audit log.
_DROPPED = ["NET_RAW", "MKNOD", "AUDIT_WRITE"]


def definition(function: Function, settings: Settings) -> dict[str, Any]:
    """RegisterTaskDefinition's arguments."""
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": function["image"],
        "essential": True,
        "memory": function["memory"],
        "environment": [{"name": n, "value": v} for n, v in sorted(function["env"].items())],
        "readonlyRootFilesystem": function["readOnly"],
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": _DROPPED}},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": settings.task_log_group,
                "awslogs-region": settings.aws_region,
                "awslogs-stream-prefix": resource_name(function),
                "mode": "non-blocking",  # who logs too fast loses lines, and does not stand still
            },
        },
    }
    if command := function.get("command"):
        container["command"] = command
    if function["secretNames"]:
        container["secrets"] = [
            {"name": name, "valueFrom": f"{function['secretArn']}:{name}::"}
            for name in function["secretNames"]
        ]
    return {
        "family": Ecs(settings).family(resource_name(function)),
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(function["cpu"]),
        "memory": str(function["memory"]),
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": settings.execution_role_arn,
        "containerDefinitions": [container],
        "tags": [
            {"key": "stack", "value": settings.stack},
            {"key": "userId", "value": function["userId"].replace("|", "/")},
        ],
    }
