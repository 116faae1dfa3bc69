"""Discord's three seconds: from a fresh interpreter to the first deferred answer, and what commands ask of AWS.

It is compared with a bare FastAPI through Mangum that checks the same signature and answers the same. Both run with
the packages that are deployed and no others, in turns.
"""

from __future__ import annotations

import io
import json
import os
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.calls import ADDED_SECONDS, Asked, asked_by, emulated, medians
from bench.cold_start import STACK, build, environment_of, seconds
from bench.report import progress
from handler.app import lambda_handler
from local import embedded
from local.discord import Discord, Member, played
from tests import world
from tests.aws_calls import AWS
from tests.discord.community import FORM, endpoint, secret

PAIRS, ROUNDS = 15, 5
# Each in a process that has read the secret before, as Discord's members meet it in an evening.
COMMANDS = (
    "server status",
    "saves list",
    "session list",
    "license pool",
    "server start",
    "server stop",
)
GUILD, APPLICATION, FUNCTION = "900000000000000001", "900000000000000002", "bench"
_KEY = Ed25519PrivateKey.generate()
_PUBLIC = _KEY.public_key().public_bytes_raw().hex()

_BARE = f"""
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, Request
from mangum import Mangum
app = FastAPI()
key = Ed25519PublicKey.from_public_bytes(bytes.fromhex("{_PUBLIC}"))
@app.post("/webhooks/discord")
async def discord(request: Request):
    body, signed = await request.body(), request.headers
    signature, timestamp = signed["x-signature-ed25519"], signed["x-signature-timestamp"]
    key.verify(bytes.fromhex(signature), timestamp.encode() + body)
    return {{"type": 5, "data": {{"flags": 64}}}}
said = Mangum(app, lifespan="off")(event, None)
"""
_OURS = """
from handler.app import lambda_handler
said = lambda_handler(event, None)
"""
_IS_DEFERRED = """
import json
assert json.loads(said["body"]) == {"type": 5, "data": {"flags": 64}}, said
"""


@dataclass(frozen=True)
class First:
    """Medians in seconds of the first deferred answer: a bare application's, and the platform's."""

    bare: float
    ours: float


def first_answer(pairs: int = PAIRS) -> First:
    """Time both, in turns."""
    build()
    with _aws() as endpoint:
        environment = environment_of(endpoint) | {"DISCORD_APPLICATION_ID": APPLICATION}
        took: tuple[list[float], list[float]] = ([], [])
        for number in range(pairs + 1):  # the first leaves the bytecode behind
            progress(f"First answers to Discord: {number} of {pairs} ...")
            for program, times in zip((_BARE, _OURS), took, strict=True):
                asked = f"event = {_event(number)!r}\n{program}{_IS_DEFERRED}"
                times.append(seconds(asked, environment))
    return First(*(median(times[1:]) for times in took))


def calls(rounds: int = ROUNDS) -> dict[str, tuple[Asked, Asked | None]]:
    """What each command asks of AWS: until Discord is answered, and what is carried out afterwards."""
    counted = []
    for number in range(rounds):
        progress(f"Calls to AWS of commands: {number + 1} of {rounds} ...")
        with emulated(ADDED_SECONDS), redirect_stdout(io.StringIO()), played(endpoint) as discord:
            os.environ["DISCORD_APPLICATION_ID"] = discord.application_id
            name, text = f"{world.STACK}/discord", json.dumps(secret(discord))
            world.client("secretsmanager").create_secret(Name=name, SecretString=text)
            world.new_process()
            counted.append(_evening(discord, discord.joins("Ada")))
            del os.environ["DISCORD_APPLICATION_ID"]
    return {
        name: (
            medians([each[name][0] for each in counted]),
            medians(later) if (later := [x for each in counted if (x := each[name][1])]) else None,
        )
        for name in counted[0]
    }


def _evening(discord: Discord, ada: Member) -> dict[str, tuple[Asked, Asked | None]]:
    lambda_handler({"action": "admin-register-commands", "userId": "admin"}, world.Context())
    discord.submits(ada, discord.command(ada, "server create"), **FORM)
    _carry_out()
    found = {}
    for name in COMMANDS:
        at_once = asked_by(lambda name=name: discord.command(ada, name))  # type: ignore[misc]
        waits = any(order.get("source") for order in AWS.queue)
        found[name] = at_once, asked_by(_carry_out) if waits else None
    return found


def _carry_out() -> None:
    for order in [order for order in AWS.queue if order.get("source")]:
        AWS.queue.remove(order)
        lambda_handler(order, world.Context())


@contextmanager
def _aws() -> Iterator[str]:
    """What a deferred answer needs: the secret, the registry and the function, which here does nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    held = {"publicKey": _PUBLIC, "botToken": "a-bots-token", "guildId": GUILD}
    with embedded.running(port) as aws:
        aws.client("dynamodb").create_table(
            TableName=f"{STACK}-registry",
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        secret = {"Name": f"{STACK}/discord", "SecretString": json.dumps(held)}
        aws.client("secretsmanager").create_secret(**secret)
        aws.client("lambda").create_function(
            FunctionName=FUNCTION,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/bench",
            Handler="f.f",
            Code={"ZipFile": _zip("def f(event, context): pass")},
        )
        yield aws.endpoint


def _zip(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("f.py", text)
    return made.getvalue()


def _event(number: int) -> dict[str, Any]:
    """Somebody types `/server start`, as API Gateway hands it on."""
    user = {"id": "123456789012345678", "username": "ada", "global_name": "Ada"}
    body = json.dumps(
        {
            "id": str(10**18 + number),
            "application_id": APPLICATION,
            "type": 2,
            "token": "an-interactions-token",
            "version": 1,
            "guild_id": GUILD,
            "member": {"user": user, "roles": [], "permissions": "0"},
            "data": {
                "id": "1",
                "name": "server",
                "type": 1,
                "options": [{"name": "start", "type": 1}],
            },
        }
    )
    stamp = str(int(time.time()))
    signed = _KEY.sign((stamp + body).encode()).hex()
    path = "/webhooks/discord"
    return {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "host": "x.example",
            "x-signature-ed25519": signed,
            "x-signature-timestamp": stamp,
        },
        "requestContext": {
            "apiId": "abc123",
            "stage": "$default",
            "http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }
