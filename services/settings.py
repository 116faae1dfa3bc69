"""The function's environment as one frozen model.

A name here is the environment variable in lower case; template.yaml sets it and docs/operating.md
explains it. tests/consistency compares the three.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Ceiling = Annotated[Decimal, Field(ge=0, lt=1_000_000)]


def _listed(count: int, form: str) -> str:
    """The pattern of several settings in one: so many of that form, with commas between."""
    return rf"^{form}(,{form}){{{count - 1}}}$"


# What each table holds, which with the stack's name is its own (template.yaml, State).
TABLES = (
    "instances",
    "hosts",
    "runs",
    "licenses",
    "sessions",
    "ledger",
    "donations",
    "registry",
    "audit",
    "clients",
    "lambda_invocations",
    "functions",
    "webhooks",
    "saves",
)


class Settings(BaseModel):
    """All that a deployment decides. Times are seconds, money is USD."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stack: str = Field(min_length=1, max_length=40)
    stack_mark: str
    domain: str
    hosted_zone_id: str
    discord_webhook_secret_arn: str = ""
    discord_application_id: Annotated[str, Field(pattern=r"^\d{0,20}$")] = ""
    task_subnets: str
    task_security_group: str
    execution_role: str
    task_boundary: str
    file_system_id: str
    releases_access_point_id: str
    releases_role: str
    vpc_id: str
    listener_arn: str
    load_balancer_dns: str
    load_balancer_zone_id: str
    servers_url: str = (
        ""  # where members' servers are reached; the load balancer, by HTTPS, unless given
    )
    bucket_user_boundary: str
    files_boundary: str
    operator_secret_arn: str = ""
    admin_user_ids: str = ""
    task_cpu: int = Field(default=1024, gt=0)
    task_memory: int = Field(default=2048, gt=0)
    largest_memory: int = Field(default=8192, gt=0)  # that a member may ask for
    image: str = "ghcr.io/felddy/foundryvtt"
    stable_host_name: bool = True
    preparation_seconds: int = Field(default=600, ge=600)
    grace_seconds: int = Field(default=900, ge=0)
    idle_seconds: int = Field(default=1800, ge=600)
    overrun_seconds: int = Field(default=3600, ge=0)
    on_demand_seconds: int = Field(default=6 * 3600, ge=600)
    longest_seconds: int = Field(default=12 * 3600, ge=600)
    # A vCPU and a GB of Fargate on ARM64, and a public IPv4 address, per hour; a GB of S3 Standard, per month: in
    # us-east-1 (AWS's price lists of November 2026).
    prices: Annotated[str, Field(pattern=_listed(4, r"\d{1,3}(\.\d{1,6})?"))] = (
        "0.03238,0.00356,0.005,0.023"
    )
    budget_per_user: Ceiling = Decimal(0)
    budget_total: Ceiling = Decimal(0)
    # Per member
    open_sessions: int = Field(default=12, ge=1, le=100)
    booked_hours: int = Field(default=80, ge=1, le=1000)
    # Starts, servers made, questions to the chat, changes and invocations of functions
    daily_uses: Annotated[str, Field(pattern=_listed(4, r"[1-9]\d{0,4}"))] = "40,5,100,500"
    session_days: int = Field(default=90, ge=1, le=3650)
    # How many saves are kept: the last, and those of so many weeks and months (docs/saves.md)
    saves_kept: Annotated[str, Field(pattern=r"^\d{1,2},\d{1,2},\d{1,2}$")] = "5,4,6"
    # What clients may have invoked (docs/invocations.md)
    invokable_functions: str = ""
    max_concurrent_requests: int = Field(default=100, ge=1, le=1000)
    request_timeout: int = Field(default=30, ge=1, le=900)
    invocation_days: int = Field(default=30, ge=1, le=3650)
    # Days for which a destroyed server's saves are kept, and after which one that nobody plays on falls asleep
    keep_days: Annotated[str, Field(pattern=r"^\d{1,3},\d{1,3}$")] = "30,60"
    # What a member's files may come to by imports; 0: anything
    member_gb: int = Field(default=20, ge=0, le=1000)
    # Members' own containers (docs/functions.md)
    function_network: Literal["none", "public", "private"] = "none"
    function_subnets: str = ""
    function_registries: str = ""
    function_quota: Annotated[str, Field(pattern=r"^\d{1,4},\d{1,4},\d{1,4},\d{1,4}$")] = (
        "10,20,4,8"
    )
    metric_tenants: int = Field(default=50, ge=0, le=1000)
    kofi_secret_arn: str = ""
    kofi_page: str = ""
    currency_rates: str = ""
    # HTTP (docs/http.md)
    env: str = "dev"
    cors_allow_origins: str = ""
    docs_public: bool = False
    token_secret_arn: str = ""
    cognito_user_pool_id: str = ""
    cognito_client_id: str = ""
    deployment_id: str = ""
    pipeline_id: str = ""
    gateway_api_ids: str = ""
    chat_model: str = "amazon.nova-lite-v1:0"
    chat_prompt: str = ""
    chat_max_tokens: int = Field(default=800, ge=1, le=4000)
    mock_data_bucket: str = ""
    sandbox: bool = (
        False  # the embedded AWS: nothing in it is anybody's, and nobody else reaches it
    )
    log_level: Literal["DEBUG", "INFO"] = "INFO"
    tracing: bool = False
    aws_region: str
    aws_lambda_function_name: str
    aws_lambda_function_version: str = "$LATEST"

    # What follows from the stack's name is not told a second time: an environment holds 4 KB.

    @property
    def partition(self) -> str:
        """The partition of AWS that the region is in, the second part of every ARN."""
        return self.listener_arn.split(":")[1]

    @property
    def account(self) -> str:
        """The number of the account."""
        return self.listener_arn.split(":")[4]

    @property
    def cluster_arn(self) -> str:
        """The ECS cluster; events of others are refused."""
        place = f"{self.aws_region}:{self.account}"
        return f"arn:{self.partition}:ecs:{place}:cluster/{self.stack}"

    @property
    def releases_cluster_arn(self) -> str:
        """The ECS cluster in which releases of Foundry are fetched."""
        return f"{self.cluster_arn}-releases"

    @property
    def functions_cluster_arn(self) -> str:
        """The ECS cluster in which members' functions run."""
        return f"{self.cluster_arn}-functions"

    @property
    def releases_role_arn(self) -> str:
        """The role of the task that fetches a release: it alone may write them."""
        return f"{self._iam}:role/{self.releases_role}"

    @property
    def execution_role_arn(self) -> str:
        """The role by which ECS reads secrets and writes logs."""
        return f"{self._iam}:role/{self.execution_role}"

    @property
    def task_boundary_arn(self) -> str:
        """The most that the role of a member's task can ever do."""
        return f"{self._iam}:policy/{self.task_boundary}"

    @property
    def bucket_user_boundary_arn(self) -> str:
        """The most that a member's IAM user can ever do."""
        return f"{self._iam}:policy/{self.bucket_user_boundary}"

    @property
    def files_boundary_arn(self) -> str:
        """The most that the role of a member's file tasks can ever do."""
        return f"{self._iam}:policy/{self.files_boundary}"

    @property
    def saves_bucket(self) -> str:
        """The bucket of all saves."""
        return f"saves-{self.stack_mark}-{self.account}"

    @property
    def kept(self) -> tuple[int, int, int]:
        """How many saves are kept: the last ones, and the last of so many weeks and of so many months.

        Without any, none is made after a stop.
        """
        last, weeks, months = (int(part) for part in self.saves_kept.split(","))
        return last, weeks, months

    @property
    def departed_seconds(self) -> int:
        """For how long the saves of a destroyed server are kept."""
        return int(self.keep_days.split(",")[0]) * 86400

    @property
    def dormant_seconds(self) -> int:
        """After how long without play a server falls asleep; 0 for never."""
        return int(self.keep_days.split(",")[1]) * 86400

    @property
    def member_bytes(self) -> int | None:
        """What a member's files may come to by imports; None for anything."""
        return self.member_gb * 10**9 or None

    @property
    def vcpu_hour(self) -> Decimal:
        """What a vCPU costs an hour."""
        return self._prices[0]

    @property
    def gb_hour(self) -> Decimal:
        """What a GB of memory costs an hour."""
        return self._prices[1]

    @property
    def address_hour(self) -> Decimal:
        """What a public address costs an hour."""
        return self._prices[2]

    @property
    def gb_month(self) -> Decimal:
        """What a GB of saves costs a month."""
        return self._prices[3]

    @property
    def _prices(self) -> list[Decimal]:
        return [Decimal(price) for price in self.prices.split(",")]

    @property
    def allowed_a_day(self) -> dict[str, int]:
        """How often a member may have a day what the platform counts (actions/rates.py)."""
        starts, creates, chats, changes = (int(part) for part in self.daily_uses.split(","))
        return {"starts": starts, "creates": creates, "chats": chats, "changes": changes}

    @property
    def purge_task_definition(self) -> str:
        """The family of the task that erases a destroyed server's files; ECS runs its newest revision."""
        return f"{self.stack}_purge"

    @property
    def task_log_group(self) -> str:
        """Where containers log."""
        return f"/ecs/{self.stack}"

    @property
    def event_bus(self) -> str:
        """The bus on which notices appear as events."""
        return self.stack

    @property
    def webhook_queue_arn(self) -> str:
        """The queue of what webhooks are to be told; events of others are refused."""
        return f"arn:{self.partition}:sqs:{self.aws_region}:{self.account}:{self.stack}-webhooks"

    @property
    def webhook_key(self) -> str:
        """The secret with the `key` from which webhooks' secrets and tables' codes are derived, by its name."""
        return f"{self.stack}/webhook-key"

    @property
    def discord_secret(self) -> str:
        """The secret that the operator makes for Discord, by its name (docs/discord.md)."""
        return f"{self.stack}/discord"

    @property
    def load_balancer_arn(self) -> str:
        """The load balancer, which the ARN of its listener names."""
        arn = self.listener_arn.replace(":listener/", ":loadbalancer/")
        return arn.rpartition("/")[0]

    @property
    def _iam(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}"

    @property
    def subnets(self) -> list[str]:
        """The subnets that tasks may run in."""
        return [subnet.strip() for subnet in self.task_subnets.split(",")]

    @property
    def subnets_of_functions(self) -> list[str]:
        """The subnets that members' functions run in: the platform's own unless others are named."""
        named = [subnet.strip() for subnet in self.function_subnets.split(",") if subnet.strip()]
        return named or self.subnets

    @property
    def registries(self) -> list[str]:
        """What members' images may come from, such as `docker.io/library` or `ghcr.io`; any if there is none."""
        return [name for part in self.function_registries.split(",") if (name := part.strip())]

    @property
    def allowed_to_tenant(self) -> dict[str, int]:
        """What a member's functions may use together: functions, replicas, CPU units (1024 a vCPU) and MiB."""
        functions, replicas, vcpu, gb = (int(part) for part in self.function_quota.split(","))
        return {
            "functions": functions,
            "replicas": replicas,
            "cpu": 1024 * vcpu,
            "memory": 1024 * gb,
        }

    @property
    def origins(self) -> list[str]:
        """The origins whose pages may call over HTTP."""
        return [origin for part in self.cors_allow_origins.split(",") if (origin := part.strip())]

    @property
    def invokable(self) -> list[str]:
        """The patterns of names, as IAM reads them, of the functions that clients may have invoked."""
        return [name for part in self.invokable_functions.split(",") if (name := part.strip())]

    @property
    def gateways(self) -> frozenset[str]:
        """The ids of the API Gateway APIs whose authorizer is believed."""
        return frozenset(filter(None, (api.strip() for api in self.gateway_api_ids.split(","))))

    @property
    def tables(self) -> dict[str, str]:
        """Every table's name in AWS by what it holds: `instances`, `runs`, …"""
        return {what: f"{self.stack}-{what}" for what in TABLES}

    @property
    def admins(self) -> frozenset[str]:
        """The user ids that may call admin actions."""
        return frozenset(filter(None, (user.strip() for user in self.admin_user_ids.split(","))))

    @property
    def usd_per(self) -> Mapping[str, Decimal]:
        """What one unit of each currency that counts in the totals is worth in USD."""
        return {"USD": Decimal(1)} | _rates(self.currency_rates)

    @field_validator("currency_rates")
    @classmethod
    def _are_rates(cls, text: str) -> str:
        _rates(text)
        return text


def _rates(text: str) -> dict[str, Decimal]:
    """The rates of "EUR=1.08,GBP=1.27"; raises ValueError for anything else."""
    rates = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"([A-Z]{3})=(\d{1,6}(\.\d{1,6})?)", part, re.ASCII)
        if not found:
            raise ValueError('CURRENCY_RATES is written like "EUR=1.08,GBP=1.27"')
        rates[found[1]] = Decimal(found[2])
    return rates


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read the environment once per process; raises pydantic.ValidationError naming what is missing."""
    given = {name.lower(): value for name, value in os.environ.items()}
    return Settings.model_validate({k: v for k, v in given.items() if k in Settings.model_fields})
