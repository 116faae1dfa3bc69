"""What AWS bounds, counted: at the longest name that a stack may have, with all options at their longest."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import pytest

from actions.instances.file_definition import program
from services.settings import Settings
from tests.consistency.test_rights import function_policies
from tests.template import Stack

PLACES = [
    ("aws", "ap-southeast-1"),  # no region of AWS has a longer name
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-cn", "cn-northwest-1"),
]
LONGEST_NAME = 40  # of a stack
ROOM = 2  # managed policies that later surfaces may bring
TO_COME = 42  # bytes of the environment for what comes
CHOICES = {"Environment": "prod", "FunctionUrl": "true", "DocsPublic": "true", "Tracing": "false"}


@lru_cache(maxsize=1)
def longest() -> dict[str, str]:
    """Every parameter at its longest; an empty one is only shorter."""
    given = {}
    for name, parameter in Stack().template["Parameters"].items():
        choices = [str(value) for value in parameter.get("AllowedValues", [])]
        most = str(parameter.get("MaxValue", 86400))  # of what is bounded only below: a day
        otherwise = {"Number": most, "String": "999999.999999"}[parameter["Type"]]
        length = int(parameter.get("MaxLength", 0))
        given[name] = "x" * length if length else max(choices, key=len, default=otherwise)
    return {**given, **CHOICES, "FunctionName": "f" * 64}


@lru_cache(maxsize=1)
def stacks() -> list[Any]:
    """With what may be given or made in each way, in each of the places."""
    choices = {
        "deployment": {
            "UserPoolId": "",
            "UserPoolClientId": "",
        },  # a rule of the template: not both
        "pool": {"DeploymentId": "", "PipelineId": ""},
        "made": {"UserPoolId": "", "DeploymentId": "", "HostedZoneId": "", "CertificateArn": ""},
    }
    return [
        pytest.param(
            Stack("s" * LONGEST_NAME, region, partition, given=longest() | options),
            id=f"{region}-{said}",
        )
        for partition, region in PLACES
        for said, options in choices.items()
    ]


def length(policy: Any) -> int:
    """IAM does not count white space (IAM and AWS STS quotas)."""
    return len(re.sub(r"\s", "", json.dumps(policy)))


@pytest.mark.parametrize("stack", stacks())
def test_every_managed_policy_fits_into_6144_characters(stack: Stack):
    found = {
        name: length(p["PolicyDocument"]) for name, p in stack.resources("AWS::IAM::ManagedPolicy")
    }
    assert {name: size for name, size in found.items() if size > 6144} == {}


@pytest.mark.parametrize("stack", stacks())
def test_the_functions_role_has_room_for_further_policies(stack: Stack):
    role = stack.properties("FunctionRole")
    assert len(role["ManagedPolicyArns"]) <= 10 - ROOM
    assert length(role.get("Policies", [])) <= 10_240
    # A third more tables, and as much again for what else there is.
    assert all(length(policy) <= 6144 * 3 / 4 for policy in function_policies(stack))


@pytest.mark.parametrize("stack", stacks())
def test_all_other_inline_policies_fit(stack: Stack):
    for _, role in stack.resources("AWS::IAM::Role"):
        assert sum(length(p["PolicyDocument"]) for p in role.get("Policies", [])) <= 10_240


@pytest.mark.parametrize("stack", stacks())
def test_the_environment_fits_into_4_kilobytes(stack: Stack):
    """Lambda measures it as JSON."""
    environment = stack.properties("Function")["Environment"]["Variables"]
    text = json.dumps(
        {name: str(value) for name, value in environment.items()}, separators=(",", ":")
    )
    assert len(text) <= 4096 - TO_COME


def test_every_text_that_goes_into_the_environment_is_bounded():
    texts = {
        name
        for name, parameter in Stack().template["Parameters"].items()
        if parameter["Type"] == "String" and not parameter.keys() & {"MaxLength", "AllowedValues"}
    }
    amounts = {"BudgetPerUser", "BudgetTotal"}  # by a pattern
    elsewhere = {"FunctionName", "CertificateArn", "AlarmEmail", "ImageRepositoryArn"}
    assert texts == amounts | elsewhere


@pytest.mark.parametrize("stack", stacks())
def test_the_load_balancers_own_answers_fit_into_1024_bytes(stack: Stack):
    bodies = [
        action["FixedResponseConfig"]["MessageBody"]
        for _, listener in stack.resources("AWS::ElasticLoadBalancingV2::Listener")
        for action in listener["DefaultActions"]
        if "FixedResponseConfig" in action
    ]
    assert bodies
    assert all(len(body.encode()) <= 1024 for body in bodies)


# Where a name has a bound that a long stack name could pass: (kind, property, characters).
BOUNDS = [
    ("AWS::AppConfig::Application", "Name", 64),
    ("AWS::ApiGatewayV2::Api", "Name", 128),
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255),
    ("AWS::Cognito::UserPool", "UserPoolName", 128),
    ("AWS::ECS::Cluster", "ClusterName", 255),
    ("AWS::ECS::TaskDefinition", "Family", 255),
    ("AWS::Events::EventBus", "Name", 256),
    ("AWS::Lambda::Function", "Description", 256),
    ("AWS::Lambda::Function", "FunctionName", 64),
    ("AWS::Lambda::Version", "Description", 256),
    ("AWS::Logs::LogGroup", "LogGroupName", 512),
]


@pytest.mark.parametrize(("kind", "key", "bound"), BOUNDS)
def test_names_of_the_stacks_own_resources_fit(kind: str, key: str, bound: int):
    (*_, made) = stacks()
    names = [properties[key] for _, properties in made.values[0].resources(kind)]
    assert names
    assert all(len(name) <= bound for name in names)


def test_no_stack_may_have_a_longer_name():
    (bound,) = (
        m.max_length for m in Settings.model_fields["stack"].metadata if hasattr(m, "max_length")
    )
    assert bound == LONGEST_NAME


def test_the_program_of_file_tasks_fits_into_its_definition():
    """ECS takes 64 KiB of definition; the rest of one has less than 8."""
    assert len(json.dumps(program())) <= 56 * 1024
