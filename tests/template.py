"""template.yaml as CloudFormation gets it: translated by SAM's own translator, and what its expressions come to.

Resources get names and ids of the form and length that AWS gives them, so that what is made of them can be
counted and policies can be evaluated.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

Node = Any


class _Parser(Parser):  # the translator is not typed
    """Leaves out the check against SAM's schema, which takes a second; `sam validate` makes it."""

    def _validate(self, sam_template: Node, parameter_values: Node) -> None:
        pass


def packaged() -> Node:
    """The template after `sam package`, for the caller to change."""
    return copy.deepcopy(_packaged())


@lru_cache(maxsize=1)
def _packaged() -> Node:
    found = yaml_parse(Path("template.yaml").read_text())
    found["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/code"
    return json.loads(json.dumps(found))  # anchors are written out, as in what is sent to AWS


@dataclass
class Stack:
    """One stack made from the template."""

    name: str = "foundry-test"
    region: str = "us-east-1"
    partition: str = "aws"
    account: str = "123456789012"
    given: dict[str, str] = field(default_factory=dict)
    source: Node = field(default_factory=packaged)

    @cached_property
    def template(self) -> Node:
        """What SAM makes of the template with these parameters."""
        translator = Translator({}, _Parser(), boto_session=boto3.Session(region_name=self.region))
        return translator.translate(copy.deepcopy(self.source), dict(self.given))

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Every parameter's value."""
        known = self.template["Parameters"]
        assert self.given.keys() <= known.keys()
        return {
            name: self.given.get(name, str(p.get("Default", name))) for name, p in known.items()
        }

    def resources(self, kind: str) -> Iterator[tuple[str, Node]]:
        """Name and properties, with all expressions resolved, of the resources of a kind that are made."""
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == kind and self.holds(resource.get("Condition")):
                yield name, self.resolve(resource.get("Properties", {}))

    def properties(self, name: str) -> Node:
        """One resource's properties, with all expressions resolved."""
        return self.resolve(self.template["Resources"][name].get("Properties", {}))

    def holds(self, condition: str | None) -> bool:
        """Whether a condition of the template is true."""
        return condition is None or self.resolve(self.template["Conditions"][condition]) is True

    def broken_rules(self) -> list[str]:
        """What CloudFormation says of the parameters before it makes anything."""
        return [
            assertion["AssertDescription"]
            for rule in self.template["Rules"].values()
            if self.resolve(rule.get("RuleCondition", True))
            for assertion in rule["Assertions"]
            if not self.resolve(assertion["Assert"])
        ]

    def resolve(self, node: Node) -> Node:
        """`node` with what its expressions come to."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (function := _FUNCTIONS.get(next(iter(node)))):
            return function(self, next(iter(node.values())))
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def ref(self, name: str) -> Node:
        """What `Ref` gives."""
        if name.startswith("AWS::"):
            return self._pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self.template["Resources"][name]["Type"]
        return _REFS.get(kind, Stack.physical)(self, name)

    def attribute(self, path: str) -> str:
        """What `Fn::GetAtt` gives."""
        name, _, attribute = path.partition(".")
        kind = self.template["Resources"][name]["Type"]
        return _ATTRIBUTES.get((kind, attribute), Stack.physical)(self, name)

    def physical(self, name: str) -> str:
        """The name that CloudFormation gives what has none."""
        own = self.template["Resources"][name].get("Properties", {})
        for key in ("ClusterName", "LogGroupName", "FunctionName", "Family", "QueueName"):
            if key in own:
                return str(self.resolve(own[key]))
        return f"{self.name}-{name}-{self.mark(name)[:12].upper()}"

    def mark(self, of: str) -> str:
        """Hexadecimal digits that differ from stack to stack and from name to name."""
        return hashlib.sha256(f"{self.account}/{self.region}/{self.name}/{of}".encode()).hexdigest()

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """An ARN in this account."""
        place = self.region if region else ""
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"

    @cached_property
    def _pseudo(self) -> dict[str, Node]:
        m = self.mark("stack")
        uuid = "-".join((m[:8], m[8:12], m[12:16], m[16:20], m[20:32]))
        return {
            "AWS::StackName": self.name,
            "AWS::StackId": self.arn("cloudformation", f"stack/{self.name}/{uuid}"),
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::AccountId": self.account,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NOTHING,
        }

    def sub(self, given: Node) -> str:
        """What `Fn::Sub` gives."""
        text, more = given if isinstance(given, list) else (given, {})

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in more:
                return str(self.resolve(more[name]))
            return str(self.attribute(name) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def choice(self, given: Node) -> Node:
        """What `Fn::If` gives."""
        condition, yes, no = given
        return self.resolve(yes if self.holds(condition) else no)


NOTHING: Any = object()
_Value = Callable[[Stack, Any], Any]


def _all(stack: Stack, given: Node) -> list[Any]:
    return [stack.resolve(item) for item in given]


def _select(stack: Stack, given: Node) -> Node:
    index, values = _all(stack, given)
    return values[int(index)]


def _split(stack: Stack, given: Node) -> list[str]:
    separator, text = _all(stack, given)
    return str(text).split(separator)


def _join(stack: Stack, given: Node) -> str:
    separator, values = given
    return str(separator).join(stack.resolve(values))


def _contains(stack: Stack, given: Node) -> bool:
    values, value = _all(stack, given)
    return value in values


_FUNCTIONS: dict[str, _Value] = {
    "Ref": Stack.ref,
    "Fn::GetAtt": lambda s, v: s.attribute(v if isinstance(v, str) else ".".join(v)),
    "Fn::Sub": Stack.sub,
    "Fn::If": Stack.choice,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::GetAZs": lambda s, _: [f"{s.region}a", f"{s.region}b"],
    "Fn::Equals": lambda s, v: len(set(map(str, _all(s, v)))) == 1,
    "Fn::Not": lambda s, v: not _all(s, v)[0],
    "Fn::And": lambda s, v: all(_all(s, v)),
    "Fn::Or": lambda s, v: any(_all(s, v)),
    "Fn::Contains": _contains,
    "Condition": lambda s, v: s.holds(v) if isinstance(v, str) else {"Condition": s.resolve(v)},
}


def _form(text: str) -> _Value:
    """A value of that form, with `physical` for the resource's name and `mark` for what AWS makes up."""
    return lambda s, n: text.format(
        s=s, physical=s.physical(n), mark=s.mark(n), upper=s.mark(n).upper(), balancer=_balancer(s)
    )


def _arn(service: str, resource: str, *, region: bool = True) -> _Value:
    form = _form(resource)
    return lambda s, n: s.arn(service, form(s, n), region=region)


def _balancer(s: Stack) -> str:
    return f"app/{s.name[:6]}-LoadBa-{s.mark('LoadBalancer')[:12]}/{s.mark('LoadBalancer')[:16]}"


def _number(s: Stack, n: str) -> str:
    """Another number for other properties: the resource is replaced when one of them changes."""
    text = json.dumps(s.properties(n), sort_keys=True)
    return str(int(hashlib.sha256(text.encode()).hexdigest()[:6], 16))


_ELB = "elasticloadbalancing"
_REFS: dict[str, _Value] = {
    "AWS::EC2::Subnet": _form("subnet-{mark:.17}"),
    "AWS::EC2::VPC": _form("vpc-{mark:.17}"),
    "AWS::EFS::FileSystem": _form("fs-{mark:.17}"),
    "AWS::EFS::AccessPoint": _form("fsap-{mark:.17}"),
    "AWS::Route53::HostedZone": _form("Z{upper:.20}"),
    "AWS::ApiGatewayV2::Api": _form("{mark:.10}"),
    "AWS::Cognito::UserPool": _form("{s.region}_{mark:.9}"),
    "AWS::Cognito::UserPoolClient": _form("{mark:.26}"),
    "AWS::IAM::ManagedPolicy": _arn("iam", "policy/{physical}", region=False),
    "AWS::AppConfig::HostedConfigurationVersion": _number,
    "AWS::ECS::TaskDefinition": lambda s, n: s.arn(
        "ecs", f"task-definition/{s.physical(n)}:{_number(s, n)}"
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _arn(_ELB, "loadbalancer/{balancer}"),
    "AWS::ElasticLoadBalancingV2::Listener": _arn(_ELB, "listener/{balancer}/{mark:.16}"),
    "AWS::Events::EventBus": _form("{s.name}"),
}
_ATTRIBUTES: dict[tuple[str, str], _Value] = {
    ("AWS::DynamoDB::Table", "Arn"): _arn("dynamodb", "table/{physical}"),
    ("AWS::EC2::SecurityGroup", "GroupId"): _form("sg-{mark:.17}"),
    ("AWS::ECS::Cluster", "Arn"): _arn("ecs", "cluster/{physical}"),
    ("AWS::EFS::AccessPoint", "Arn"): _arn("elasticfilesystem", "access-point/fsap-{mark:.17}"),
    ("AWS::EFS::FileSystem", "Arn"): _arn("elasticfilesystem", "file-system/fs-{mark:.17}"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "DNSName"): _form(
        "{s.name:.6}-LoadBa-{mark:.12}-1234567890.{s.region}.elb.amazonaws.com"
    ),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerFullName"): _form("{balancer}"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "CanonicalHostedZoneID"): _form("Z{upper:.13}"),
    ("AWS::Events::EventBus", "Arn"): _arn("events", "event-bus/{s.name}"),
    ("AWS::IAM::Role", "Arn"): _arn("iam", "role/{physical}", region=False),
    ("AWS::Lambda::Version", "Version"): _number,
    ("AWS::Logs::LogGroup", "Arn"): _arn("logs", "log-group:{physical}:*"),
    ("AWS::SecretsManager::Secret", "Id"): _arn(
        "secretsmanager", "secret:TokenKey-{mark:.12}-AbCdEf"
    ),
    ("AWS::SQS::Queue", "Arn"): _arn("sqs", "{physical}"),
}
