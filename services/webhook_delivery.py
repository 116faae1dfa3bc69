"""Posting to members' webhooks, as Standard Webhooks has it (docs/sources.md), and to nobody else.

A URL is a member's choice, so what is connected to is an address that was looked at: the host's name is asked for
once, and what is private, or this machine's own, is never tried, whatever the name leads to a moment later. Proxies
of the environment play no part, since nothing here looks for any, and redirections are failures.
"""

from __future__ import annotations

import hmac
import re
import socket
import ssl
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from ipaddress import ip_address
from time import monotonic
from typing import Any

from services import clock
from services.settings import Settings
from services.stack_key import StackKey
from services.webhook_targets import Target, is_allowed, target_of

_PHASE_SECONDS, _TOTAL_SECONDS = 5.0, 10.0
_ANSWER_BYTES = 1024
_MARK = "whsec_"  # not in the line that makes a secret: a traceback shows it, and tests look for secrets in the log
# The final status: what comes before it (100, 103) has one of its own.
_STATUS = re.compile(r"^HTTP/1\.[01] ([2-5][0-9]{2})[ \r\n]", re.MULTILINE)
_REQUEST = """POST {target.asked} HTTP/1.1\r
Host: {target.authority}\r
User-Agent: foundry-platform-webhooks\r
Content-Type: application/json\r
Content-Length: {length}\r
webhook-id: {message_id}\r
webhook-timestamp: {now}\r
webhook-signature: v1,{signature}\r
Connection: close\r
\r
"""


class NotDelivered(Exception):
    """A webhook did not take a message. Says why in words that name no address."""


class WebhookDelivery:
    """What posts, and the secrets that it signs with."""

    def __init__(self, settings: Settings, stack_key: StackKey) -> None:
        self._settings = settings
        self._stack_key = stack_key

    def secret_of(self, webhook_id: str) -> str:
        """The secret by which its receiver knows that a message is the platform's. It is kept nowhere."""
        return _MARK + b64encode(self._stack_key.derived(webhook_id)).decode()

    def post(self, webhook_id: str, url: str, message_id: str, body: bytes) -> None:
        """Post `body`, in ten seconds at most. Raises NotDelivered unless it is answered with 2xx.

        `message_id` has no full stop, which separates what is signed.
        """
        target, request = self._request(webhook_id, url, message_id, body)
        try:
            status = self._answered(target, request)
        except TimeoutError:
            raise NotDelivered("It did not answer in time.") from None
        except ssl.SSLCertVerificationError:
            raise NotDelivered("Its certificate is not valid.") from None
        except OSError:
            raise NotDelivered("It could not be reached.") from None
        if not 200 <= status < 300:
            raise NotDelivered(f"It answered with status {status}.")

    def _request(
        self, webhook_id: str, url: str, message_id: str, body: bytes
    ) -> tuple[Target, bytes]:
        try:
            target = target_of(url, sandbox=self._settings.sandbox)
        except ValueError as refusal:  # the rules are stricter than when it was registered
            raise NotDelivered(str(refusal)) from None
        now = clock.now()
        signed = f"{message_id}.{now}.".encode() + body
        key = self._stack_key.derived(webhook_id)
        signature = b64encode(hmac.digest(key, signed, "sha256")).decode()
        head = _REQUEST.format(
            target=target, length=len(body), message_id=message_id, now=now, signature=signature
        )
        return target, head.encode("ascii") + body

    def _answered(self, target: Target, request: bytes) -> int:
        """The status of the answer. Raises OSError, NotDelivered."""
        deadline = _Deadline()
        with self._connected(target, deadline) as link:
            left = memoryview(request)
            while left:
                link.settimeout(deadline.seconds)
                left = left[link.send(left) :]
            return _status(link, deadline)

    def _connected(self, target: Target, deadline: _Deadline) -> socket.socket:
        """A connection to an address of the target's. Raises OSError, NotDelivered."""
        failure: OSError | None = None
        for family, address in self._addresses(target, deadline):
            link = socket.socket(family, socket.SOCK_STREAM)
            try:
                link.settimeout(deadline.seconds)
                link.connect(address)
                if target.scheme == "http":
                    return link
                link.settimeout(deadline.seconds)
                return self._tls.wrap_socket(link, server_hostname=target.host)
            except OSError as error:
                link.close()
                failure = error
        raise failure or NotDelivered("Its host has no public address.")

    def _addresses(self, target: Target, deadline: _Deadline) -> list[tuple[int, Any]]:
        """What the host's name leads to, as far as it may be connected to."""
        asking = ThreadPoolExecutor(1)  # the resolver has no bound of its own
        try:
            asked = asking.submit(
                socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM
            )
            found = asked.result(deadline.seconds)
        except socket.gaierror:
            return []
        finally:
            asking.shutdown(wait=False)
        return [
            (family, address)
            for family, _, _, _, address in found
            if is_allowed(ip_address(address[0]), sandbox=self._settings.sandbox)
        ]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class _Deadline:
    """How long the next phase may take: five seconds, and all of them together ten."""

    def __init__(self) -> None:
        self._until = monotonic() + _TOTAL_SECONDS

    @property
    def seconds(self) -> float:
        """What is left. Raises TimeoutError if that is nothing."""
        left = min(_PHASE_SECONDS, self._until - monotonic())
        if left <= 0:
            raise TimeoutError
        return left


def _status(link: socket.socket, deadline: _Deadline) -> int:
    """The status of the answer, of which no more is read than says it."""
    said = ""
    while len(said) < _ANSWER_BYTES:
        link.settimeout(deadline.seconds)
        part = link.recv(_ANSWER_BYTES - len(said))
        said += part.decode("latin-1")
        if found := _STATUS.search(said):
            return int(found[1])
        if not part:
            break
    raise NotDelivered("It did not answer in HTTP.")
