"""Hashes that are slow on purpose, of what somebody might guess."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

# scrypt with what Python's documentation advises for interactive use; 16 MiB and some 50 ms a hash.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


def slow_hash(text: bytes, salt: bytes) -> bytes:
    """The scrypt hash of `text`, 32 bytes."""
    hashed = _hashing(os.getpid()).submit(hashlib.scrypt, text, salt=salt, dklen=32, **_SCRYPT)
    return hashed.result()


@lru_cache(maxsize=1)
def _hashing(process: int) -> ThreadPoolExecutor:
    """Two threads that hash for all others of this process; a copy of it has none of them.

    The C library keeps what a thread has freed for that thread: 40 threads of a server that have each hashed once
    would go on holding hundreds of MB.
    """
    return ThreadPoolExecutor(2, "hashing")
