"""Every line is the contract's JSON; the last of an event carries its metrics."""

from __future__ import annotations

import json
from collections import Counter

from tests.world import Context, sample

FIELDS = ["timestamp", "level", "requestId", "action", "userId", "message", "details"]


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_line_begins_with_the_contracts_fields(invoke, capsys):
    invoke(sample("create-instance"))
    logged = lines(capsys)
    assert logged
    for line in logged:
        assert list(line)[: len(FIELDS)] == FIELDS
        assert line["requestId"] == Context().aws_request_id
        assert line["action"] == "create-instance"
        assert line["userId"] == sample("create-instance")["userId"]
        assert line["level"] == "INFO"
        assert line["timestamp"].endswith("Z")
        assert len(line["timestamp"]) == len("2024-01-01T00:00:00.000Z")


def test_the_contracts_four_metrics_have_action_and_outcome_as_dimensions(invoke, capsys):
    invoke(sample("create-instance"))
    seen = {}
    for line in lines(capsys):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "FoundryVTT"
            for dimensions in directive["Dimensions"]:
                assert set(dimensions) <= {"action", "outcome", "resource"}
                assert all(isinstance(line[dimension], str) for dimension in dimensions)
            for metric in directive["Metrics"]:
                seen[metric["Name"]] = line[metric["Name"]]
    assert set(seen) == {"InstanceOperations", "ErrorRates", "Performance", "ResourceUsage"}
    assert seen["InstanceOperations"] == 1
    assert seen["ErrorRates"] == 0


def test_the_sum_of_resource_usage_is_how_many_there_are(invoke, ecs, capsys):
    def usage():
        for line in lines(capsys):
            if "ResourceUsage" in line:
                sums[line["resource"]] += line["ResourceUsage"]
        return dict(sums)

    sums: Counter[str] = Counter()
    invoke(sample("create-instance"))
    assert usage() == {"efs": 1, "s3": 1}
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    assert usage() == {"efs": 1, "s3": 1, "ecs": 1}
    ecs.ends(task)
    assert usage() == {"efs": 1, "s3": 1, "ecs": 0}
    invoke(sample("destroy-instance"))
    assert usage()["ecs"] == 1, "the task that erases the files"
    ecs.ends(ecs.only_task())
    assert usage() == {"efs": 0, "s3": 0, "ecs": 0}


def test_an_error_counts_as_one_with_its_code_as_the_outcome(invoke, capsys):
    invoke("status", userId="nobody")
    line = lines(capsys)[-1]
    assert line["ErrorRates"] == 1
    assert line["outcome"] == "RESOURCE_NOT_FOUND"


def test_what_somebody_sends_as_an_action_makes_no_new_dimension(invoke, capsys):
    invoke("x" * 1000, userId={"not": "a string"})
    line = lines(capsys)[-1]
    assert line["action"] == "unknown"
    assert line["userId"] is None
