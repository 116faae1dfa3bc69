"""A small community to play with. Everything in it is made up."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import time
import zipfile
from dataclasses import dataclass
from typing import Any

from local.embedded import Embedded
from local.foundry import make_world, signature
from local.foundry_image import BUILDS
from local.places import files
from local.processes import LocalError
from local.stack import STACK, TOP
from services.clients import proof_of
from services.values import serialize

_CONTAINER = TOP / "actions/instances/container.sh"  # which says what an end in order leaves
ADMIN = "100000000000000001"  # also the admin in samconfig.toml, environment `local`
PLAYER = "100000000000000003"  # has a session soon
_SOON_SECONDS = 330  # sessions are prepared five minutes before: this one within the next minutes
ADMIN_KEY = "demo-admin-key"
# One licence key is one member's.
_LICENSES = [f"DEMO-DEMO-DEMO-DEMO-DEMO-000{at}" for at in (1, 2, 3)]
_SHARED = _LICENSES[2]  # what the pool has
_WORLD = "the-sunken-keep"
_MEMBERS: tuple[dict[str, Any], ...] = (
    {
        "userId": ADMIN,
        "username": "Ada",
        "foundryLicense": _LICENSES[0],
        "foundryAdminKey": ADMIN_KEY,
    },
    {
        "userId": "100000000000000002",
        "username": "Björn the Bold",
        "foundryLicense": _LICENSES[1],
        "foundryVersion": "14",
        "foundryAdminKey": ADMIN_KEY,
    },
    {
        "userId": PLAYER,
        "username": "ada",  # another one than Ada
        "foundryAdminKey": ADMIN_KEY,
        "licenseType": "pooled",
    },
    {
        "userId": "100000000000000004",
        "username": "Cleo",
        "foundryLicense": _SHARED,
        "allowLicenseSharing": True,
        "foundryAdminKey": ADMIN_KEY,
    },
)


PEOPLE = {
    str(member["userId"]): str(member["username"]) for member in _MEMBERS
}  # by their ids at Discord


# Both as in samconfig.toml, environment `local`.
OPERATOR, KOFI = "foundry-operator", "foundry-kofi"
KOFI_TOKEN = "demo-kofi-verification-token"  # noqa: S105 - a token to play with


def keep_secrets(embedded: Embedded) -> None:
    """What an operator keeps: the foundryvtt.com account that serves the download for members who give none
    of their own, and the token by which Ko-fi proves itself.
    """
    account = {"username": "demo-operator", "password": "demo-operator-password"}
    for name, values in ((OPERATOR, account), (KOFI, {"verificationToken": KOFI_TOKEN})):
        embedded.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(values))


# The client and the functions of the contract's examples (Lambda Action); samconfig.toml lets them be invoked.
CLIENT, CLIENT_SECRET = "my_client", "my_secret"
FUNCTIONS = ("my-function", "background-job", "function1", "function2")
_FUNCTION = """
import json


def lambda_handler(event, context):
    action, data = event.get("action"), event.get("data") or event
    if action == "greet":
        message = f"Hello, {data.get('name', 'World')}!"
    elif action == "calculate":
        message = f"Result: {data.get('x', 0) + data.get('y', 0)}"
    else:
        message = "Unknown action"
    print(message)
    body = {"message": message, "timestamp": context.aws_request_id}
    return {"statusCode": 200, "body": json.dumps(body)}
"""

_FOR_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def lend_functions(embedded: Embedded) -> None:
    """Deploy the functions, each with a version and the alias `prod`, and make the client that may invoke them."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("index.py", _FUNCTION)
    client = embedded.client("lambda")
    role = embedded.client("iam").create_role(
        RoleName="demo", AssumeRolePolicyDocument=json.dumps(_FOR_LAMBDA)
    )
    for name in FUNCTIONS:
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="index.lambda_handler",
            Code={"ZipFile": code.getvalue()},
            Description="Greets and calculates",
        )
        version = client.publish_version(FunctionName=name)["Version"]
        client.create_alias(FunctionName=name, Name="prod", FunctionVersion=version)
    made = {
        "clientId": CLIENT,
        "scopes": ["invoke", "read"],
        "functions": ["*"],
        "createdAt": int(time.time()),
        "createdBy": ADMIN,
        "changedAt": int(time.time()),
        **proof_of(CLIENT, CLIENT_SECRET),
    }
    embedded.client("dynamodb").put_item(
        TableName=f"{STACK}-clients", Item={name: serialize(value) for name, value in made.items()}
    )


@dataclass(frozen=True)
class Table:
    """A demo member's server, and where players find it."""

    owner: str
    url: str
    owners: str | None  # the owner's own link, with the code that wakes it


def seed(embedded: Embedded, function: str) -> list[Table]:
    """Make each demo member's instance unless it exists, and book a session that the schedule soon prepares.

    LocalError if anything fails.
    """
    tables = [_table_of(member, embedded, function) for member in _MEMBERS]
    session = {
        "action": "schedule-session",
        "userId": PLAYER,
        "startTime": int(time.time()) + _SOON_SECONDS,
        "duration": 60,
        "title": "A demo session on a borrowed licence",
    }
    answer = _invoke(embedded, function, session)
    if not answer.get("success"):
        raise LocalError(f"Seeding a session failed: {json.dumps(answer)}")
    return tables


def wake(embedded: Embedded, function: str, table: Table) -> None:
    """Start a demo member's server, which goes on by itself. LocalError if that is refused."""
    answer = _invoke(embedded, function, {"action": "start-instance", "userId": table.owner})
    if not answer.get("success"):
        raise LocalError(f"Waking {table.url} failed: {json.dumps(answer)}")


def ask(embedded: Embedded, function: str, action: str, **fields: Any) -> dict[str, Any]:
    """What the function answers the demo community's administrator. LocalError if it refuses."""
    answer = _invoke(embedded, function, {"action": action, "userId": ADMIN, **fields})
    if not answer.get("success"):
        raise LocalError(f"{action} failed: {json.dumps(answer)}")
    return answer


def _table_of(member: dict[str, Any], embedded: Embedded, function: str) -> Table:
    answer = _invoke(embedded, function, {"action": "create-instance", **member})
    if answer.get("success") or answer.get("errorCode") == "RESOURCE_CONFLICT":
        answer = _invoke(embedded, function, {"action": "status", "userId": member["userId"]})
    if not answer.get("success"):
        raise LocalError(f"Seeding {member['username']} failed: {json.dumps(answer)}")
    _play_before(member, answer, embedded)
    opened = _invoke(
        embedded, function, {"action": "set-world", "userId": member["userId"], "world": _WORLD}
    )
    if not opened.get("success"):
        raise LocalError(f"Seeding {member['username']}'s world failed: {json.dumps(opened)}")
    return Table(member["userId"], answer["instanceUrl"], answer.get("wakeUrl"))


def _play_before(member: dict[str, Any], server: dict[str, Any], embedded: Embedded) -> None:
    """Leave the server's files as after an evening that ended in order: its licence signed, a world on the disk."""
    point = embedded.client("efs").describe_access_points(AccessPointId=server["accessPointId"])
    [found] = point["AccessPoints"]
    path = found["RootDirectory"]["Path"]
    data = files(embedded.directory, found["FileSystemId"], path)
    build = BUILDS[server["foundryVersion"]]
    config = data / "Config"
    config.mkdir(parents=True, exist_ok=True)
    make_world(data, _WORLD, "The Sunken Keep", build)
    key = member.get("foundryLicense", _SHARED).replace("-", "")
    host = f"foundry-{path.rpartition('/')[2]}"
    signed = {"host": host, "signature": signature(key, host)}
    if "foundryLicense" in member:
        (config / "license.json").write_text(json.dumps({"license": key, **signed}))
    else:  # what it plays with is borrowed, and leaves the disk with each run
        name = hashlib.sha256(key.encode()).hexdigest()
        (config / "signatures").mkdir(exist_ok=True)
        (config / f"signatures/{name}.json").write_text(json.dumps(signed))
    listed = subprocess.run(
        ["sh", "-c", _CONTAINER.read_text(), "container.sh", "inventory"],
        env={"PATH": os.environ["PATH"], "DATA": str(data), "FOUNDRY_VERSION": build},
        capture_output=True,
        check=True,
    )
    (config / "clean-stop").write_bytes(listed.stdout)


def _invoke(embedded: Embedded, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    called = embedded.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(payload).encode()
    )
    answer: dict[str, Any] = json.loads(called["Payload"].read())
    return answer
