"""What a run costs: AWS's prices applied to a task's size and seconds. Money is Decimal, in USD."""

from __future__ import annotations

from decimal import Decimal

# Fargate on ARM64 and a public IPv4 address, us-east-1, per hour (facts.md of November 2026).
VCPU_HOUR = Decimal("0.03238")
GB_HOUR = Decimal("0.00356")
ADDRESS_HOUR = Decimal("0.005")
SHORTEST_SECONDS = 60  # Fargate bills a minute at least


def run_cost(seconds: int, cpu: int, memory: int) -> Decimal:
    """The cost of a task of `cpu` units (1024 a vCPU) and `memory` MiB that existed for `seconds`.

    A task that never existed costs nothing.
    """
    if seconds <= 0:
        return Decimal(0)
    hourly = VCPU_HOUR * cpu / 1024 + GB_HOUR * memory / 1024 + ADDRESS_HOUR
    cost = hourly * max(seconds, SHORTEST_SECONDS) / 3600
    return cost.quantize(Decimal("0.000001"))
