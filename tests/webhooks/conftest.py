"""What a webhook leads to, and what Lambda does with the queue, played by the test."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actions.webhooks.emitting import emit
from handler.app import platform
from tests import world
from tests.conftest import Invoke
from tests.foundry_server import certificate_of
from tests.webhook_receiver import Receiver, receiver

ADA, BEN = "100000000000000007", "100000000000000008"
PUBLIC = "93.184.216.34"
NAME = "f1e2d3c4b5a6"  # of an event


@dataclass
class Queue:
    """The stack's queue, and Lambda, which takes from it what the function is to carry out."""

    invoke: Invoke
    url: str

    def tell(self, user: str = ADA, **changes: Any) -> None:
        """Something happens to a function."""
        event: dict[str, Any] = {
            "event_id": NAME,
            "kind": "function.invoked",
            "data": {"name": "my-function"},
            "at": int(time.time()),
        }
        emit(platform(), user, **(event | changes))

    def carry(self) -> int | None:
        """Let Lambda call the function with what can be taken now; returns how many messages are left.

        None if there was none.
        """
        if not (event := self.take()):
            return None
        return self.settle(event, self.invoke(event))

    def take(self) -> dict[str, Any] | None:
        """The event that Lambda makes of what can be taken now, which is then out of sight for half an hour."""
        records: list[dict[str, Any]] = []
        while got := self._some():
            records += map(_record, got)
        return {"Records": records} if records else None

    def settle(self, event: dict[str, Any], answer: dict[str, Any]) -> int:
        """Delete the event's messages but for those that the function left; returns how many these are."""
        assert list(answer) == ["batchItemFailures"]
        left = {failed["itemIdentifier"] for failed in answer["batchItemFailures"]}
        for record in event["Records"]:
            if record["messageId"] not in left:
                world.client("sqs").delete_message(
                    QueueUrl=self.url, ReceiptHandle=record["receiptHandle"]
                )
        return len(left)

    def __len__(self) -> int:
        """How many messages there are, in sight or not."""
        kinds = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        found = world.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=kinds)
        return sum(int(found["Attributes"][kind]) for kind in kinds)

    def _some(self) -> list[dict[str, Any]]:
        asked = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "WaitTimeSeconds": 0}
        return list(
            world.client("sqs").receive_message(QueueUrl=self.url, **asked).get("Messages", ())
        )


def _record(message: dict[str, Any]) -> dict[str, Any]:
    """AWS Lambda, Using Lambda with Amazon SQS: example standard queue message event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{world.REGION}:{world.ACCOUNT}:{world.STACK}-webhooks",
        "awsRegion": world.REGION,
    }


@pytest.fixture
def queue(invoke: Invoke) -> Queue:
    """The queue of what webhooks are to be told."""
    found = world.client("sqs").get_queue_url(QueueName=f"{world.STACK}-webhooks")
    return Queue(invoke, found["QueueUrl"])


@pytest.fixture
def sandbox(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the embedded AWS: webhooks may lead to this machine, and by http."""
    monkeypatch.setenv("SANDBOX", "true")
    world.new_process()


@pytest.fixture
def hook(sandbox: None) -> Iterator[Receiver]:
    """A receiver on this machine, in the sandbox."""
    with receiver() as made:
        yield made


@dataclass
class Internet:
    """The resolver and the routes, as far as a webhook knows of them."""

    names: dict[str, list[list[str]]] = field(
        default_factory=dict
    )  # what each question is answered with
    leads_to: dict[str, int] = field(
        default_factory=dict
    )  # a public address: a port of this machine
    asked: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def resolve(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        """As socket.getaddrinfo; the last answer is given again and again."""
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return _REAL_RESOLVER(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in found
        ]

    def connect(self, link: socket.socket, address: Any) -> None:
        """As socket.connect: what is not led anywhere refuses, and this machine's own addresses are as always."""
        self.connected.append(address[0])
        if address[0] in self.leads_to:
            _REAL_CONNECT(link, ("127.0.0.1", self.leads_to[address[0]]))
        elif address[0].startswith("127."):
            _REAL_CONNECT(link, address)
        else:
            raise ConnectionRefusedError


_REAL_RESOLVER = socket.getaddrinfo
_REAL_CONNECT = socket.socket.connect


@pytest.fixture
def internet(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Names and routes of the test's own; without a name's entry a host is an address or nothing."""
    made = Internet()
    monkeypatch.setattr(socket, "getaddrinfo", made.resolve)

    def connect(link: socket.socket, address: Any) -> None:
        made.connect(link, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


@pytest.fixture
def secure(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    """A receiver that is hooks.play.example at a public address, with a certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_of(tmp_path))
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with receiver(tls) as made:
        internet.names["hooks.play.example"] = [[PUBLIC]]
        internet.leads_to[PUBLIC] = made.port
        yield made


def registered(invoke: Invoke, url: str, user: str = ADA, **fields: Any) -> dict[str, Any]:
    """A webhook of the member's, with its secret."""
    answer = invoke("webhook-create", userId=user, url=url, **fields)
    assert answer["success"], answer
    webhook: dict[str, Any] = answer["webhook"]
    return webhook


def shown(invoke: Invoke, user: str = ADA) -> dict[str, Any]:
    """The member's only webhook, as the list has it."""
    (webhook,) = invoke("webhook-list", userId=user)["webhooks"]
    return dict(webhook)
