"""Cognito: which user pool the platform's users sign in to, and the keys that its tokens are signed with.

The environment says which pool (`COGNITO_USER_POOL_ID`, `COGNITO_CLIENT_ID`); where it does not, the parameters of
the deployment do, by the names of the contract (Infrastructure Integration, SSM Parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jwt import PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError

from services import clock
from services.aws import client
from services.errors import KeysUnreachable
from services.parameters import Parameters
from services.settings import Settings

_FETCH_SECONDS = 3  # a slow answer must not hold every request up
_KEYS_SECONDS = 3600
_SILENT_SECONDS = 10  # an address that has not answered is not asked again for so long
_COOL_DOWN_SECONDS = 30  # tokens with key ids out of thin air fetch the keys at most this often


@dataclass(frozen=True)
class Pool:
    """A user pool and the one client of it whose tokens are meant for the platform."""

    pool_id: str
    client_id: str

    @property
    def issuer(self) -> str:
        """What its tokens name as their issuer."""
        return f"https://cognito-idp.{self.pool_id.split('_')[0]}.amazonaws.com/{self.pool_id}"


class Cognito:
    """The pool of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parameters = Parameters()

    def pool(self) -> Pool | None:
        """The pool in use; None where the deployment has none."""
        known = (self._settings.cognito_user_pool_id, self._settings.cognito_client_id)
        deployment, pipeline = self._settings.deployment_id, self._settings.pipeline_id
        if not all(known) and deployment:
            found = self._parameters.get(
                f"/{deployment}/auth/user_pool_ref",
                f"/{deployment}/cdn/{pipeline}/auth_user_pool_client_id",
            )
            known = (known[0] or found[0], known[1] or found[1])
        return Pool(*known) if all(known) else None

    def key(self, pool: Pool, key_id: str) -> Any:
        """The public key called `key_id`. Raises KeysUnreachable, or jwt.PyJWKClientError if there is none."""
        try:
            return _keys(pool.pool_id).get_signing_key(key_id).key
        except PyJWKClientConnectionError as error:
            raise KeysUnreachable(str(error)) from error


class _Keys(PyJWKClient):
    """Keys of an address that, having failed to answer, is left alone for a while.

    Tokens wait for one another here, one at a time: without it each would wait for the address anew.
    """

    _failed_at = -_SILENT_SECONDS

    def fetch_data(self) -> Any:
        """The keys as the address shows them. Raises PyJWKClientConnectionError."""
        if 0 <= clock.now() - self._failed_at < _SILENT_SECONDS:
            raise PyJWKClientConnectionError("it did not answer a moment ago")
        try:
            return super().fetch_data()
        except PyJWKClientConnectionError:
            self._failed_at = clock.now()
            raise


@lru_cache(maxsize=4)
def _keys(pool_id: str) -> PyJWKClient:
    """The pool's keys where the service itself is (so AWS_ENDPOINT_URL counts here as everywhere)."""
    service = client("cognito-idp")
    return _Keys(
        f"{service.meta.endpoint_url.rstrip('/')}/{pool_id}/.well-known/jwks.json",
        lifespan=_KEYS_SECONDS,
        timeout=_FETCH_SECONDS,
        cooldown_duration=_COOL_DOWN_SECONDS,
    )
