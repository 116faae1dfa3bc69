"""The function's environment as one frozen model.

A name here is the environment variable in lower case; template.yaml sets it and docs/operating.md
explains it. tests/consistency compares the three.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """All that a deployment decides. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stack: str = Field(min_length=1, max_length=40)
    domain: str
    hosted_zone_id: str
    instances_table: str
    hosts_table: str
    runs_table: str
    licenses_table: str
    sessions_table: str
    event_bus: str
    discord_webhook_secret_arn: str = ""
    cluster_arn: str
    task_subnets: str
    task_security_group: str
    execution_role_arn: str
    task_role_arn: str
    purge_task_definition: str
    file_system_id: str
    cache_access_point_id: str
    task_log_group: str
    vpc_id: str
    listener_arn: str
    load_balancer_arn: str
    load_balancer_dns: str
    load_balancer_zone_id: str
    bucket_user_boundary_arn: str
    operator_secret_arn: str = ""
    admin_user_ids: str = ""
    task_cpu: int = Field(default=1024, gt=0)
    task_memory: int = Field(default=2048, gt=0)
    image: str = "felddy/foundryvtt"
    preparation_seconds: int = Field(default=600, ge=600)
    grace_seconds: int = Field(default=900, ge=0)
    idle_seconds: int = Field(default=1800, ge=600)
    overrun_seconds: int = Field(default=3600, ge=0)
    on_demand_seconds: int = Field(default=6 * 3600, ge=600)
    longest_seconds: int = Field(default=12 * 3600, ge=600)
    log_level: Literal["DEBUG", "INFO"] = "INFO"
    tracing: bool = False
    aws_region: str
    aws_lambda_function_name: str
    aws_lambda_function_version: str = "$LATEST"

    @property
    def subnets(self) -> list[str]:
        """The subnets that tasks may run in."""
        return [subnet.strip() for subnet in self.task_subnets.split(",")]

    @property
    def admins(self) -> frozenset[str]:
        """The user ids that may call admin actions."""
        return frozenset(filter(None, (user.strip() for user in self.admin_user_ids.split(","))))


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read the environment once per process; raises pydantic.ValidationError naming what is missing."""
    given = {name.lower(): value for name, value in os.environ.items()}
    return Settings.model_validate({k: v for k, v in given.items() if k in Settings.model_fields})
