"""Attempts come over HTTP, with tokens of the same user pool."""

from tests.http.conftest import _jwks, http

__all__ = ["_jwks", "http"]
