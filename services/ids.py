"""The one source of ids and randomness."""

import random
import secrets
import uuid


def new_id() -> str:
    """A random id of 12 hexadecimal digits: short enough for every AWS name made from it."""
    return uuid.uuid4().hex[:12]


def new_run_id() -> str:
    """The id of one run: RunTask's client token and startedBy, the lease's holder, the bill's key."""
    return str(uuid.uuid4())


def new_secret() -> str:
    """256 random bits as text, for who has to prove something by it."""
    return secrets.token_urlsafe(32)


def jitter(limit: float) -> float:
    """A random wait of up to `limit` seconds, so that those who collided do not meet again."""
    return random.uniform(0, limit)  # noqa: S311 - spreads load, guards nothing
