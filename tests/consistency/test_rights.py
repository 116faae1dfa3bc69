"""Two stacks in one account cannot touch each other's things: the policies of one, asked about the other's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies import actions, allows
from tests.template import Stack

# What one stack has and another must not reach: (ARN, values of condition keys).
Thing = tuple[str, dict[str, Any]]

ID = "0123456789ab"
OURS = "123456789012"
OPTIONS = {
    "DiscordWebhookSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:hook-{}-AbCdEf",
    "KofiSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:kofi-{}-AbCdEf",
    "DeploymentId": "deployment-{}",
    "PipelineId": "pipeline",
    "MockDataBucket": "mock-data-{}",
    "HostedZoneId": "Z0123456789",  # one zone for both
}
# What no policy can bind to a stack, and why.
UNBOUND = {
    "elasticfilesystem:TagResource": "what is just being made, which only the own file system allows",
    "xray:PutTraceSegments": "X-Ray knows no resource",
    "xray:PutTelemetryRecords": "X-Ray knows no resource",
    "ecs:DeregisterTaskDefinition": "ECS checks neither resource nor tag; nothing running ends by it",
    "elasticloadbalancing:DescribeTargetGroups": "no resource for what only looks",
    "elasticloadbalancing:DescribeRules": "no resource for what only looks",
    "elasticloadbalancing:DescribeLoadBalancers": "no resource for what only looks",
    "cloudwatch:GetMetricStatistics": "no resource for what only looks",
    "ec2:DescribeSecurityGroups": "no resource for what only looks",
    "ec2:CreateTags": "what is just being made, which only the own tag allows",
    "lambda:ListFunctions": "no resource for what only looks",
    "bedrock:InvokeModel": "models belong to no stack",
    "route53:GetHostedZone": "the zone may be one for both",
    "route53:ListResourceRecordSets": "the zone may be one for both",
}


def stack(name: str, function: str, domain: str) -> Stack:
    options = {option: value.format(function) for option, value in OPTIONS.items()}
    return Stack(name, given={**options, "FunctionName": function, "Domain": domain})


DEV = stack("foundry-dev", "dev", "dev.play.example")
PROD = stack("foundry", "prod", "play.example")  # one's name is how the other's begins
SIBLING = stack("foundry-dez", "dez", "dez.example")


def function_policies(of: Stack) -> list[Any]:
    """All policies of the function's role."""
    role = of.properties("FunctionRole")
    attached = set(role["ManagedPolicyArns"])
    managed = [
        properties["PolicyDocument"]
        for name, properties in of.resources("AWS::IAM::ManagedPolicy")
        if of.ref(name) in attached
    ]
    assert len(managed) == len(attached)
    return managed + [policy["PolicyDocument"] for policy in role.get("Policies", [])]


def mark(of: Stack) -> str:
    """The eight characters by which the stack's short names are told apart."""
    found: str = of.properties("Function")["Environment"]["Variables"]["STACK_MARK"]
    assert len(found) == 8
    return found


Things = dict[str, list[Thing]]


def things(of: Stack) -> Things:
    """What the stack's function does each of its actions to."""
    parts = (
        *(_being_a_function, _stored, _tasks, _files, _members, _saves),
        *(_routes, _http, _functions),
    )
    found: Things = {}
    for part in parts:
        for action, of_part in part(of).items():
            found[action] = found.get(action, []) + of_part
    return found


def each(service: str, names: str, *arns: str, **context: Any) -> Things:
    """The same things for several actions of a service; `context` names keys with "__" for ":"."""
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return {f"{service}:{name}": [(arn, keys) for arn in arns] for name in names.split()}


def _being_a_function(s: Stack) -> Things:
    function = s.arn("lambda", f"function:{s.parameters['FunctionName']}")
    queue = s.attribute("WebhookQueue.Arn")
    taken = "ChangeMessageVisibility ReceiveMessage DeleteMessage GetQueueAttributes"
    return {
        **each("sqs", "SendMessage", s.attribute("DeadLetters.Arn"), queue),
        **each("sqs", taken, queue),
        **each("lambda", "InvokeFunction", f"{function}:7"),
        **each("lambda", "GetFunctionConfiguration", function, f"{function}:live"),
        **each("lambda", "ListFunctions", "*"),
        **each("events", "PutEvents", s.attribute("Notices.Arn")),
        **each("logs", "CreateLogStream PutLogEvents", s.attribute("FunctionLogs.Arn")),
        **each("xray", "PutTraceSegments PutTelemetryRecords", "*"),
    }


def _stored(s: Stack) -> Things:
    tables = [s.attribute(f"{name}.Arn") for name, _ in s.resources("AWS::DynamoDB::Table")]
    log = s.attribute("InvocationsTable.Arn")
    decided = [table for table in tables if table != log]
    scanned = [s.attribute(f"{n}Table.Arn") for n in ("Instances", "Licenses", "Runs", "Donations")]
    return {
        **each("dynamodb", "GetItem PutItem UpdateItem DeleteItem", *decided),
        **each("dynamodb", "DescribeTable", *tables),
        **each("dynamodb", "BatchWriteItem", log),
        **each("dynamodb", "Query", s.attribute("InstancesTable.Arn") + "/index/DueIndex"),
        **each("dynamodb", "Scan", *scanned),
    }


def _tasks(s: Stack) -> Things:
    cluster = s.attribute("Cluster.Arn")
    families = (f"{s.name}_{ID}:3", f"{s.name}_purge:1")
    definitions = [s.arn("ecs", f"task-definition/{family}") for family in families]
    task = s.arn("ecs", f"task/{s.ref('Cluster')}/{ID}")
    roles = [s.attribute("ExecutionRole.Arn"), s.attribute("PurgeRole.Arn"), role(s)]
    passed = {"iam__PassedToService": "ecs-tasks.amazonaws.com"}
    return {
        **each("ecs", "RunTask", *definitions, ecs__cluster=cluster),
        **each("ecs", "RegisterTaskDefinition DeleteTaskDefinitions", *definitions),
        **each("ecs", "TagResource", *definitions, task),
        **each("ecs", "StopTask DescribeTasks", task),
        **each("ecs", "ListTasks", "*", ecs__cluster=cluster),
        **each("ecs", "DescribeClusters", cluster),
        **each("ecs", "DeregisterTaskDefinition", "*"),
        **each("iam", "PassRole", *roles, **passed),
    }


def _files(s: Stack) -> Things:
    made = "CreateAccessPoint DescribeAccessPoints DescribeFileSystems"
    efs = "elasticfilesystem"
    tagged = {"aws__ResourceTag/stack": s.name}
    creating = {"elasticfilesystem__CreateAction": "CreateAccessPoint"}
    return {
        **each(efs, made, s.attribute("FileSystem.Arn")),
        **each(efs, "DeleteAccessPoint", access_point(s), **tagged),
        **each(efs, "TagResource", access_point(s), **creating),
    }


def _members(s: Stack) -> Things:
    secret = s.arn("secretsmanager", f"secret:{s.name}/{ID}-AbCdEf")
    stage = "UpdateSecretVersionStage"
    read = [s.parameters[f"{name}SecretArn"] for name in ("DiscordWebhook", "Kofi")]
    bucket = f"arn:aws:s3:::foundry-{mark(s)}-ada-1-{ID}"
    settings = "OwnershipControls PublicAccessBlock Policy CORS Versioning"
    put = " ".join(f"PutBucket{setting}" for setting in settings.split())
    keys = "CreateAccessKey ListAccessKeys DeleteAccessKey"
    user = s.arn("iam", f"user/{s.name}/{s.name}-{ID}", region=False)
    bounded_user = {"iam__PermissionsBoundary": s.ref("BucketUserBoundary")}
    bounded_role = {"iam__PermissionsBoundary": s.ref("TaskBoundary")}
    return {
        **each(
            "secretsmanager",
            f"CreateSecret PutSecretValue DeleteSecret TagResource {stage}",
            secret,
        ),
        **each("secretsmanager", "GetSecretValue", secret, s.attribute("TokenKey.Id"), *read),
        **each("s3", f"CreateBucket DeleteBucket ListBucketVersions {put}", bucket),
        **each("s3", "PutLifecycleConfiguration", bucket),
        **each("s3", "DeleteObject DeleteObjectVersion", f"{bucket}/map.webp"),
        **each("iam", "CreateUser PutUserPolicy", user, **bounded_user),
        **each("iam", f"DeleteUser TagUser DeleteUserPolicy {keys}", user),
        **each("iam", "CreateRole PutRolePolicy", role(s), **bounded_role),
        **each("iam", "DeleteRole TagRole DeleteRolePolicy", role(s)),
    }


def _saves(s: Stack) -> Things:
    bucket, bounded = s.attribute("SavesBucket.Arn"), s.ref("FilesBoundary")
    made = ["repositories/i/keys/0", "results/i/run.json", "progress/i/run.json"]
    objects = [f"{bucket}/{key}" for key in made]
    table, files = s.attribute("SavesTable.Arn"), f"{role(s)}-files"
    return {
        **each("s3", "ListBucket ListBucketVersions", bucket),
        **each("s3", "GetObject", *objects[1:]),
        **each("s3", "GetObject PutObject", f"{bucket}/imports/i/upload"),
        **each("s3", "ListMultipartUploadParts AbortMultipartUpload", f"{bucket}/imports/i/upload"),
        **each("s3", "DeleteObject DeleteObjectVersion", *objects),
        **each("dynamodb", "Query", table),
        **each("iam", "CreateRole PutRolePolicy", files, iam__PermissionsBoundary=bounded),
        **each("ecs", "RunTask", s.arn("ecs", f"task-definition/{s.name}_{ID}-files:1")),
    }


def _routes(s: Stack) -> Things:
    zone = f"arn:aws:route53:::hostedzone/{s.parameters['HostedZoneId']}"
    group = s.arn("elasticloadbalancing", f"targetgroup/fvtt-{mark(s)}-{ID}/0123456789abcdef")
    listener = s.ref("HttpsListener")
    rule = listener.replace(":listener/", ":listener-rule/") + "/0123456789abcdef"
    elb, record = "elasticloadbalancing", changing(f"ada.{s.parameters['Domain']}", "A")
    return {
        **each("route53", "GetHostedZone ListResourceRecordSets", zone),
        "route53:ChangeResourceRecordSets": [(zone, record)],
        **each(elb, "CreateTargetGroup DeleteTargetGroup RegisterTargets", group),
        **each(elb, "AddTags", group, rule),
        **each(elb, "CreateRule", listener),
        **each(elb, "ModifyRule DeleteRule", rule),
        **each(elb, "DescribeTargetGroups DescribeRules DescribeLoadBalancers", "*"),
        **each("cloudwatch", "GetMetricStatistics", "*"),
    }


def _http(s: Stack) -> Things:
    mock = f"arn:aws:s3:::{s.parameters['MockDataBucket']}"
    pool = s.arn("ssm", f"parameter/{s.parameters['DeploymentId']}/auth/user_pool_ref")
    model = f"arn:aws:bedrock:{s.region}::foundation-model/{s.parameters['ChatModel']}"
    return {
        **each("bedrock", "InvokeModel", model),
        **each("ssm", "GetParameters", pool),
        **each("s3", "GetObject", f"{mock}/users.json"),
        **each("s3", "ListBucket", mock),
    }


def _functions(s: Stack) -> Things:
    cluster, name = s.attribute("FunctionsCluster.Arn"), f"fn-1-dice-{ID}"
    service = s.arn("ecs", f"service/{s.ref('FunctionsCluster')}/{name}")
    task = s.arn("ecs", f"task/{s.ref('FunctionsCluster')}/{ID}")
    definition = s.arn("ecs", f"task-definition/{s.name}_{name}:1")
    stream = s.arn("logs", f"log-group:/ecs/{s.name}:log-stream:fn-{ID}/main/1")
    group, network = s.arn("ec2", f"security-group/sg-{ID}"), s.arn("ec2", f"vpc/{s.ref('Vpc')}")
    return {
        **each("ecs", "CreateService UpdateService DeleteService DescribeServices", service),
        **each("ecs", "TagResource", service, task, definition),
        **each("ecs", "StopTask DescribeTasks", task),
        **each("ecs", "RunTask", definition, ecs__cluster=cluster),
        **each("ecs", "ListTasks", "*", ecs__cluster=cluster),
        "ec2:CreateSecurityGroup": [
            (network, {}),
            (group, {"aws:RequestTag/stack": s.name}),
        ],
        **each("ec2", "CreateTags", group, ec2__CreateAction="CreateSecurityGroup"),
        "ec2:DeleteSecurityGroup": [(group, {"aws:ResourceTag/stack": s.name})],
        **each("ec2", "DescribeSecurityGroups", "*"),
        **each("logs", "DescribeLogStreams FilterLogEvents", s.attribute("TaskLogs.Arn")),
        **each("logs", "DeleteLogStream", stream),
        **each("s3", "PutObject GetObject", s.attribute("FunctionInputs.Arn") + "/inputs/1.json"),
    }


def role(s: Stack) -> str:
    """The role of an instance's task."""
    return s.arn("iam", f"role/{s.name}/{s.name}-{ID}", region=False)


def access_point(s: Stack) -> str:
    """The access point of an instance."""
    return s.arn("elasticfilesystem", "access-point/fsap-0123456789abcdef0")


def changing(name: str, kind: str) -> dict[str, Any]:
    """What Route 53 tells IAM of a change of one record."""
    return {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [name],
        "route53:ChangeResourceRecordSetsRecordTypes": [kind],
    }


def test_every_right_is_for_something_of_the_stacks_own():
    assert things(DEV).keys() == actions(function_policies(DEV))
    refused = [
        (action, arn)
        for action, found in things(DEV).items()
        for arn, context in found
        if not allows(function_policies(DEV), action, arn, context)
    ]
    assert refused == []


@pytest.mark.parametrize(
    ("one", "other"),
    [(DEV, PROD), (PROD, DEV), (DEV, SIBLING)],
    ids=["longer name", "shorter name", "as long"],
)
def test_the_function_touches_nothing_of_another_stack(one: Stack, other: Stack):
    reached = {
        action
        for action, found in things(other).items()
        for arn, context in found
        if allows(function_policies(one), action, arn, context)
    }
    assert reached - UNBOUND.keys() == set()


OTHERS = {"FunctionName": "dev", "InvokableFunctions": "my-*,report?"}


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"])
@pytest.mark.parametrize(
    ("name", "owner", "may"),
    [
        ("my-function", OURS, True),
        ("my-", OURS, True),
        ("my-function:prod", OURS, True),
        ("report1", OURS, True),
        ("report1:7", OURS, True),
        ("report", OURS, False),
        ("report12", OURS, False),
        ("your-function", OURS, False),
        ("not-my-function", OURS, False),
        ("My-function", OURS, False),
        ("my-function", "999999999999", False),
    ],
)
def test_what_the_operator_names_may_be_invoked_and_nothing_else(action, name, owner, may):
    policies = function_policies(Stack(given=OTHERS))
    arn = f"arn:aws:lambda:us-east-1:{owner}:function:{name}"
    assert allows(policies, action, arn, {"aws:ResourceAccount": owner}) is may
    assert not allows(function_policies(Stack(given={"FunctionName": "dev"})), action, arn)


def test_the_function_reads_no_save():
    save = f"{DEV.attribute('SavesBucket.Arn')}/repositories/i/data/0"
    assert not allows(function_policies(DEV), "s3:GetObject", save)


def test_a_user_or_role_without_the_boundary_cannot_be_made():
    for action, kind in (("iam:CreateUser", "user"), ("iam:CreateRole", "role")):
        arn = DEV.arn("iam", f"{kind}/foundry-dev/foundry-dev-{ID}", region=False)
        for boundary in ({}, {"iam:PermissionsBoundary": PROD.ref("TaskBoundary")}):
            assert not allows(function_policies(DEV), action, arn, boundary)


def test_no_parameter_takes_the_boundaries_away_on_aws():
    assert not Stack().holds("Embedded")
    refused, emulator = (Stack(account=a, given={"EmbeddedAws": "true"}) for a in (OURS, "0" * 12))
    assert refused.broken_rules() == ["EmbeddedAws would take bounds from the rights on AWS"]
    assert emulator.broken_rules() == Stack().broken_rules() == []


def test_an_access_point_is_tagged_while_it_is_made_and_never_later():
    tag = "elasticfilesystem:TagResource"
    assert not allows(function_policies(DEV), tag, access_point(DEV))


def test_names_below_others_of_the_zone_are_not_members_own():
    zone, change = "arn:aws:route53:::hostedzone/Z0123456789", "route53:ChangeResourceRecordSets"
    for name, kind in (
        ("ada.dev.play.example", "A"),
        ("play.example", "A"),
        ("ada.play.example", "MX"),
    ):
        assert not allows(function_policies(PROD), change, zone, changing(name, kind))


def test_a_members_keys_reach_no_other_stacks_buckets():
    boundary = DEV.properties("BucketUserBoundary")["PolicyDocument"]
    for action, rest in (("s3:GetObject", "/map.webp"), ("s3:ListBucket", "")):
        own, others = (f"arn:aws:s3:::foundry-{mark(s)}-ada-1-{ID}{rest}" for s in (DEV, PROD))
        assert allows([boundary], action, own)
        assert not allows([boundary], action, others)


def test_a_members_task_reaches_files_through_access_points_of_its_own_stack_only():
    boundary = DEV.properties("TaskBoundary")["PolicyDocument"]
    mount, key = "elasticfilesystem:ClientMount", "elasticfilesystem:AccessPointArn"
    point = {key: DEV.arn("elasticfilesystem", "access-point/fsap-0123456789abcdef0")}
    assert allows([boundary], mount, DEV.attribute("FileSystem.Arn"), point)
    assert not allows([boundary], mount, PROD.attribute("FileSystem.Arn"), point)
    assert not allows([boundary], mount, DEV.attribute("FileSystem.Arn"))
    purge = {key: DEV.attribute("PurgeAccessPoint.Arn")}
    assert not allows([boundary], mount, DEV.attribute("FileSystem.Arn"), purge)


def test_ecs_reads_secrets_of_its_own_stack_only():
    (policy,) = (p["PolicyDocument"] for p in DEV.properties("ExecutionRole")["Policies"])
    read = "secretsmanager:GetSecretValue"
    assert allows([policy], read, DEV.arn("secretsmanager", f"secret:foundry-dev/{ID}-AbCdEf"))
    assert not allows([policy], read, DEV.arn("secretsmanager", f"secret:foundry/{ID}-AbCdEf"))


def test_tasks_are_reached_by_the_load_balancer_and_by_nobody_else():
    tasks, files = (DEV.properties(f"{n}SecurityGroup") for n in ("Task", "FileSystem"))
    (way_in,) = tasks["SecurityGroupIngress"]
    assert way_in["SourceSecurityGroupId"] == DEV.attribute("LoadBalancerSecurityGroup.GroupId")
    assert (way_in["FromPort"], way_in["ToPort"]) == (30000, 30000)
    (mounts,) = files["SecurityGroupIngress"]
    assert mounts["SourceSecurityGroupId"] == DEV.attribute("TaskSecurityGroup.GroupId")
