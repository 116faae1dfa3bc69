"""S3: archives that members upload to be imported, part by part, each to an address of its own.

Not a byte of them comes through the function. They lie beside the saves, at `imports/<repository>/<upload>`, and
expire; so do parts that were never put together (template.yaml, SavesBucket).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from services.aws import SIGNED, Config, client, code_of
from services.instances import Upload
from services.settings import Settings

UPLOAD_SECONDS = 7 * 86400  # for which an upload, or what there is of it, is kept
ADDRESS_SECONDS = 3600  # for which an address is good, or as long as the credentials that sign it
_MOST_PARTS = 100  # an answer names all of them
_MIB = 2**20
# S3 takes parts of 5 MiB to 5 GiB, but for the last (Multipart upload limits).
_LEAST_PART = 16 * _MIB

# Whoever puts a part says nothing of its checksum, so S3 must not be told to expect one. Addresses name the region:
# from the name for all regions S3 may lead on to it, which no browser follows (Fetch, CORS-preflight fetch).
_UPLOADS = SIGNED.merge(
    Config(request_checksum_calculation="when_required", s3={"addressing_style": "virtual"})
)


@dataclass(frozen=True)
class Part:
    """A part of an archive: its number, from 1 on, and its bytes."""

    number: int
    bytes: int


def part_size(total: int) -> int:
    """The bytes of each part of an archive, but for the last: whole MiB, and no more parts than fit an answer."""
    return max(_LEAST_PART, -(-total // (_MOST_PARTS * _MIB)) * _MIB)


def parts(total: int) -> Iterator[Part]:
    """The parts in which an archive of so many bytes is put."""
    size = part_size(total)
    for index, begins in enumerate(range(0, total, size)):
        yield Part(index + 1, min(size, total - begins))


class Uploads:
    """Archives on their way, and those that are whole."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.saves_bucket

    def begin(self, repository: str, name: str) -> str:
        """Let parts be put; returns S3's id of the upload. Each call makes another one."""
        made = client("s3", _UPLOADS).create_multipart_upload(**self._where(repository, name))
        return str(made["UploadId"])

    def address(self, repository: str, upload: Upload, part: Part) -> str:
        """Where whoever knows it puts that part, of exactly so many bytes, for ADDRESS_SECONDS at most."""
        where = self._in_parts(repository, upload) | {
            "PartNumber": part.number,
            "ContentLength": part.bytes,
        }
        s3 = client("s3", _UPLOADS)
        return str(s3.generate_presigned_url("upload_part", where, ExpiresIn=ADDRESS_SECONDS))

    @property
    def origin(self) -> str:
        """What all addresses of parts begin with, as a page's policy names it (RFC 6454)."""
        where = {**self._where("any", "any"), "UploadId": "any", "PartNumber": 1}
        s3 = client("s3", _UPLOADS)
        address = urlsplit(str(s3.generate_presigned_url("upload_part", where, ExpiresIn=1)))
        return f"{address.scheme}://{address.netloc}"

    def missing(self, repository: str, upload: Upload) -> list[Part] | None:
        """The parts that have not been put, or not whole: none of a whole archive; None of one that is gone.

        One of which all parts are there is put together. Repeating it is harmless.
        """
        there = self._there(repository, upload)
        if there is None:
            return [] if self._is_whole(repository, upload) else None
        wanted = list(parts(upload["bytes"]))
        missing = [part for part in wanted if there.get(part.number, {}).get("Size") != part.bytes]
        if not missing:
            tags = [{"PartNumber": p.number, "ETag": there[p.number]["ETag"]} for p in wanted]
            where = self._in_parts(repository, upload)
            try:
                client("s3", _UPLOADS).complete_multipart_upload(
                    **where, MultipartUpload={"Parts": tags}
                )
            except ClientError as error:
                # Somebody else was quicker, or the first try was not answered.
                if code_of(error) != "NoSuchUpload" or not self._is_whole(repository, upload):
                    raise
        return missing

    def drop(self, repository: str, upload: Upload) -> None:
        """Nobody wants it any more. Repeating it is harmless."""
        try:
            client("s3", _UPLOADS).abort_multipart_upload(**self._in_parts(repository, upload))
        except ClientError as error:  # it is whole, or was dropped before
            if code_of(error) != "NoSuchUpload":
                raise
        client("s3", _UPLOADS).delete_object(**self._where(repository, upload["importId"]))

    def _there(self, repository: str, upload: Upload) -> dict[int, Any] | None:
        """What S3 has of each part; None if there is no such upload, or not any more."""
        pager = client("s3", _UPLOADS).get_paginator("list_parts")
        try:
            pages = pager.paginate(**self._in_parts(repository, upload))
            found = [part for page in pages for part in page.get("Parts", ())]
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise
            return None
        return {part["PartNumber"]: part for part in found}

    def _is_whole(self, repository: str, upload: Upload) -> bool:
        try:
            found = client("s3", _UPLOADS).head_object(
                **self._where(repository, upload["importId"])
            )
        except ClientError as error:
            if code_of(error) not in ("404", "NoSuchKey"):
                raise
            return False
        return bool(found["ContentLength"] == upload["bytes"])

    def _where(self, repository: str, name: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"imports/{repository}/{name}"}

    def _in_parts(self, repository: str, upload: Upload) -> dict[str, Any]:
        return {**self._where(repository, upload["importId"]), "UploadId": upload["uploadId"]}
