"""What a member entrusts to the platform. It is kept in Secrets Manager and nowhere else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from actions.action import Secret, UserRequest
from actions.errors import InvalidRequest
from actions.licenses.keys import LicenseKey


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
