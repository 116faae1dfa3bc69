"""Foundry itself, over HTTPS: how it is, and the request to shut its world before its task is stopped.

A server is asked through the load balancer, under its own host name, as players do: nothing else reaches a
task, and a name that DNS does not yet know everywhere does not matter. With each request goes the id of its run, by
which the load balancer lets the platform through to a server that is still closed to players (services/elb.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import structlog
import urllib3

from services.elb import WARMING
from services.settings import Settings

_log = structlog.get_logger()
_PROBE_SECONDS = 5.0
_PROBE_BYTES = 65_536
_REQUEST_SECONDS = 10.0  # of the two that ask a world to shut


class Foundry:
    """The members' servers behind the load balancer."""

    def __init__(self, settings: Settings) -> None:
        self._balancer = settings.servers_url or f"https://{settings.load_balancer_dns}"

    def probe(self, host: str, run_id: str) -> Mapping[str, Any] | None:
        """What the server at `host` says of itself (/api/status); None if that is not JSON. At most 5 s and 64 KB.

        Whatever a server answers, however slowly, is no error: its container may be anybody's.
        """
        try:
            with self._connected(host, run_id, _PROBE_SECONDS) as server:
                answer = server.request("GET", "/api/status", redirect=False, preload_content=False)
                said = json.loads(_body(answer)) if answer.status == 200 else None
        except (urllib3.exceptions.HTTPError, ValueError, RecursionError) as error:
            _log.info("no answer from a server", details={"reason": type(error).__name__})
            return None
        return said if isinstance(said, Mapping) else None

    def wants_signature(self, host: str, run_id: str) -> bool:
        """Whether the server at `host` shows nothing but its licence page. At most 5 s."""
        try:
            with self._connected(host, run_id, _PROBE_SECONDS) as server:
                answer = server.request("GET", "/", redirect=False, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            _log.info("no answer from a server", details={"reason": type(error).__name__})
            return False
        return _leads_to(answer, "/license")

    def shut_world(self, host: str, run_id: str, admin_key: str) -> bool:
        """Ask the server at `host` to return to its setup screen; True if it said it would.

        An abrupt kill has corrupted worlds (docs/sources.md, Foundry), so this comes before the task's stop.
        Takes at most about 20 s. A server that does not answer is no error: it is stopped all the same.
        """
        try:
            with self._connected(host, run_id, _REQUEST_SECONDS) as server:
                session = server.request(
                    "POST",
                    "/auth",
                    body=urlencode({"action": "adminAuth", "adminPassword": admin_key}),
                    headers={**server.headers, "Content-Type": "application/x-www-form-urlencoded"},
                    redirect=False,
                )
                # To /join, /license or /auth it leads who has not proven to be the administrator.
                if not _leads_to(session, "/setup"):
                    _log.warning(
                        "Foundry refused the admin key", details={"status": session.status}
                    )
                    return False
                cookies = session.headers.getlist("Set-Cookie")
                answer = server.request(
                    "POST",
                    "/setup",
                    json={"shutdown": True},
                    headers={
                        **server.headers,
                        "Cookie": "; ".join(c.split(";")[0] for c in cookies),
                    },
                    redirect=False,
                )
        except urllib3.exceptions.HTTPError as error:
            _log.warning("Foundry did not answer", details={"reason": type(error).__name__})
            return False
        return answer.status < 400

    def _connected(self, host: str, run_id: str, seconds: float) -> urllib3.HTTPConnectionPool:
        """A connection to the load balancer that presents, and expects, the name `host`."""
        address = urllib3.util.parse_url(self._balancer)
        common: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "timeout": urllib3.Timeout(total=seconds),
            "retries": False,
            "headers": {"Host": host, WARMING: run_id},
        }
        if address.scheme == "http":
            return urllib3.HTTPConnectionPool(**common)
        return urllib3.HTTPSConnectionPool(**common, server_hostname=host, assert_hostname=host)


def _body(answer: urllib3.BaseHTTPResponse) -> bytes:
    """What has come of an answer by the deadline. Raises ValueError if it is longer than a status ever is."""
    until, body = monotonic() + _PROBE_SECONDS, b""
    while len(body) <= _PROBE_BYTES and monotonic() < until:
        part = answer.read1(_PROBE_BYTES)
        if not part:
            return body
        body += part
    raise ValueError("too long or too slow")


def _leads_to(answer: urllib3.BaseHTTPResponse, place: str) -> bool:
    """Whether it redirects to one of Foundry's own pages, whatever stands before its path."""
    return answer.status == 302 and answer.headers.get("Location", "").endswith(place)
