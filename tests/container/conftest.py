from __future__ import annotations

import pytest

from tests.container.machine import SHELLS, Machine


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request):
    return request.param


@pytest.fixture(params=["2024", "2026"])
def image(request):
    """The two generations of the image whose rules differ."""
    return request.param


@pytest.fixture
def machine(tmp_path, shell, image):
    """A task for which the operator has fetched the release."""
    made = Machine(tmp_path, shell, image)
    made.release(tmp_path / "releases/foundryvtt-13.351.zip")
    made.variables["RELEASE_WAIT_SECONDS"] = "0"
    return made
