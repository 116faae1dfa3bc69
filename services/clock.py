"""The one source of time."""

import time


def now() -> int:
    """The present moment in UTC Unix seconds."""
    return int(time.time())


def milliseconds() -> int:
    """The present moment in UTC Unix milliseconds, for what AWS wants so."""
    return int(time.time() * 1000)
