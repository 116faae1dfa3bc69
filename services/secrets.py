"""Secrets Manager: one secret per instance, the only place where keys and passwords are kept.

What an instance leaves behind that was destroyed, the key of a licence and the password to saves, has one each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from botocore.exceptions import ClientError

from services import clock
from services.aws import client, code_of
from services.settings import Settings

_CACHED_SECONDS = 300


class Secrets:
    """The instances' secrets, each a flat JSON object."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cached: dict[str, tuple[str, int]] = {}

    def make(self, instance_id: str, values: Mapping[str, str]) -> str:
        """Store an instance's secret, in place of an earlier one; returns its ARN."""
        name, text = self._name(instance_id), json.dumps(values)
        try:
            answer = client("secretsmanager").create_secret(
                Name=name,
                SecretString=text,
                Tags=[{"Key": "stack", "Value": self._settings.stack}],
            )
        except ClientError as error:
            if code_of(error) != "ResourceExistsException":
                raise
            answer = client("secretsmanager").put_secret_value(SecretId=name, SecretString=text)
        return str(answer["ARN"])

    def change(self, instance_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Put `values` into an instance's secret in place of those of the same name, which are then gone.

        Returns all that it then holds. Secrets Manager keeps the version before as AWSPREVIOUS; without that label
        it is deleted (Secrets Manager User Guide, Secret versions).
        """
        current = client("secretsmanager").get_secret_value(SecretId=self._name(instance_id))
        stored = {**json.loads(current["SecretString"]), **values}
        self._put(self._name(instance_id), stored, current["VersionId"])
        return stored

    def replace(self, name: str, values: Mapping[str, str]) -> None:
        """Store other values in place of all of a secret's, which are then gone as after `change`."""
        current = client("secretsmanager").get_secret_value(SecretId=self._name(name))
        self._put(self._name(name), values, current["VersionId"])

    def _put(self, name: str, values: Mapping[str, str], former_version: str) -> None:
        client("secretsmanager").put_secret_value(SecretId=name, SecretString=json.dumps(values))
        client("secretsmanager").update_secret_version_stage(
            SecretId=name, VersionStage="AWSPREVIOUS", RemoveFromVersionId=former_version
        )

    def read(self, secret_id: str) -> dict[str, str]:
        """The values of a secret. They must not reach a log, a table or an answer."""
        return cast("dict[str, str]", json.loads(_text(secret_id)))

    def read_own(self, name: str) -> dict[str, str]:
        """Like read, of one of the platform's own, by its name without the stack's; empty if there is none."""
        try:
            return self.read(self._name(name))
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            return {}

    def cached(self, secret_id: str) -> dict[str, str]:
        """Like read, remembered for five minutes: for what every request needs and somebody may rotate."""
        return cast("dict[str, str]", json.loads(self.cached_text(secret_id)))

    def cached_text(self, secret_id: str) -> str:
        """Like cached, as it is written: of a secret that people write by hand."""
        known = self._cached.get(secret_id)
        if known is None or not 0 <= clock.now() - known[1] < _CACHED_SECONDS:
            known = self._cached[secret_id] = (_text(secret_id), clock.now())
        return known[0]

    def delete(self, instance_id: str) -> None:
        """Delete an instance's secret at once; no error if it is gone."""
        try:
            client("secretsmanager").delete_secret(
                SecretId=self._name(instance_id), ForceDeleteWithoutRecovery=True
            )
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise

    def _name(self, instance_id: str) -> str:
        return f"{self._settings.stack}/{instance_id}"


def _text(secret_id: str) -> str:
    answer = client("secretsmanager").get_secret_value(SecretId=secret_id)
    return str(answer.get("SecretString", ""))  # a binary secret has none
