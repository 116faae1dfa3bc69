"""All services of one deployment, made from its settings, each when first asked for."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

from services.settings import Settings

if TYPE_CHECKING:
    from services.audit import Audit
    from services.bedrock import Bedrock
    from services.clients import Clients
    from services.counters import Counters
    from services.discord import Discord
    from services.donations import Donations
    from services.ecs import Ecs
    from services.ecs_services import EcsServices
    from services.efs import Efs
    from services.elb import Elb
    from services.foundry import Foundry
    from services.hosts import Hosts
    from services.iam import Iam
    from services.inputs import Inputs
    from services.instances import Instances
    from services.invocations import Invocations
    from services.kofi import Kofi
    from services.lambda_functions import LambdaFunctions
    from services.ledger import Ledger
    from services.licenses import Licenses
    from services.mock_data import MockData
    from services.notice_channels import NoticeChannels
    from services.registry import Registry
    from services.request_counts import RequestCounts
    from services.route53 import Route53
    from services.runs import Runs
    from services.s3 import S3
    from services.save_bucket import SaveBucket
    from services.saves import Saves
    from services.secrets import Secrets
    from services.security_groups import SecurityGroups
    from services.self_invocation import SelfInvocation
    from services.sessions import Sessions
    from services.slots import Shares, Slots
    from services.stack_key import StackKey
    from services.tables import Tables
    from services.task_logs import TaskLogs
    from services.task_roles import FileRoles, TaskRoles
    from services.tenant_functions import TenantFunctions
    from services.tokens import Tokens
    from services.uploads import Uploads
    from services.webhook_delivery import WebhookDelivery
    from services.webhook_queue import WebhookQueue
    from services.webhooks import Webhooks


BATCH_WIDTH = 25  # invocations of a batch at once
FOLLOWERS, FOLLOWERS_OF_ONE = 10, 3  # of logs at once; each asks up to once a second
_making = RLock()


if TYPE_CHECKING:
    made_once = cached_property
else:

    class made_once(cached_property):  # noqa: N801 - it is written as cached_property is
        """A cached_property that threads make once between them; since Python 3.12 that one itself has no lock."""

        def __get__(self, instance, owner=None):
            with _making:
                return super().__get__(instance, owner)


class Platform:
    """What actions work with. Modules are imported on first use: a `status` loads DynamoDB alone."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def settle(self) -> None:
        """Let what goes on beside answers end, within half a second: Lambda then lets the process stand still."""
        if "invocations" in self.__dict__:
            self.invocations.settle(0.5)

    @made_once
    def instances(self) -> Instances:
        """The table of instances."""
        from services.instances import Instances

        return Instances(self.settings.tables["instances"])

    @made_once
    def hosts(self) -> Hosts:
        """The table of host names."""
        from services.hosts import Hosts

        return Hosts(self.settings.tables["hosts"])

    @made_once
    def runs(self) -> Runs:
        """The table of runs."""
        from services.runs import Runs

        return Runs(self.settings.tables["runs"])

    @made_once
    def licenses(self) -> Licenses:
        """The table of licences."""
        from services.licenses import Licenses

        return Licenses(self.settings.tables["licenses"])

    @made_once
    def sessions(self) -> Sessions:
        """The table of sessions."""
        from services.sessions import Sessions

        return Sessions(self.settings.tables["sessions"])

    @made_once
    def ledger(self) -> Ledger:
        """The table of what was used, what it cost and who paid."""
        from services.ledger import Ledger

        return Ledger(self.settings.tables["ledger"])

    @made_once
    def counters(self) -> Counters:
        """The counters, which the table of the ledger holds."""
        from services.counters import Counters

        return Counters(self.settings.tables["ledger"])

    @made_once
    def donations(self) -> Donations:
        """The table of donations."""
        from services.donations import Donations

        return Donations(self.settings.tables["donations"])

    @made_once
    def registry(self) -> Registry:
        """The table of administrators, donors' addresses and maintenance."""
        from services.registry import Registry

        return Registry(self.settings.tables["registry"])

    @made_once
    def audit(self) -> Audit:
        """The table of what administrators did."""
        from services.audit import Audit

        return Audit(self.settings.tables["audit"])

    @made_once
    def kofi(self) -> Kofi:
        """What Ko-fi proves itself with."""
        from services.kofi import Kofi

        return Kofi(self.settings, self.secrets)

    @made_once
    def notice_channels(self) -> NoticeChannels:
        """The ways out for notices."""
        from services.notice_channels import NoticeChannels

        return NoticeChannels(self.settings)

    @made_once
    def discord(self) -> Discord:
        """Discord, where the community lives."""
        from services.discord import Discord

        return Discord(self.settings, self.secrets)

    @made_once
    def ecs(self) -> Ecs:
        """Tasks and task definitions."""
        from services.ecs import Ecs

        return Ecs(self.settings)

    @made_once
    def efs(self) -> Efs:
        """Access points."""
        from services.efs import Efs

        return Efs(self.settings)

    @made_once
    def s3(self) -> S3:
        """Buckets."""
        from services.s3 import S3

        return S3(self.settings)

    @made_once
    def saves(self) -> Saves:
        """The table of saves."""
        from services.saves import Saves

        return Saves(self.settings.tables["saves"])

    @made_once
    def uploads(self) -> Uploads:
        """What members upload to be imported."""
        from services.uploads import Uploads

        return Uploads(self.settings)

    @made_once
    def save_bucket(self) -> SaveBucket:
        """The bucket of the saves."""
        from services.save_bucket import SaveBucket

        return SaveBucket(self.settings)

    @made_once
    def file_roles(self) -> FileRoles:
        """The roles of the members' file tasks."""
        from services.task_roles import FileRoles

        return FileRoles(self.settings)

    @made_once
    def iam(self) -> Iam:
        """Users of the buckets."""
        from services.iam import Iam

        return Iam(self.settings)

    @made_once
    def secrets(self) -> Secrets:
        """Secrets."""
        from services.secrets import Secrets

        return Secrets(self.settings)

    @made_once
    def stack_key(self) -> StackKey:
        """What is derived from the stack's key."""
        from services.stack_key import StackKey

        return StackKey(self.settings, self.secrets)

    @made_once
    def route53(self) -> Route53:
        """DNS records."""
        from services.route53 import Route53

        return Route53(self.settings)

    @made_once
    def elb(self) -> Elb:
        """Routes through the load balancer."""
        from services.elb import Elb

        return Elb(self.settings)

    @made_once
    def request_counts(self) -> RequestCounts:
        """What the load balancer has counted."""
        from services.request_counts import RequestCounts

        return RequestCounts(self.settings, self.elb)

    @made_once
    def foundry(self) -> Foundry:
        """The members' servers themselves."""
        from services.foundry import Foundry

        return Foundry(self.settings)

    @made_once
    def self_invocation(self) -> SelfInvocation:
        """The function's invocation of itself."""
        from services.self_invocation import SelfInvocation

        return SelfInvocation(self.settings)

    @made_once
    def task_roles(self) -> TaskRoles:
        """The roles of the members' tasks."""
        from services.task_roles import TaskRoles

        return TaskRoles(self.settings)

    @made_once
    def tables(self) -> Tables:
        """Whether all tables can be used."""
        from services.tables import Tables

        return Tables(self.settings)

    @made_once
    def tokens(self) -> Tokens:
        """Who a bearer token stands for."""
        from services.tokens import Tokens

        return Tokens(self.settings, self.secrets, self.registry, self.clients)

    @made_once
    def clients(self) -> Clients:
        """The table of clients."""
        from services.clients import Clients

        return Clients(self.settings.tables["clients"])

    @made_once
    def lambda_functions(self) -> LambdaFunctions:
        """Lambda functions of the account."""
        from services.lambda_functions import LambdaFunctions

        return LambdaFunctions(self.settings)

    @made_once
    def tenant_functions(self) -> TenantFunctions:
        """The table of members' functions."""
        from services.tenant_functions import TenantFunctions

        return TenantFunctions(self.settings.tables["functions"])

    @made_once
    def ecs_services(self) -> EcsServices:
        """What keeps members' functions running."""
        from services.ecs_services import EcsServices

        return EcsServices(self.settings)

    @made_once
    def security_groups(self) -> SecurityGroups:
        """The security groups of members' functions."""
        from services.security_groups import SecurityGroups

        return SecurityGroups(self.settings)

    @made_once
    def inputs(self) -> Inputs:
        """Long inputs of invocations."""
        from services.inputs import Inputs

        return Inputs(self.settings)

    @made_once
    def task_logs(self) -> TaskLogs:
        """What containers of functions have logged."""
        from services.task_logs import TaskLogs

        return TaskLogs(self.settings)

    @made_once
    def slots(self) -> Slots:
        """How many invocations may be under way in this process."""
        from services.slots import Slots

        return Slots(self.settings.max_concurrent_requests)

    @made_once
    def followers(self) -> Shares:
        """How many may follow logs in this process: an account's calls for it are few (services/task_logs.py)."""
        from services.slots import Shares

        return Shares(FOLLOWERS, FOLLOWERS_OF_ONE)

    @made_once
    def batches(self) -> Slots:
        """How many batches may be under way: as many as keep all places busy, each with threads of its own."""
        from services.slots import Slots

        return Slots(-(-self.slots.most // BATCH_WIDTH))

    @made_once
    def invocations(self) -> Invocations:
        """The log of invocations."""
        from services.invocations import Invocations

        return Invocations(self.settings)

    @made_once
    def webhooks(self) -> Webhooks:
        """The table of webhooks."""
        from services.webhooks import Webhooks

        return Webhooks(self.settings.tables["webhooks"])

    @made_once
    def webhook_queue(self) -> WebhookQueue:
        """The queue of what webhooks are to be told."""
        from services.webhook_queue import WebhookQueue

        return WebhookQueue(self.settings)

    @made_once
    def webhook_delivery(self) -> WebhookDelivery:
        """What posts to webhooks."""
        from services.webhook_delivery import WebhookDelivery

        return WebhookDelivery(self.settings, self.stack_key)

    @made_once
    def bedrock(self) -> Bedrock:
        """The model that answers in a chat."""
        from services.bedrock import Bedrock

        return Bedrock(self.settings)

    @made_once
    def mock_data(self) -> MockData:
        """Mock data to try things with."""
        from services.mock_data import MockData

        return MockData(self.settings.mock_data_bucket)
