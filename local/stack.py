"""Build for the embedded AWS and deploy to it, with the tool and the template that AWS gets."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from local.embedded import CREDENTIALS, Embedded
from local.processes import LocalError, child, reason, tool

TOP = Path(__file__).resolve().parent.parent
STACK = "foundry-local"  # samconfig.toml, environment `local`
FUNCTION = "foundry-vtt-instance-management"  # template.yaml, parameter FunctionName
LOG_GROUP = f"/aws/lambda/{FUNCTION}"
FUNCTIONS_CLUSTER = f"{STACK}-functions"

# Programs that are not everywhere, and Debian's packages of them.
_IN_TASKS = {"jq": "jq", "curl": "curl", "unzip": "unzip", "setsid": "util-linux"}
_IN_TASKS |= {"sha256sum": "coreutils"}

# The emulator asks for a right that does not exist on AWS, where InvokeModel, which the template gives, is the one.
_CONVERSE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "bedrock:Converse", "Resource": "*"}],
}


def require_tools() -> None:
    """Raise LocalError for the first program that building and deploying would miss."""
    for name in ("make", "tar", "uv", "sam"):
        tool(name)
    # What the members' servers start with, really run (actions/instances/container.sh).
    missing = [name for name in _IN_TASKS if shutil.which(name) is None]
    if missing:
        raise LocalError(
            f"members' servers need {', '.join(missing)} on this machine; install that and try again"
            f" (Debian: apt install {' '.join(_IN_TASKS[name] for name in missing)})."
        )


def build(directory: Path) -> Path:
    """`sam build` the function for this machine's Python into `directory`; returns the built template."""
    template = str(TOP / "template.yaml")
    _sam(
        ["build", "--template-file", template, "--build-dir", str(directory)],
        {"BUILD_FOR": "local"},
    )
    return directory / "template.yaml"


def parameters() -> dict[str, str]:
    """What samconfig.toml gives the template's parameters here."""
    with (TOP / "samconfig.toml").open("rb") as file:
        given = tomllib.load(file)["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(each.split("=", 1) for each in given)


def deploy(embedded: Embedded, template: Path, **others: str) -> dict[str, str]:
    """`sam deploy` a built template, with other parameters than `parameters()`; returns the stack's outputs."""
    variables = {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": embedded.endpoint,
        "SAM_CLI_POLL_DELAY": "0.3",  # seconds between looks at the stack; 5 unless set
    }
    try:
        command = ["deploy", "--config-env", "local", "--template-file", str(template)]
        given = {**parameters(), **others}  # the option replaces all that samconfig.toml gives
        overrides = [f"{name}={value}" for name, value in given.items()]
        _sam([*command, "--parameter-overrides", *overrides], variables)
    except LocalError as error:
        raise LocalError(_first_failure(embedded) or str(error)) from None
    stacks = embedded.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
    embedded.client("iam").put_role_policy(
        RoleName=outputs["FunctionRoleArn"].split("/")[-1],
        PolicyName="emulator",
        PolicyDocument=json.dumps(_CONVERSE),
    )
    _register_targets(embedded)
    return outputs


def _register_targets(embedded: Embedded) -> None:
    """Register the function where its template does: the emulator's CloudFormation makes groups without targets."""
    function = embedded.client("lambda").get_alias(FunctionName=FUNCTION, Name="live")["AliasArn"]
    elb = embedded.client("elbv2")
    for group in elb.describe_target_groups()["TargetGroups"]:
        if group["TargetType"] == "lambda":
            elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": function}])


def _first_failure(embedded: Embedded) -> str | None:
    """The resource that made the stack fail, and why; SAM's last word is only that the stack failed."""
    try:
        events = embedded.client("cloudformation").describe_stack_events(StackName=STACK)
    except ClientError:  # there is no stack: SAM failed before it
        return None
    failed = [e for e in events["StackEvents"] if e["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return None
    first = min(failed, key=lambda event: event["Timestamp"])
    return f"`sam deploy` failed at {first['LogicalResourceId']}: {first['ResourceStatusReason']}"


def _sam(arguments: list[str], variables: Mapping[str, str]) -> None:
    """Run SAM in the terminal's environment but for its AWS settings; LocalError if it fails."""
    command = [tool("sam"), *arguments, "--config-file", str(TOP / "samconfig.toml")]
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAKE", "MFLAGS"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    environment = {**ours, **nowhere, "SAM_CLI_TELEMETRY": "0", **variables}
    with tempfile.TemporaryFile() as output:
        with child(command, environment, output, cwd=TOP) as process:
            process.wait()
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")
            raise LocalError(f"`sam {arguments[0]}` failed: {reason(said)}")
