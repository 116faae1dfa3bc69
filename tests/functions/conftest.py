"""Who the tests of functions act as, and the ECS that runs them."""

from __future__ import annotations

import pytest

from tests import fargate as playing


@pytest.fixture
def fargate(aws, invoke):
    """The cluster of functions, whose events reach the platform."""
    return playing.Fargate(playing.CLUSTER, invoke)
