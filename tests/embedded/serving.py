"""The HTTP server as a process of its own, on an embedded AWS with a user pool."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local import embedded
from local.processes import child
from tests import world
from tests.embedded.conftest import free_port
from tests.world import sample

TOP = Path(__file__).resolve().parents[2]
PASSWORD = "Correct-horse-battery-9"


@dataclass
class Served:
    """A server, and who may ask it."""

    url: str
    page_port: int  # where pages are let in from
    process: subprocess.Popen[bytes]
    log: Path
    tokens: dict[str, str]  # by user: ID tokens of the embedded AWS's own Cognito
    access_token: str

    def metric(self, name: str) -> float:
        """A measure of the server, summed up."""
        lines = self._metrics()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))

    def answered(self, status: str) -> float:
        """How many requests got a status."""
        counts = [line for line in self._metrics() if line.startswith("http_requests_total{")]
        return sum(float(c.rsplit(" ", 1)[1]) for c in counts if f'status="{status}"' in c)

    def _metrics(self) -> list[str]:
        headers = {"Authorization": f"Bearer {self.tokens['ada']}"}
        said = requests.get(f"{self.url}/metrics", headers=headers, timeout=10)
        assert said.status_code == 200, said.text
        return said.text.splitlines()


@contextmanager
def serving(aws: embedded.Embedded, port: int, directory: Path) -> Iterator[Served]:
    """Start it on 127.0.0.1:`port`; ada and admin can sign in, and ada has a server."""
    page_port = free_port()
    environment = world.build() | {
        "CORS_ALLOW_ORIGINS": f"http://127.0.0.1:{page_port}",
        "DOCS_PUBLIC": "true",
        "ADMIN_USER_IDS": "admin,ada",
    }
    # Their own client: what other tests say in this process's environment of a service's address is not for here.
    cognito = aws.client("cognito-idp")
    pool, client = _user_pool(cognito)
    environment |= {"COGNITO_USER_POOL_ID": pool, "COGNITO_CLIENT_ID": client}
    tokens = {user: _signed_in(cognito, pool, client, user) for user in ("ada", "admin")}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    clients = embedded.CREDENTIALS | {"AWS_ENDPOINT_URL": aws.endpoint}
    log = directory / "server.log"
    command = [sys.executable, "-m", "handler.server", "--grpc-port", "0", "--port", str(port)]
    with (
        log.open("wb") as output,
        child(command, kept | environment | clients, output, cwd=TOP) as process,
    ):
        served = Served(
            f"http://127.0.0.1:{port}",
            page_port,
            process,
            log,
            {user: token["IdToken"] for user, token in tokens.items()},
            tokens["ada"]["AccessToken"],
        )
        _until_it_answers(served)
        made = requests.post(
            f"{served.url}/",
            json=sample("create-instance", userId="ada"),
            headers={"Authorization": f"Bearer {served.tokens['ada']}"},
            timeout=30,
        )
        assert made.status_code == 200, made.text
        yield served


def _until_it_answers(served: Served) -> None:
    give_up = time.monotonic() + 30
    while served.process.poll() is None and time.monotonic() < give_up:
        try:
            requests.get(f"{served.url}/healthz", timeout=2)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(served.log.read_text())


def _user_pool(cognito: Any) -> tuple[str, str]:
    pool = cognito.create_user_pool(PoolName="members")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="http", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    return pool, client["UserPoolClient"]["ClientId"]


def _signed_in(cognito: Any, pool: str, client: str, user: str) -> dict[str, str]:
    cognito.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=user, Password=PASSWORD, Permanent=True
    )
    result: dict[str, str] = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    return result
