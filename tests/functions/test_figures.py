"""What the operator's metrics say of functions."""

from __future__ import annotations

from typing import Any

import pytest
from mangum import Mangum
from prometheus_client.parser import text_string_to_metric_families

from handler.app import platform
from handler.http.application import build
from handler.server import _figures
from tests.functions.member import ALICE, BOB
from tests.http.issuing import own
from tests.http.shapes import Asked, v2
from tests.world import Context, client


def ask(app, method, path, authorization=""):
    """What an application answers, as text."""
    event = v2(Asked(method, path, headers={"authorization": authorization}, body=b"{}"))
    context: Any = Context()
    return Mangum(app, lifespan="off")(event, context)["body"]


@pytest.fixture
def scrape(http):
    """The metrics of a server whose operator opened them, sample by sample."""

    def scraped():
        served = build(platform(), figures=lambda: _figures(platform()))
        ask(served, "POST", "/v1/functions", "Bearer x")
        text = ask(served, "GET", "/metrics")
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return scraped


def functions(found):
    return {
        (dict(labels)["namespace"], dict(labels)["status"]): value
        for (name, *labels), value in found.items()
        if name == "eventflow_functions_total"
    }


def test_requests_are_counted_under_the_contracts_names(scrape):
    found = scrape()
    labels = (("endpoint", "/v1/functions"), ("method", "POST"))
    assert found[("eventflow_api_requests_total", *labels, ("status", "401"))] >= 1
    seconds = "eventflow_api_request_duration_seconds"
    for bucket in ("0.1", "0.5", "1.0"):
        name = (f"{seconds}_bucket", labels[0], ("le", bucket), labels[1])
        assert found[name] >= 1


def test_functions_are_counted_by_tenant_and_status_and_quotas_beside_them(scrape, fargate):
    ALICE.create("a")
    fargate.settle()
    ALICE.create("b")
    ALICE.create("c", replicas=0)
    BOB.create("d")
    found = scrape()
    assert functions(found) == {
        ("tenant-alice", "Running"): 1,
        ("tenant-alice", "Pending"): 1,
        ("tenant-alice", "Stopped"): 1,
        ("tenant-bob", "Pending"): 1,
    }
    used = ("namespace", "tenant-alice"), ("resource", "replicas")
    assert found[("eventflow_quota_used", *used)] == 2
    assert found[("eventflow_quota_allowed", ("resource", "functions"))] == 10


def test_tenants_beyond_a_setting_are_one_sum(scrape, monkeypatch):
    monkeypatch.setenv("METRIC_TENANTS", "1")
    ALICE.create("a", replicas=0)
    ALICE.create("b", replicas=0)
    BOB.create("c", replicas=0)
    assert functions(scrape()) == {("tenant-alice", "Stopped"): 2, ("others", "Stopped"): 1}


def test_who_only_has_a_token_is_told_of_no_tenant(http):
    ALICE.create("a")
    text = ask(build(platform()), "GET", "/metrics", f"Bearer {own('bob')}")
    assert "http_requests_total" in text
    assert "tenant-" not in text


def test_while_the_table_does_not_answer_the_process_is_still_told_of(scrape):
    ALICE.create("a")
    client("dynamodb").delete_table(TableName="foundry-test-functions")
    found = scrape()
    assert functions(found) == {}
    assert any(name == "http_requests_total" for name, *_ in found)
