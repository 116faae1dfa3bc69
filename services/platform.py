"""All services of one deployment, made from its settings, each when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from services.settings import Settings

if TYPE_CHECKING:
    from services.audit import Audit
    from services.bedrock import Bedrock
    from services.clients import Clients
    from services.counters import Counters
    from services.donations import Donations
    from services.ecs import Ecs
    from services.efs import Efs
    from services.elb import Elb
    from services.foundry import Foundry
    from services.functions import Functions
    from services.hosts import Hosts
    from services.iam import Iam
    from services.instances import Instances
    from services.invocations import Invocations
    from services.kofi import Kofi
    from services.ledger import Ledger
    from services.licenses import Licenses
    from services.mock_data import MockData
    from services.notice_channels import NoticeChannels
    from services.registry import Registry
    from services.route53 import Route53
    from services.runs import Runs
    from services.s3 import S3
    from services.secrets import Secrets
    from services.self_invocation import SelfInvocation
    from services.sessions import Sessions
    from services.slots import Slots
    from services.tables import Tables
    from services.task_roles import TaskRoles
    from services.tokens import Tokens


class Platform:
    """What actions work with. Modules are imported on first use: a `status` loads DynamoDB alone."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def settle(self) -> None:
        """Let what goes on beside answers end, within half a second: Lambda then lets the process stand still."""
        if "invocations" in self.__dict__:
            self.invocations.settle(0.5)

    @cached_property
    def instances(self) -> Instances:
        """The table of instances."""
        from services.instances import Instances

        return Instances(self.settings.tables["instances"])

    @cached_property
    def hosts(self) -> Hosts:
        """The table of host names."""
        from services.hosts import Hosts

        return Hosts(self.settings.tables["hosts"])

    @cached_property
    def runs(self) -> Runs:
        """The table of runs."""
        from services.runs import Runs

        return Runs(self.settings.tables["runs"])

    @cached_property
    def licenses(self) -> Licenses:
        """The table of licences."""
        from services.licenses import Licenses

        return Licenses(self.settings.tables["licenses"])

    @cached_property
    def sessions(self) -> Sessions:
        """The table of sessions."""
        from services.sessions import Sessions

        return Sessions(self.settings.tables["sessions"])

    @cached_property
    def ledger(self) -> Ledger:
        """The table of what was used, what it cost and who paid."""
        from services.ledger import Ledger

        return Ledger(self.settings.tables["ledger"])

    @cached_property
    def counters(self) -> Counters:
        """The counters, which the table of the ledger holds."""
        from services.counters import Counters

        return Counters(self.settings.tables["ledger"])

    @cached_property
    def donations(self) -> Donations:
        """The table of donations."""
        from services.donations import Donations

        return Donations(self.settings.tables["donations"])

    @cached_property
    def registry(self) -> Registry:
        """The table of administrators, donors' addresses and maintenance."""
        from services.registry import Registry

        return Registry(self.settings.tables["registry"])

    @cached_property
    def audit(self) -> Audit:
        """The table of what administrators did."""
        from services.audit import Audit

        return Audit(self.settings.tables["audit"])

    @cached_property
    def kofi(self) -> Kofi:
        """What Ko-fi proves itself with."""
        from services.kofi import Kofi

        return Kofi(self.settings, self.secrets)

    @cached_property
    def notice_channels(self) -> NoticeChannels:
        """The ways out for notices."""
        from services.notice_channels import NoticeChannels

        return NoticeChannels(self.settings)

    @cached_property
    def ecs(self) -> Ecs:
        """Tasks and task definitions."""
        from services.ecs import Ecs

        return Ecs(self.settings)

    @cached_property
    def efs(self) -> Efs:
        """Access points."""
        from services.efs import Efs

        return Efs(self.settings)

    @cached_property
    def s3(self) -> S3:
        """Buckets."""
        from services.s3 import S3

        return S3(self.settings)

    @cached_property
    def iam(self) -> Iam:
        """Users of the buckets."""
        from services.iam import Iam

        return Iam(self.settings)

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets."""
        from services.secrets import Secrets

        return Secrets(self.settings)

    @cached_property
    def route53(self) -> Route53:
        """DNS records."""
        from services.route53 import Route53

        return Route53(self.settings)

    @cached_property
    def elb(self) -> Elb:
        """Routes through the load balancer."""
        from services.elb import Elb

        return Elb(self.settings)

    @cached_property
    def foundry(self) -> Foundry:
        """The members' servers themselves."""
        from services.foundry import Foundry

        return Foundry(self.settings)

    @cached_property
    def self_invocation(self) -> SelfInvocation:
        """The function's invocation of itself."""
        from services.self_invocation import SelfInvocation

        return SelfInvocation(self.settings)

    @cached_property
    def task_roles(self) -> TaskRoles:
        """The roles of the members' tasks."""
        from services.task_roles import TaskRoles

        return TaskRoles(self.settings)

    @cached_property
    def tables(self) -> Tables:
        """Whether all tables can be used."""
        from services.tables import Tables

        return Tables(self.settings)

    @cached_property
    def tokens(self) -> Tokens:
        """Who a bearer token stands for."""
        from services.tokens import Tokens

        return Tokens(self.settings, self.secrets, self.registry, self.clients)

    @cached_property
    def clients(self) -> Clients:
        """The table of clients."""
        from services.clients import Clients

        return Clients(self.settings.tables["clients"])

    @cached_property
    def functions(self) -> Functions:
        """Functions of others."""
        from services.functions import Functions

        return Functions(self.settings)

    @cached_property
    def slots(self) -> Slots:
        """How many invocations may be under way in this process."""
        from services.slots import Slots

        return Slots(self.settings.max_concurrent_requests)

    @cached_property
    def invocations(self) -> Invocations:
        """The log of invocations."""
        from services.invocations import Invocations

        return Invocations(self.settings)

    @cached_property
    def bedrock(self) -> Bedrock:
        """The model that answers in a chat."""
        from services.bedrock import Bedrock

        return Bedrock(self.settings)

    @cached_property
    def mock_data(self) -> MockData:
        """Mock data to try things with."""
        from services.mock_data import MockData

        return MockData(self.settings.mock_data_bucket)
