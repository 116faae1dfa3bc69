"""S3 as restic and rclone use it: buckets in memory, over HTTP. No signature is checked, but who may come at all.

It can be made to fail as S3 does: nobody may come in, uploads find no end, an object is flipped or gone.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET = "KEYOFTHETESTS", "a-secret-key-that-nobody-may-see"


@dataclass(frozen=True)
class Object:
    """One object: its bytes, when it was written (Unix seconds) and what was said with it."""

    body: bytes
    at: float
    headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        """As S3 has it: the MD5 of what was put at once. Reckoned once, since each listing shows it."""
        return hashlib.md5(self.body).hexdigest()  # noqa: S324 - S3's own

    @property
    def modified(self) -> str:
        """As a listing has it."""
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.at))


@dataclass
class Store:
    """All buckets; what tests look at and change. `seen` has each request's method and path."""

    port: int
    buckets: dict[str, dict[str, Object]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    closed: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, bucket: str, key: str, body: bytes, **headers: str) -> None:
        """Write an object."""
        with self.lock:
            self.buckets[bucket][key] = Object(body, time.time(), headers)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys that begin so, sorted."""
        with self.lock:
            return sorted(key for key in self.buckets.get(bucket, {}) if key.startswith(prefix))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    # Else what is larger than a buffer waits 40 ms for who acknowledges its head late.
    disable_nagle_algorithm = True
    store: Store

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def _serve(self) -> None:
        body = self._body()
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path[1:]).partition("/")
        query = {k: v[0] for k, v in parse_qs(address.query, keep_blank_values=True).items()}
        with self.store.lock:
            self.store.seen.append(f"{self.command} {address.path}")
            status, headers, answer = self._answer(bucket, key, query, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        self.wfile.flush()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # Who puts it was killed. S3 keeps nothing of that (Error responses, IncompleteBody).
            raise ConnectionResetError
        if self.headers.get("x-amz-content-sha256", "").startswith("STREAMING"):
            return b"".join(_chunks(body))
        return body

    def _answer(self, bucket: str, key: str, query: dict[str, str], body: bytes) -> Any:
        if self.store.closed or f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            return _error(403, "AccessDenied")
        if bucket not in self.store.buckets:
            return _error(404, "NoSuchBucket")
        objects = self.store.buckets[bucket]
        if not key:
            return self._of_bucket(bucket, objects, query, body)
        if "uploads" in query or "uploadId" in query:
            return self._in_parts(bucket, key, query, body)
        if self.command == "PUT":
            return self._put(bucket, key, body)
        if self.command == "DELETE":
            objects.pop(key, None)
            return 204, {}, b""
        return self._get(objects[key]) if key in objects else _error(404, "NoSuchKey")

    def _of_bucket(
        self, bucket: str, objects: dict[str, Object], query: dict[str, str], body: bytes
    ) -> Any:
        if self.command == "POST":
            for found in re.findall(rb"<Key>(.*?)</Key>", body):
                objects.pop(found.decode(), None)
            return 200, {}, b"<DeleteResult/>"
        if self.command == "HEAD":
            return 200, {}, b""
        if "location" in query:
            return 200, {}, b"<LocationConstraint>us-east-1</LocationConstraint>"
        return 200, {"Content-Type": "application/xml"}, _listing(bucket, objects, query)

    def _put(self, bucket: str, key: str, body: bytes) -> Any:
        objects = self.store.buckets[bucket]
        headers = {k.lower(): v for k, v in self.headers.items()}
        if source := headers.get("x-amz-copy-source"):
            origin, _, name = unquote(source).lstrip("/").partition("/")
            body = self.store.buckets[origin][name].body
        kept = {k: v for k, v in headers.items() if k.startswith("x-amz-meta-")}
        made = objects[key] = Object(body, time.time(), kept)
        answer = f'<CopyObjectResult><ETag>"{made.etag}"</ETag></CopyObjectResult>'
        return 200, {"ETag": f'"{made.etag}"'}, answer.encode() if source else b""

    def _in_parts(self, bucket: str, key: str, query: dict[str, str], body: bytes) -> Any:
        parts = self.store.parts
        if "uploads" in query:
            upload = f"upload{len(parts)}"
            parts[upload] = {}
            return 200, {}, f"<R><UploadId>{upload}</UploadId></R>".encode()
        upload = query["uploadId"]
        if self.command == "PUT":
            parts[upload][int(query["partNumber"])] = body
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""  # noqa: S324
        if self.command == "POST":
            whole = b"".join(part for _, part in sorted(parts[upload].items()))
            self.store.put(bucket, key, whole)
            return 200, {}, b'<R><ETag>"parts-1"</ETag></R>'
        return 204, {}, b""

    def _get(self, found: Object) -> Any:
        headers = {
            "ETag": f'"{found.etag}"',
            "Last-Modified": formatdate(found.at, usegmt=True),
            "Content-Type": "application/octet-stream",
            **found.headers,
        }
        body = found.body
        if wanted := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(wanted[1]), int(wanted[2] or len(body) - 1)
            part = body[start : end + 1]
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
            return 206, headers | {"Content-Length": str(len(part))}, part
        return 200, headers | {"Content-Length": str(len(body))}, body


def _chunks(body: bytes) -> Iterator[bytes]:
    """What is in a body that was signed chunk by chunk."""
    at = 0
    while at < len(body):
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if not size:
            return
        yield body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2


def _error(status: int, code: str) -> Any:
    answer = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    return status, {"Content-Type": "application/xml"}, answer


def _common(key: str, prefix: str, delimiter: str) -> str:
    """What a listing by `delimiter` shows in the key's place; "" if the key itself."""
    rest = key[len(prefix) :]
    below = delimiter and delimiter in rest
    return prefix + rest.partition(delimiter)[0] + delimiter if below else ""


def _listing(bucket: str, objects: dict[str, Object], query: dict[str, str]) -> bytes:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after") or query.get("marker", "")
    most = int(query.get("max-keys", 1000))
    spelt = quote if query.get("encoding-type") == "url" else escape
    shown: list[str] = []
    below: list[str] = []
    last, more = "", False
    for key in sorted(objects):
        if not key.startswith(prefix) or key <= after:
            continue
        common = _common(key, prefix, delimiter)
        if common and (common in below or after.startswith(common)):
            last = key
            continue
        if len(shown) + len(below) >= most:
            more = True
            break
        last = key
        if common:
            below.append(common)
        else:
            found = objects[key]
            shown.append(
                f"<Contents><Key>{spelt(key)}</Key><LastModified>{found.modified}</LastModified>"
                f'<ETag>"{found.etag}"</ETag><Size>{len(found.body)}</Size>'
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
    prefixes = "".join(
        f"<CommonPrefixes><Prefix>{spelt(b)}</Prefix></CommonPrefixes>" for b in below
    )
    token = f"<NextContinuationToken>{spelt(last)}</NextContinuationToken><NextMarker>{spelt(last)}</NextMarker>"
    url = "<EncodingType>url</EncodingType>" if spelt is quote else ""
    return (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{spelt(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>{url}"
        f"<Delimiter>{spelt(delimiter)}</Delimiter><KeyCount>{len(shown) + len(below)}</KeyCount>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token if more else ''}"
        f"{''.join(shown)}{prefixes}</ListBucketResult>"
    ).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Who asks may be killed while it does."""


@contextmanager
def serving() -> Iterator[Store]:
    """One on a free port of 127.0.0.1."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        store = handler.store = Store(server.server_address[1])  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield store
        finally:
            server.shutdown()
