"""Mock data: lists of made-up records, from a bucket or, where that has none, as packaged in services/mock.

endpoints.json is the map: by name, the file that holds the list and the fields one can filter by. A further list is
a further line there and a file beside it; HTTP gets its route from the same map (handler/http/mock_data.py).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict, cast

from services import clock

HERE = Path(__file__).with_name("mock")
Record = dict[str, Any]
_REMEMBERED_SECONDS = 60


class Endpoint(TypedDict):
    """One list: what it is, its file, and the fields to filter by."""

    about: str
    file: str
    filters: list[str]


@lru_cache(maxsize=1)
def endpoints() -> dict[str, Endpoint]:
    """The map of endpoints.json."""
    return cast("dict[str, Endpoint]", json.loads((HERE / "endpoints.json").read_text("utf-8")))


class MockData:
    """The lists, those of the bucket remembered for a minute."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._known: dict[str, tuple[list[Record], int]] = {}

    def records(self, name: str) -> list[Record]:
        """The list called `name`. Raises KeyError for one that the map has not."""
        file = endpoints()[name]["file"]
        known = self._known.get(name)
        if known is None or not 0 <= clock.now() - known[1] < _REMEMBERED_SECONDS:
            of_bucket = self._of_bucket(file) if self._bucket else None
            known = (_packaged(file) if of_bucket is None else of_bucket, clock.now())
            self._known[name] = known
        return known[0]

    def _of_bucket(self, file: str) -> list[Record] | None:
        """The bucket's list; None if it has none. Raises ValueError if what it has is no list of objects."""
        from botocore.exceptions import ClientError

        from services.aws import client, code_of

        try:
            body = client("s3").get_object(Bucket=self._bucket, Key=file)["Body"].read()
        except ClientError as error:
            if code_of(error) != "NoSuchKey":
                raise
            return None
        return _checked(json.loads(body), f"s3://{self._bucket}/{file}")


@lru_cache
def _packaged(file: str) -> list[Record]:
    return _checked(json.loads((HERE / file).read_text("utf-8")), file)


def _checked(found: Any, where: str) -> list[Record]:
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError(f"{where} holds no list of objects")
    return found
