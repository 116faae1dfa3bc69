"""Route 53: one alias record per instance, pointing at the load balancer."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.settings import Settings


class Route53:
    """The platform's hosted zone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def point(self, host: str) -> None:
        """Let `host` name the load balancer; repeating it changes nothing."""
        self._change("UPSERT", host)

    def forget(self, host: str) -> None:
        """Remove the record of `host`; no error if it is gone."""
        try:
            self._change("DELETE", host)
        except ClientError as error:
            # Route 53 says InvalidChangeBatch "... but it was not found" for a record that is not there.
            if code_of(error) != "InvalidChangeBatch" or "not found" not in str(error):
                raise

    def check(self) -> None:
        """Raise if the hosted zone does not answer."""
        client("route53", brisk=True).get_hosted_zone(Id=self._settings.hosted_zone_id)

    def _change(self, action: str, host: str) -> None:
        record: dict[str, Any] = {
            "Name": host,
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": self._settings.load_balancer_zone_id,
                "DNSName": self._settings.load_balancer_dns,
                "EvaluateTargetHealth": False,
            },
        }
        client("route53").change_resource_record_sets(
            HostedZoneId=self._settings.hosted_zone_id,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )
