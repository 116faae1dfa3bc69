"""Foundry itself, over HTTP: asking a server to shut its world before its task is stopped.

An abrupt kill has corrupted worlds (LevelDB), so the setup screen is asked first (facts of Foundry).
"""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
import urllib3

_log = structlog.get_logger()
_BUDGET_SECONDS = 20.0


def shut_world(host: str, admin_key: str) -> bool:
    """Ask the server at `host` to return to its setup screen; True if it said it would.

    Takes at most about 20 s. A server that does not answer is no error: it is stopped all the same.
    """
    http = urllib3.PoolManager(
        timeout=urllib3.Timeout(total=_BUDGET_SECONDS / 2), retries=False, cert_reqs="CERT_REQUIRED"
    )
    base = f"https://{host}"
    try:
        session = http.request(
            "POST",
            f"{base}/auth",
            body=urlencode({"action": "adminAuth", "adminPassword": admin_key}),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            redirect=False,
        )
        if session.status != 302:
            _log.warning("Foundry refused the admin key", details={"status": session.status})
            return False
        cookies = session.headers.getlist("Set-Cookie")
        answer = http.request(
            "POST",
            f"{base}/setup",
            json={"shutdown": True},
            headers={"Cookie": "; ".join(c.split(";")[0] for c in cookies)},
            redirect=False,
        )
    except urllib3.exceptions.HTTPError as error:
        _log.warning("Foundry did not answer", details={"reason": type(error).__name__})
        return False
    return answer.status < 400
