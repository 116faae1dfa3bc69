"""Route 53: one alias record per instance, pointing at the load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client, code_of
from services.errors import NameTaken
from services.settings import Settings


class Route53:
    """The platform's hosted zone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def point(self, host: str) -> None:
        """Let `host` name the load balancer; repeating it changes nothing.

        Raises NameTaken if the zone has something else of that name, which stays as it is.
        """
        record = {
            "Name": host,
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": self._settings.load_balancer_zone_id,
                "DNSName": self._settings.load_balancer_dns,
                "EvaluateTargetHealth": False,
            },
        }
        try:
            self._change("CREATE", record)
        except ClientError as error:
            if (
                code_of(error) != "InvalidChangeBatch"
            ):  # "… but it already exists", "a conflicting RRSet …"
                raise
            if not self._is_own(self._find(host)):
                raise NameTaken(host) from error

    def forget(self, host: str) -> None:
        """Remove the record of `host` if it names the load balancer; no error if it is gone, or somebody else's.

        Route 53 removes a record only if it is told all of it, so that it is read first.
        """
        record = self._find(host)
        if record is None or not self._is_own(record):
            return
        try:
            self._change("DELETE", record)
        except ClientError as error:
            # Route 53 says InvalidChangeBatch "... but it was not found" for a record that is not there.
            if code_of(error) != "InvalidChangeBatch" or "not found" not in str(error):
                raise

    def check(self) -> None:
        """Raise if the hosted zone does not answer."""
        client("route53", SHORT_TIMEOUT).get_hosted_zone(Id=self._settings.hosted_zone_id)

    def _find(self, host: str) -> dict[str, Any] | None:
        answer = client("route53").list_resource_record_sets(
            HostedZoneId=self._settings.hosted_zone_id,
            StartRecordName=host,
            StartRecordType="A",
            MaxItems="1",
        )
        found: list[dict[str, Any]] = answer["ResourceRecordSets"]
        wanted = (host, "A")
        return next((r for r in found if (r["Name"].rstrip("."), r["Type"]) == wanted), None)

    def _is_own(self, record: Mapping[str, Any] | None) -> bool:
        """Whether a record is one that the platform makes: an alias of its load balancer."""
        target = (record or {}).get("AliasTarget", {}).get("DNSName", "")
        return _plain(target) == _plain(self._settings.load_balancer_dns)

    def _change(self, action: str, record: Mapping[str, Any]) -> None:
        client("route53").change_resource_record_sets(
            HostedZoneId=self._settings.hosted_zone_id,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )


def _plain(name: str) -> str:
    """A name as it is compared: Route 53 writes an alias in lower case, with a dot, and may say "dualstack."."""
    return name.rstrip(".").lower().removeprefix("dualstack.")
