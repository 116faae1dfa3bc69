"""The task definition of an instance: a container that prepares, and Foundry's with its data and health check.

What both do before Foundry starts and after it has ended is container.sh, which the definition carries: a task
needs nothing from a place that another could write to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from actions.instances.versions import drops_root, image_tag
from services.ecs import Ecs
from services.efs import OWNER
from services.instances import Complete
from services.settings import Settings
from services.task_roles import TaskRoles

CONTAINER, PREPARE = "foundry", "prepare"
PREPARE_MEMORY = 128  # MiB; all else is Foundry's
# Much of what a definition may weigh (64 KiB; ECS service quotas) is this, twice.
SCRIPT = Path(__file__).with_name("container.sh").read_text()
# A release is fetched in some three minutes; a start that waited longer would be given up anyway.
RELEASE_WAIT_SECONDS = 600
# How the preparing container then ends.
NOT_FETCHED, HALF_RESTORED, NO_LICENSE_KEY = 69, 70, 78
_COMMAND = (
    "resources/app/main.mjs",
    "--port=30000",
    "--headless",
    "--noupdate",
    "--dataPath=/data",
)
_AWS_CONFIG = "/prepared/aws.json"


def definition(
    instance: Complete, settings: Settings, license_secret: str | None
) -> dict[str, Any]:
    """RegisterTaskDefinition's arguments. `license_secret` is the ARN of the secret with the licence key to use."""
    releases = [releases_volume(settings)] if instance["operatorAccount"] else []
    return {
        **on_fargate(
            settings,
            instance["instanceId"],
            (settings.task_cpu, settings.task_memory),
            TaskRoles(settings).arn(instance["instanceId"]),
        ),
        "volumes": [
            efs_volume("data", settings.file_system_id, instance["accessPointId"]),
            *releases,
            {"name": "prepared"},
            {"name": "cache"},
        ],
        "containerDefinitions": [
            _prepare(instance, settings, license_secret),
            _foundry(instance, settings, license_secret),
        ],
        "tags": tags(settings, instance["userId"]),
    }


def on_fargate(
    settings: Settings, name: str, size: tuple[int, int], role_arn: str
) -> dict[str, Any]:
    """What the definitions of all tasks for servers have in common: `name` makes the family, `size` is CPU units
    and MiB.
    """
    return {
        "family": Ecs(settings).family(name),
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(size[0]),
        "memory": str(size[1]),
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": settings.execution_role_arn,
        "taskRoleArn": role_arn,
    }


def tags(settings: Settings, user_id: str) -> list[dict[str, str]]:
    """Whose a member's tasks and definitions are."""
    return [
        {"key": "stack", "value": settings.stack},
        # A tag holds no "|", as other sign-ins' ids do; no userId holds a "/".
        {"key": "userId", "value": user_id.replace("|", "/")},
    ]


def _prepare(instance: Complete, settings: Settings, license_secret: str | None) -> dict[str, Any]:
    """What holds secrets that Foundry's container needs as files only, and may read the releases."""
    secrets = [secret_of("AWS_CONFIG", instance["secretArn"], "awsConfig")]
    if license_secret:
        secrets.append(secret_of("LICENSE_KEY", license_secret, "licenseKey"))
    variables = {"OWNER": str(OWNER), "OPTIONS": json.dumps(_options(instance))}
    mounts = [mount("data"), mount("prepared"), mount("cache")]
    if settings.stable_host_name:
        variables["HOST_NAME"] = f"foundry-{instance['instanceId']}"
    if instance["operatorAccount"]:
        variables["RELEASE_WAIT_SECONDS"] = str(RELEASE_WAIT_SECONDS)
        mounts.append(mount("releases") | {"readOnly": True})
    return {
        "name": PREPARE,
        "image": _image(instance, settings),
        "memory": PREPARE_MEMORY,
        "essential": False,
        "user": "0:0",
        "entryPoint": run_script("prepare"),
        "command": [],
        "environment": environment(variables),
        "secrets": secrets,
        "mountPoints": mounts,
        "logConfiguration": logs(settings, instance["instanceId"]),
    }


def _foundry(instance: Complete, settings: Settings, license_secret: str | None) -> dict[str, Any]:
    secrets = [secret_of("FOUNDRY_ADMIN_KEY", instance["secretArn"], "adminKey")]
    if not instance["operatorAccount"]:  # the operator's own is for the task that fetches releases
        secrets.append(secret_of("FOUNDRY_USERNAME", instance["secretArn"], "username"))
        secrets.append(secret_of("FOUNDRY_PASSWORD", instance["secretArn"], "password"))
    borrowed = bool(license_secret) and license_secret != instance["secretArn"]
    return {
        "name": CONTAINER,
        "image": _image(instance, settings),
        "memory": settings.task_memory - PREPARE_MEMORY,
        "essential": True,
        "dependsOn": [{"containerName": PREPARE, "condition": "SUCCESS"}],
        "portMappings": [{"containerPort": 30000, "protocol": "tcp"}],
        "entryPoint": run_script("run"),
        "command": list(_COMMAND),
        "environment": environment(_variables(instance, settings, borrowed)),
        "secrets": secrets,
        "mountPoints": [
            mount("data"),
            mount("prepared") | {"readOnly": True},
            mount("cache"),
        ],
        "healthCheck": {
            "command": ["CMD-SHELL", "curl -fsS http://localhost:30000/api/status || exit 1"],
            "startPeriod": 180,
            "interval": 30,
            "timeout": 5,
            "retries": 3,
        },
        "stopTimeout": 120,
        "logConfiguration": logs(settings, instance["instanceId"]),
    }


def _variables(instance: Complete, settings: Settings, borrowed: bool) -> dict[str, str]:
    """The image's plain variables (docs/sources.md, The container image); no secret is among them."""
    own_cache = {"CONTAINER_CACHE": "/data/container_cache", "CONTAINER_CACHE_SIZE": "1"}
    owner = {"FOUNDRY_UID": str(OWNER), "FOUNDRY_GID": str(OWNER)}
    # The image's launcher keeps NODE_* and splits them at spaces; every Node.js knows --require.
    node = {"NODE_OPTIONS": "--require=/prepared/host-name.cjs"}
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
        **({"CONTAINER_CACHE": "/cache"} if instance["operatorAccount"] else own_cache),
        **(node if settings.stable_host_name else {}),
        **({"LICENSE_BORROWED": "true"} if borrowed else {}),
        **(owner if drops_root(image_tag(instance)) else {}),
    }


def _options(instance: Complete) -> dict[str, Any]:
    """What the platform decides in Foundry's options.json, whatever a member has set there.

    The names are those of the image's set_options.ts. With a route prefix, certificates or a salt of the member's
    own, neither the load balancer nor the platform's admin key would reach the server.
    """
    return {
        "hostname": instance["host"],
        "port": 30000,
        "proxySSL": True,
        "proxyPort": 443,
        "routePrefix": None,
        "sslCert": None,
        "sslKey": None,
        "upnp": False,
        "awsConfig": _AWS_CONFIG,
        "telemetry": False,
        "passwordSalt": None,
    }


def run_script(part: str) -> list[str]:
    """The entry point that runs a part of container.sh; the container's command follows as its arguments."""
    return ["/bin/sh", "-c", SCRIPT, "container.sh", part]


def environment(variables: dict[str, str]) -> list[dict[str, str]]:
    """Plain variables as a container definition has them."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def _image(instance: Complete, settings: Settings) -> str:
    return f"{settings.image}:{image_tag(instance)}"


def mount(volume: str) -> dict[str, Any]:
    """Where a container finds a volume: under its name."""
    return {"sourceVolume": volume, "containerPath": f"/{volume}"}


def releases_volume(settings: Settings) -> dict[str, Any]:
    """The releases that the operator's account has fetched."""
    return efs_volume("releases", settings.file_system_id, settings.releases_access_point_id)


def secret_of(variable: str, arn: str, key: str) -> dict[str, str]:
    """A reference to one JSON key of a secret (ECS: arn:json-key:version-stage:version-id)."""
    return {"name": variable, "valueFrom": f"{arn}:{key}::"}


def efs_volume(name: str, file_system: str, access_point: str) -> dict[str, Any]:
    """A directory of the file system, by the access point that alone leads to it."""
    return {
        "name": name,
        "efsVolumeConfiguration": {
            "fileSystemId": file_system,
            "transitEncryption": "ENABLED",
            "authorizationConfig": {"accessPointId": access_point, "iam": "ENABLED"},
        },
    }


def logs(settings: Settings, prefix: str) -> dict[str, Any]:
    """Where a container's output goes."""
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": settings.task_log_group,
            "awslogs-region": settings.aws_region,
            "awslogs-stream-prefix": prefix,
        },
    }
