"""The task definition of an instance: Foundry's container with its data, secrets and health check."""

from __future__ import annotations

from typing import Any

from actions.instances.versions import drops_root
from services.ecs import Ecs
from services.efs import OWNER
from services.instances import Complete
from services.settings import Settings

CONTAINER = "foundry"
_AWS_CONFIG = "/credentials/aws.json"
# Foundry reads its S3 credentials from a file. A first container writes it from the secret onto storage that
# lives and dies with the task, so that no key is ever at rest anywhere but in Secrets Manager.
_WRITE_CREDENTIALS = (
    f'umask 077 && printf %s "$AWS_CONFIG" > {_AWS_CONFIG} && chown {OWNER}:{OWNER} {_AWS_CONFIG}'
)


def definition(
    instance: Complete, settings: Settings, license_secret: str | None
) -> dict[str, Any]:
    """RegisterTaskDefinition's arguments. `license_secret` is the ARN of the secret with the licence key to use."""
    return {
        "family": Ecs(settings).family(instance["instanceId"]),
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(settings.task_cpu),
        "memory": str(settings.task_memory),
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": settings.execution_role_arn,
        "taskRoleArn": settings.task_role_arn,
        "volumes": [
            _efs_volume("data", settings.file_system_id, instance["accessPointId"]),
            _efs_volume("cache", settings.file_system_id, settings.cache_access_point_id),
            {"name": "credentials"},
        ],
        "containerDefinitions": [
            _credentials(instance, settings),
            _foundry(instance, settings, license_secret),
        ],
        "tags": [
            {"key": "stack", "value": settings.stack},
            {"key": "userId", "value": instance["userId"]},
        ],
    }


def _credentials(instance: Complete, settings: Settings) -> dict[str, Any]:
    return {
        "name": "credentials",
        "image": _image(instance, settings),
        "memory": 128,
        "essential": False,
        "user": "0:0",
        "entryPoint": ["/bin/sh", "-c"],
        "command": [_WRITE_CREDENTIALS],
        "secrets": [_secret("AWS_CONFIG", instance["secretArn"], "awsConfig")],
        "mountPoints": [{"sourceVolume": "credentials", "containerPath": "/credentials"}],
        "logConfiguration": _logs(instance, settings),
    }


def _foundry(instance: Complete, settings: Settings, license_secret: str | None) -> dict[str, Any]:
    account = settings.operator_secret_arn if instance["operatorAccount"] else instance["secretArn"]
    secrets = [
        _secret("FOUNDRY_ADMIN_KEY", instance["secretArn"], "adminKey"),
        _secret("FOUNDRY_USERNAME", account, "username"),
        _secret("FOUNDRY_PASSWORD", account, "password"),
    ]
    if license_secret:
        secrets.append(_secret("FOUNDRY_LICENSE_KEY", license_secret, "licenseKey"))
    variables = _environment(instance)
    return {
        "name": CONTAINER,
        "image": _image(instance, settings),
        "memory": settings.task_memory - 128,
        "essential": True,
        "dependsOn": [{"containerName": "credentials", "condition": "SUCCESS"}],
        "portMappings": [{"containerPort": 30000, "protocol": "tcp"}],
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
        "secrets": secrets,
        "mountPoints": [
            {"sourceVolume": "data", "containerPath": "/data"},
            {"sourceVolume": "cache", "containerPath": "/cache"},
            {"sourceVolume": "credentials", "containerPath": "/credentials", "readOnly": True},
        ],
        "healthCheck": {
            "command": ["CMD-SHELL", "curl -fsS http://localhost:30000/api/status || exit 1"],
            "startPeriod": 180,
            "interval": 30,
            "timeout": 5,
            "retries": 3,
        },
        "stopTimeout": 120,
        "logConfiguration": _logs(instance, settings),
    }


def _environment(instance: Complete) -> dict[str, str]:
    """The image's plain variables (docs/sources.md, The container image); no secret is among them."""
    owner = {"FOUNDRY_UID": str(OWNER), "FOUNDRY_GID": str(OWNER)}
    return {
        "FOUNDRY_HOSTNAME": instance["host"],
        "FOUNDRY_PROXY_SSL": "true",
        "FOUNDRY_PROXY_PORT": "443",
        "FOUNDRY_AWS_CONFIG": _AWS_CONFIG,
        "FOUNDRY_TELEMETRY": "false",
        "FOUNDRY_IP_DISCOVERY": "false",
        "FOUNDRY_COMPRESS_WEBSOCKET": "true",
        "FOUNDRY_MINIFY_STATIC_FILES": "true",
        "CONTAINER_PRESERVE_CONFIG": "true",
        "CONTAINER_CACHE": "/cache",
        **(owner if drops_root(instance["foundryVersion"]) else {}),
    }


def _image(instance: Complete, settings: Settings) -> str:
    return f"{settings.image}:{instance['foundryVersion']}"


def _secret(variable: str, arn: str, key: str) -> dict[str, str]:
    """A reference to one JSON key of a secret (ECS: arn:json-key:version-stage:version-id)."""
    return {"name": variable, "valueFrom": f"{arn}:{key}::"}


def _efs_volume(name: str, file_system: str, access_point: str) -> dict[str, Any]:
    return {
        "name": name,
        "efsVolumeConfiguration": {
            "fileSystemId": file_system,
            "transitEncryption": "ENABLED",
            "authorizationConfig": {"accessPointId": access_point, "iam": "ENABLED"},
        },
    }


def _logs(instance: Complete, settings: Settings) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": settings.task_log_group,
            "awslogs-region": settings.aws_region,
            "awslogs-stream-prefix": instance["instanceId"],
        },
    }
