"""The task definition of an instance's file tasks: what saves and restores its files (file_task/).

Two containers hand over the programs that do it, restic and rclone, from their official images; the third runs
the package file_task, which the definition carries. A definition of its own for each instance, since neither
secrets nor volumes can be overridden when a task is run.
"""

from __future__ import annotations

import base64
import bz2
import io
import json
import zipfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from actions.instances.definition import (
    efs_volume,
    environment,
    logs,
    mount,
    on_fargate,
    secret_of,
    tags,
)
from services.efs import OWNER
from services.instances import Complete, repository_of
from services.platform import Platform
from services.task_roles import FileRoles

CONTAINER = "files"
FILES_SIZE = (512, 1024)  # CPU units and MiB
PASSWORD = "savesPassword"  # noqa: S105 - the key in the instance's secret, not the password
# By their digests: they see a member's files. restic 0.18.1, rclone 1.75.2 and python 3.13-slim.
_RESTIC = (
    "ghcr.io/restic/restic@sha256:c1958a2a1c8614f5c317347c2aaddd9f426076f0521430b55509eba43d7516ee"
)
_RCLONE = (
    "ghcr.io/rclone/rclone@sha256:2687085f718d3c628f7fdfb77c52a1d344332aed543110bb88088f2c70d43eb5"
)
_PYTHON = (
    "public.ecr.aws/docker/library/python"
    "@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b"
)
_TOOLS = {"restic": (_RESTIC, "/usr/bin/restic"), "rclone": (_RCLONE, "/usr/local/bin/rclone")}
TOOLS = tuple(_TOOLS)  # the containers that hand a program over
_PACKAGE = Path(__file__).with_name("file_task")
_BEGINNING = """\
import base64, bz2, runpy, sys, tempfile
with tempfile.NamedTemporaryFile(suffix=".zip") as packed:
    packed.write(bz2.decompress(base64.b64decode("{packed}")))
    packed.flush()
    sys.path.insert(0, packed.name)
    runpy.run_module("{package}", run_name="__main__", alter_sys=True)
"""


@cache
def program() -> str:
    """The package as a text for `python3 -c`: a zip, since ECS takes 64 KiB of definition at most.

    From the same sources the same text on every machine, as it is part of the definition's shape: so the zip itself
    is not compressed, which each zlib does in its own way, but as a whole by bzip2, of which there is one.
    """
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        for path in sorted(_PACKAGE.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(f"{_PACKAGE.name}/{path.name}"), path.read_bytes())
    packed = base64.b64encode(bz2.compress(plain.getvalue())).decode()
    return _BEGINNING.format(packed=packed, package=_PACKAGE.name)


def family(instance_id: str) -> str:
    """The name by which services/ecs.py makes the family of an instance's file tasks."""
    return f"{instance_id}-files"


def file_definition(platform: Platform, instance: Complete) -> dict[str, Any]:
    """RegisterTaskDefinition's arguments."""
    settings, name = platform.settings, instance["instanceId"]
    return {
        **on_fargate(settings, family(name), FILES_SIZE, FileRoles(settings).arn(name)),
        "volumes": [
            efs_volume("data", settings.file_system_id, instance["accessPointId"]),
            {"name": "tools"},
            {"name": "scratch"},
        ],
        "containerDefinitions": [
            *(_tool(platform, instance, tool, *where) for tool, where in _TOOLS.items()),
            _files(platform, instance),
        ],
        "tags": tags(settings, instance["userId"]),
    }


def shape(definition: dict[str, Any]) -> str:
    """What tells one definition from another."""
    return sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]


def _tool(
    platform: Platform, instance: Complete, name: str, image: str, program: str
) -> dict[str, Any]:
    """A container that copies a program out of its image, and makes the scratch directory the task's own."""
    script = f"cp {program} /tools/{name} && chown {OWNER}:{OWNER} /scratch"
    return {
        "name": name,
        "image": image,
        "memory": 64,
        "essential": False,
        "user": "0:0",
        "entryPoint": ["/bin/sh", "-c", script],
        "command": [],
        "mountPoints": [mount("tools"), mount("scratch")],
        "logConfiguration": logs(platform.settings, family(instance["instanceId"])),
    }


def _files(platform: Platform, instance: Complete) -> dict[str, Any]:
    settings, repository = platform.settings, repository_of(instance)
    address = platform.save_bucket.address
    variables = {
        "RESTIC_REPOSITORY": f"s3:{address}/{settings.saves_bucket}/repositories/{repository}",
        "S3_ENDPOINT": address,
        "BUCKET": settings.saves_bucket,
        "REPOSITORY": repository,
        "ASSETS": instance["s3BucketName"],
        "AWS_REGION": settings.aws_region,
    }
    return {
        "name": CONTAINER,
        "image": _PYTHON,
        "memory": FILES_SIZE[1] - 64 * len(_TOOLS),
        "essential": True,
        "user": f"{OWNER}:{OWNER}",
        "dependsOn": [{"containerName": tool, "condition": "SUCCESS"} for tool in _TOOLS],
        "entryPoint": ["python3", "-c", program()],
        "command": [],
        "environment": environment(variables),
        "secrets": [secret_of("RESTIC_PASSWORD", instance["secretArn"], PASSWORD)],
        "mountPoints": [mount("data"), mount("tools") | {"readOnly": True}, mount("scratch")],
        "logConfiguration": logs(settings, family(instance["instanceId"])),
        "stopTimeout": 60,
    }
