"""What a table has of files, and what is kept of them."""

from __future__ import annotations

from typing import Any

import pytest

from local import file_images
from local.embedded import client
from tests.end_to_end.table import Table

WITH_TOOLS = pytest.mark.skipif(
    bool(file_images.missing()),
    reason=f"{' and '.join(file_images.missing())} missing: {file_images.INSTALLED_BY}",
)
QUICK = {"PLAYED_MACHINE_SECONDS": "0.3", "PLAYED_IMAGE_SECONDS": "0.3"}
QUICK |= {"PLAYED_FOUNDRY_SECONDS": "0.3"}
NEVER_SAVED = {"Config/license.json", "Config/admin.txt"}


def contents(table: Table) -> dict[str, bytes]:
    """All files that saves hold, by their paths."""
    data = table.data
    found = {str(path.relative_to(data)): path for path in data.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in NEVER_SAVED}


def assets(table: Table) -> dict[str, bytes]:
    """All objects of the table's bucket."""
    s3, bucket = client("s3", table.run.port), table.ask("status")["s3BucketName"]
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed
    }


def modes(table: Table) -> dict[str, int]:
    """Who may do what with the files that saves hold."""
    data = table.data
    return {name: (data / name).stat().st_mode & 0o7777 for name in contents(table)}


def put_asset(table: Table, name: str, body: bytes) -> None:
    bucket = table.ask("status")["s3BucketName"]
    client("s3", table.run.port).put_object(Bucket=bucket, Key=name, Body=body)


def saves(table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.ask("list-saves")["saves"]
    return found
