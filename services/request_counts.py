"""CloudWatch: how many requests the load balancer has passed on to an instance.

Its own health checks are not among them, the platform's questions are. A minute without requests is left out, and
one with them is known some minutes later. By GetMetricStatistics, since no call of GetMetricData is free
(docs/sources.md, AWS).
"""

from __future__ import annotations

from datetime import UTC, datetime

from services.aws import client
from services.elb import Elb
from services.settings import Settings


class RequestCounts:
    """The metric RequestCount of the instances' target groups."""

    def __init__(self, settings: Settings, elb: Elb) -> None:
        self._balancer = settings.load_balancer_arn
        self._elb = elb

    def per_minute(self, instance_id: str, since: int, until: int) -> dict[int, int]:
        """How many requests came in which minute, by the Unix second at which it began; none without a route."""
        group = self._elb.group_of(instance_id)
        if group is None:
            return {}
        answer = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApplicationELB",
            MetricName="RequestCount",
            Dimensions=[
                {"Name": "LoadBalancer", "Value": self._balancer.partition(":loadbalancer/")[2]},
                {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
            ],
            StartTime=datetime.fromtimestamp(since - since % 60, UTC),
            EndTime=datetime.fromtimestamp(until, UTC),
            Period=60,
            Statistics=["Sum"],
        )
        return {int(p["Timestamp"].timestamp()): int(p["Sum"]) for p in answer["Datapoints"]}
