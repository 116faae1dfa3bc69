"""Archives that members bring: zips and tars. What one says of itself is believed only once it has been read.

Whatever is in it, no more than a part of a file and the names are in memory; what is unsafe to unpack is refused.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from .failures import Refused

MOST_ENTRIES = 100_000
CHUNK = 1 << 18
_NAMES_BYTES = 32_000_000  # of all names together, and of a zip's list of them
_NAME, _PATH, _DEPTH = 255, 1024, 64  # bytes of a component and of a path, and its components
_HEADER_BYTES = 256_000  # what a tar may say of one entry before its content
_AROUND_BYTES = 512_000_000  # of a tar beside its files' content
_XZ_MEMORY = 256_000_000  # xz itself makes archives that need 65 MB
_METHODS = {
    1: "shrink",
    6: "implode",
    9: "deflate64",
    12: "bzip2",
    14: "lzma",
    93: "zstd",
    95: "xz",
}
_JUNK = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini"}
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(ArithmeticError, LookupError, RuntimeError, ValueError),  # of readers that meet nonsense
)


@dataclass(frozen=True)
class Entry:
    """A file or directory. Its content is to be read before the next entry comes, or not at all."""

    path: str  # without "/" at its ends
    is_directory: bool
    modified: float | None  # None where it says nothing sane
    content: Iterator[bytes]


def entries(archive: Path, most: int) -> Iterator[Entry]:
    """What is in an archive, in its order, but for what desktops leave behind. It may have `most` bytes."""
    names = 0
    with open(archive, "rb") as file:
        for number, entry in enumerate(_of(file, most), 1):
            names += len(os.fsencode(entry.path))
            if number > MOST_ENTRIES or names > _NAMES_BYTES:
                raise Refused("too-big", f"It has more than {MOST_ENTRIES} entries.")
            if not _JUNK.intersection(entry.path.lower().split("/")):
                yield entry


def _of(file: IO[bytes], most: int) -> Iterator[Entry]:
    with _reading():
        magic = file.read(6)
        file.seek(0)
    if magic.startswith(b"PK"):
        return _of_zip(file, most)
    for beginning, name in ((b"Rar!", "rar"), (b"7z\xbc\xaf", "7z")):
        if magic.startswith(beginning):
            raise Refused("no-archive", f"It is a {name} archive.")
    return _of_tar(_unpacked(file, magic), most)


@contextmanager
def _reading() -> Iterator[None]:
    """What goes wrong within is the archive's fault, unless the disk says that it is its own."""
    try:
        yield
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):
            raise
        raise Refused("no-archive", f"It is damaged: {error}") from error
    except _DAMAGE as error:
        raise Refused(
            "no-archive", f"It is damaged, or neither a zip nor a tar: {error}"
        ) from error


def _path(name: str) -> str:
    """A name as a path below the archive's top; "" for the top itself."""
    if re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        raise Refused("unsafe", f"A name has control characters: {name}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or (parts and re.match(r"[A-Za-z]:", parts[0])):
        raise Refused("unsafe", f"A name leads elsewhere: {name}")
    path = "/".join(parts)
    sizes = [len(os.fsencode(part)) for part in parts]
    if len(parts) > _DEPTH or max(sizes, default=0) > _NAME or sum(sizes) + len(sizes) > _PATH + 1:
        raise Refused("unsafe", f"A name is too long: {path}")
    return path


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    with _reading(), source:
        while chunk := source.read(CHUNK):
            yield chunk


# --- zip ---------------------------------------------------------------------------------------------


def _of_zip(file: IO[bytes], most: int) -> Iterator[Entry]:
    with _reading():
        _see_list(file)
        packed = zipfile.ZipFile(file)
    listed = packed.infolist()
    if sum(info.file_size for info in listed) > most:
        raise Refused("too-big", f"Unpacked it has more than {most} bytes.")
    _see_overlaps(listed, packed.start_dir)
    for info in listed:
        name = _zip_name(info)
        _see_kind(info, name)
        yield Entry(
            _path(name),
            name.endswith("/"),
            _zip_time(info),
            _zip_content(packed, info),
        )


def _see_list(file: IO[bytes]) -> None:
    """Whether the list of entries may be loaded, by the record by which zipfile finds it."""
    record = zipfile._EndRecData(file)  # type: ignore[attr-defined] # another's may find another list
    if not record:
        raise zipfile.BadZipFile("its end is missing")
    size, place = record[zipfile._ECD_SIZE], record[zipfile._ECD_LOCATION]  # type: ignore[attr-defined]
    if size <= _NAMES_BYTES:
        file.seek(max(0, place - size - 76))  # 76: what of 64 bits lies between
        if file.read(size + 76).count(b"PK\1\2") <= MOST_ENTRIES:
            return
    raise Refused("too-big", f"It has more than {MOST_ENTRIES} entries.")


def _see_overlaps(listed: Iterable[zipfile.ZipInfo], end: int) -> None:
    """Bytes that are the content of many files, as bombs have them."""
    for info in sorted(listed, key=lambda info: info.header_offset, reverse=True):
        if info.header_offset + 30 + info.compress_size > end:  # 30: at least, before the content
            raise Refused("no-archive", f"Entries overlap: {info.filename}")
        end = info.header_offset


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Without a flag it is what its maker's machine had: UTF-8, where it can be. Old .NET has backslashes."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _see_kind(info: zipfile.ZipInfo, name: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.create_system in (3, 19) and kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused("unsafe", f"A {'link' if kind == stat.S_IFLNK else 'device'}: {name}")
    if info.flag_bits & 0x41:
        raise Refused("no-archive", f"It is encrypted: {name}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Also those that zipfile knows: it does not bound what it unpacks at once.
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise Refused("no-archive", f"It is compressed by {method}, not by deflate: {name}")


def _zip_time(info: zipfile.ZipInfo) -> float | None:
    try:
        return _sane(datetime(*info.date_time, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _zip_content(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with _reading():
        source = packed.open(info)
    yield from _chunks(source)


def _sane(moment: float) -> float | None:
    """Later than the first day of zips, which says that none is known, and within this century."""
    return moment if 315_619_200 < moment < 4_102_444_800 else None


# --- tar ---------------------------------------------------------------------------------------------


def _unpacked(file: IO[bytes], magic: bytes) -> IO[bytes]:
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic == b"\xfd7zXZ\0":
        return io.BufferedReader(_Xz(file), CHUNK)
    return file


class _Xz(io.RawIOBase):
    """What lzma.LZMAFile does, which would take as much memory as the archive tells it to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pieces = _xz_pieces(file)
        self._rest = b""

    def readable(self) -> bool:
        """As a buffer asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """At least a byte, unless there is none left."""
        self._rest = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _xz_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Of all streams, between which there may be zeros."""
    packed = file.read(CHUNK)
    while packed:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
        while not stream.eof:
            packed = packed or (file.read(CHUNK) if stream.needs_input else b"")
            if not packed and stream.needs_input:
                raise EOFError("it ends too early")
            if piece := stream.decompress(packed, CHUNK):
                yield piece
            packed = b""
        packed = stream.unused_data.lstrip(b"\0") or file.read(CHUNK).lstrip(b"\0")


class _Onwards:
    """What tarfile reads: never backwards, and of what is no file's content never much at once."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source = source
        self._most = most
        self._left = most + _AROUND_BYTES
        self.header = _HEADER_BYTES  # what may still be read before a content begins
        self.last = b""
        self.position = 0

    def tell(self) -> int:
        """How much has been read."""
        return self.position

    def seek(self, position: int) -> None:
        """Read on to there."""
        if position < self.position:
            raise tarfile.ReadError("it leads backwards")
        while self.position < position:
            if not self._take(min(CHUNK, position - self.position)):
                raise tarfile.ReadError("it ends too early")

    def read(self, size: int) -> bytes:
        """As much, or what is left."""
        self.header -= size
        if size < 0 or self.header < 0:
            raise tarfile.ReadError("an entry says too much of itself")
        return self._take(size)

    def _take(self, size: int) -> bytes:
        self.last = self._source.read(size)
        self.position += len(self.last)
        self._left -= len(self.last)
        if self._left < 0:
            raise Refused("too-big", f"Unpacked it has more than {self._most} bytes.")
        return self.last

    def finish(self) -> None:
        """Read to the end, where what was packed is compared. A tar that was cut off lacks its last block."""
        if self.last.count(0) != tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it ends too early")
        while self._take(CHUNK):
            pass


def _of_tar(source: IO[bytes], most: int) -> Iterator[Entry]:
    onwards = _Onwards(source, most)
    with _reading():
        packed = tarfile.TarFile(fileobj=onwards)  # type: ignore[arg-type]
    while True:
        with _reading():
            onwards.header = _HEADER_BYTES
            info = packed.next()
            if info is None:
                onwards.finish()
                return
        # Else all of them stay in memory, and what is said of all that follow.
        packed.members = []  # type: ignore[attr-defined]
        packed.pax_headers = {}
        _see_type(info)
        content = _tar_content(packed, info, onwards)
        yield Entry(_path(info.name), info.isdir(), _sane(info.mtime), content)


def _see_type(info: tarfile.TarInfo) -> None:
    if info.issym() or info.islnk():
        raise Refused("unsafe", f"A link: {info.name}")
    if not info.isreg() and not info.isdir():
        raise Refused("unsafe", f"A device: {info.name}")


def _tar_content(
    packed: tarfile.TarFile, info: tarfile.TarInfo, onwards: _Onwards
) -> Iterator[bytes]:
    with _reading():
        source = packed.extractfile(info)
    if source:
        onwards.header = info.size + CHUNK
        yield from _chunks(source)
