"""What a member entrusts to the platform. It is kept in Secrets Manager and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from actions.action import Secret, UserRequest
from actions.errors import InvalidRequest
from actions.instances.locking import Lock
from actions.licenses.keys import LicenseKey, fingerprint_of, release_keys
from services.dynamodb import transact

# How Discord asks for them.
FORM = {
    "foundry_license": "Foundry licence key, if you have one",
    "foundry_admin_key": "Password for Foundry's setup screen",
    "foundry_username": "Account at foundryvtt.com, to download",
    "foundry_password": "Password of that account",
}


class Credentials(UserRequest):
    """A licence key, the key to Foundry's setup, an account of foundryvtt.com to download it with."""

    foundry_license: LicenseKey | None = None
    foundry_admin_key: Secret | None = None
    foundry_username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    foundry_password: Secret | None = None

    @model_validator(mode="after")
    def _go_together(self) -> Credentials:
        if (self.foundry_username is None) != (self.foundry_password is None):
            raise InvalidRequest(
                "foundryUsername and foundryPassword go together.",
                field="foundryPassword" if self.foundry_username else "foundryUsername",
                suggestion="Give both, or neither.",
            )
        return self

    def secrets(self) -> dict[str, str]:
        """What of them is given, as the instance's secret holds it."""
        given = {
            "licenseKey": self.foundry_license,
            "adminKey": self.foundry_admin_key,
            "password": self.foundry_password,
        }
        plain = {name: secret.get_secret_value() for name, secret in given.items() if secret}
        return plain | ({"username": self.foundry_username} if self.foundry_username else {})


def put_in_place(lock: Lock, secrets: Mapping[str, str]) -> None:
    """Put `secrets` in place of the former ones. Nobody uses a former key any more then, and others may bring it.

    Without any it finishes what was interrupted, whichever key that has left in place.
    """
    platform, instance = lock.platform, lock.instance
    stored = platform.secrets.change(instance["instanceId"], secrets)
    claims = instance.get("licenseClaims", [])
    if len(claims) < 2:
        return
    kept = fingerprint_of(SecretStr(stored["licenseKey"]), platform.settings.stack_mark)
    transact(
        platform.instances.change(instance, lock.held, {"licenseClaims": [kept]}),
        platform.licenses.rekeyed(instance["licenseId"]),
        *release_keys(platform, instance, [claim for claim in claims if claim != kept]),
    )
    lock.instance = {**instance, "licenseClaims": [kept]}
