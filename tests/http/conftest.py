"""The function over HTTP, behind it the emulated AWS and a user pool's keys at a real address."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.http import issuing


@pytest.fixture(scope="session")
def _jwks() -> Iterator[issuing.Jwks]:
    # Of this one service nothing is asked but its address, at which it shows the pool's keys.
    with issuing.jwks() as served:
        os.environ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"] = served.url
        yield served
        # Used by the tests of another folder, there are two of it.
        os.environ.pop("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", None)


@pytest.fixture
def http(_jwks: issuing.Jwks, aws: dict[str, str]) -> issuing.Jwks:
    """A fresh AWS, and the user pool's keys."""
    return _jwks
