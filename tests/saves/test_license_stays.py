"""A server is destroyed, its licence stays in the pool, and its saves are kept: each for as long as it likes."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.saves.conftest import DAY, USER
from tests.saves.played import come_back, departed, finish, secrets

pytestmark = pytest.mark.slow


@pytest.fixture
def gone(played, invoke, freezer, purge):
    freezer.tick(3600)
    invoke("set-license-sharing", userId=USER, allowLicenseSharing=True)
    assert invoke("destroy-instance", userId=USER, keepLicenseSharing=True)["keptUntil"]
    purge()
    assert world.items("instances") == []


def held():
    """What the secrets hold, by kind."""
    client = world.client("secretsmanager")
    return sorted(
        name
        for secret in secrets()
        for name in json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    )


def takes_back(invoke):
    assert invoke("set-license-sharing", userId=USER, allowLicenseSharing=False)["success"]


def test_the_key_and_the_password_are_all_that_is_left(gone):
    assert held() == ["licenseKey", "savesPassword"]


def test_the_saves_come_back_though_the_licence_was_taken_back(gone, invoke, ecs, files):
    takes_back(invoke)
    assert held() == ["savesPassword"]
    assert come_back(invoke)["success"]
    finish(ecs, files)
    assert departed() == []
    assert len(secrets()) == 1


def test_the_licence_stays_when_the_saves_come_back(gone, invoke, ecs, files):
    refused = come_back(invoke)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert len(departed()) == 1
    assert come_back(invoke, licenseType="pooled", foundryLicense=None)["success"]
    finish(ecs, files)
    assert departed() == []
    assert invoke("license-pool-status")["availableLicenses"] == 1
    assert len(secrets()) == 2
    takes_back(invoke)
    assert len(secrets()) == 1


def test_the_licence_stays_when_the_saves_time_is_over(gone, invoke, freezer):
    freezer.tick(31 * DAY)
    for _ in range(3):
        invoke("auto-shutdown-check", userId="system")
        freezer.tick(300)
    assert departed() == []
    assert held() == ["licenseKey"]
    assert invoke("license-pool-status")["availableLicenses"] == 1


def test_with_saves_forgotten_only_the_key_is_left(played, invoke, purge):
    invoke("set-license-sharing", userId=USER, allowLicenseSharing=True)
    answer = invoke("destroy-instance", userId=USER, keepLicenseSharing=True, forget=True)
    assert "keptUntil" not in answer
    purge()
    assert held() == ["licenseKey"]


def test_saves_that_are_forgotten_later_leave_only_the_key(played, invoke, purge):
    invoke("set-license-sharing", userId=USER, allowLicenseSharing=True)
    assert invoke("destroy-instance", userId=USER, keepLicenseSharing=True)["keptUntil"]
    assert invoke("destroy-instance", userId=USER, forget=True)["success"]
    purge()
    assert held() == ["licenseKey"]
