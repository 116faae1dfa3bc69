"""Tokens for the tests: of a user pool that is a key of our own behind a real JWKS address, and own ones."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.world import POOL, POOL_CLIENT, STACK, TOKEN_KEY, items

HOUR = 3600


@lru_cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A key of that name, made once: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Jwks:
    """The address at which a user pool shows its keys, and what it shows."""

    url: str
    keys: list[str] = field(default_factory=lambda: ["first"])
    fetched: int = 0
    answers: bool = True

    def document(self) -> bytes:
        """All keys shown, as a JWK set."""
        shown = [
            json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key()))
            | {"kid": name, "use": "sig", "alg": "RS256"}
            for name in self.keys
        ]
        return json.dumps({"keys": shown}).encode()


@contextmanager
def jwks() -> Iterator[Jwks]:
    """A JWKS server on the loopback interface."""
    served: Jwks

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.fetched += 1
            self.send_response(200 if served.answers else 503)
            self.end_headers()
            self.wfile.write(served.document() if served.answers else b"")

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Jwks(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def cognito(user: str, key: str = "first", /, **changes: Any) -> str:
    """An ID token as Cognito issues it; `changes` to its claims, None leaves one out."""
    now = int(time.time())
    claims = {
        "sub": "5f0c3a52-0000-4000-8000-000000000001",
        "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
        "aud": POOL_CLIENT,
        "token_use": "id",
        "cognito:username": user,
        "iat": now,
        "exp": now + HOUR,
    } | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, private_key(key), algorithm="RS256", headers={"kid": key})


def own(user: str, signing_key: str = TOKEN_KEY, **changes: Any) -> str:
    """A token as the platform issues it."""
    now = int(time.time())
    claims = {
        "iss": "foundry-platform",
        "aud": STACK,
        "sub": user,
        "iat": now,
        "exp": now + HOUR,
    } | changes
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, signing_key, algorithm="HS256")


def of_client(client_id: str, /, **changes: Any) -> str:
    """A token as a client gets it for its secret; of a client that there is not, as it once may have been."""
    found = (item["generation"] for item in items("clients") if item["clientId"] == client_id)
    claims = {
        "aud": f"{STACK}/clients",
        "client_id": client_id,
        "generation": next(found, "former"),
        "scope": "",
    } | changes
    return own(client_id, **claims)
