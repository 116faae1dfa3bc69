"""The layer over DynamoDB: what is tried again, what is raised, and how much is read."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client
from services.dynamodb import Attr, ConditionFailed, Key, Table, transact
from tests import world

HOSTS = Table(world.table_of("hosts"), "host")
AUDIT = Table(world.table_of("audit"), "month", "entry")


@pytest.fixture
def waits(monkeypatch):
    """How long was waited, instead of waiting."""
    waited: list[float] = []
    random.seed(1)
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def sent(aws):
    """The parameters of each request that is sent."""
    requests, events = [], client("dynamodb").meta.events

    def note(params, **_):
        requests.append(params)

    events.register("provide-client-params.dynamodb", note)
    yield requests
    events.unregister("provide-client-params.dynamodb", note)


@pytest.fixture
def cancelled(aws):
    """Let DynamoDB cancel so many transactions for these reasons, one for each of their operations."""
    handlers, events = [], client("dynamodb").meta.events

    def cancel(times, *reasons):
        left = [reasons] * times

        def refuse(**_):
            if left:
                given = [{"Code": reason} for reason in left.pop()]
                error = {"Code": "TransactionCanceledException", "Message": "injected"}
                response: Any = {"Error": error, "CancellationReasons": given}
                raise ClientError(response, "TransactWriteItems")

        handlers.append(refuse)
        events.register("before-call.dynamodb.TransactWriteItems", refuse)

    yield cancel
    for handler in handlers:
        events.unregister("before-call.dynamodb.TransactWriteItems", handler)


def test_transactions_that_meet_are_tried_again_after_ever_longer_waits(cancelled, waits):
    cancelled(7, "None", "TransactionConflict")
    transact(HOSTS.put({"host": "a"}), HOSTS.put({"host": "b"}))
    assert HOSTS.get("b") == {"host": "b"}
    assert len(waits) == 7
    assert all(0 < wait <= 0.05 * 2**attempt for attempt, wait in enumerate(waits))
    assert sum(waits) > 7 * 0.05


def test_a_transaction_that_meets_others_eight_times_is_given_up(cancelled, waits):
    cancelled(8, "TransactionConflict")
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        transact(HOSTS.put({"host": "a"}))
    assert len(waits) == 7


def test_a_transaction_that_stays_throttled_is_no_refused_condition(cancelled, waits):
    cancelled(100, "ThrottlingError")
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        transact(HOSTS.put({"host": "a"}))
    assert len(waits) == 7


def test_a_refused_condition_is_not_tried_again_though_another_item_was_busy(cancelled, waits):
    cancelled(1, "ThrottlingError", "ConditionalCheckFailed")
    with pytest.raises(ConditionFailed):
        transact(HOSTS.put({"host": "a"}))
    assert waits == []


def test_a_refused_condition_says_which_operations_refused(aws):
    free = Attr("host").not_exists()
    transact(HOSTS.put({"host": "a"}))
    with pytest.raises(ConditionFailed) as refused:
        transact(*(HOSTS.put({"host": host, "n": 2}, free) for host in "ba"))
    assert refused.value.failed == {1}
    assert HOSTS.get("b") is None


def test_a_refused_update_tells_what_was_there_and_a_good_one_what_is(aws):
    transact(HOSTS.put({"host": "a", "n": 1}))
    with pytest.raises(ConditionFailed) as refused:
        HOSTS.apply_update(HOSTS.update("a", Attr("n").eq(2), {"n": 3}))
    assert refused.value.found == {"host": "a", "n": 1}
    with pytest.raises(ConditionFailed) as refused:
        HOSTS.apply_update(HOSTS.update("b", Attr("n").eq(2), {"n": 3}))
    assert refused.value.found == {}
    changed = HOSTS.update("a", Attr("n").eq(1), {"m": 2}, ["n"], {"sum": 5})
    assert HOSTS.apply_update(changed) == {"host": "a", "m": 2, "sum": 5}


def test_another_failure_of_an_update_is_raised_as_it_is(aws):
    with pytest.raises(ClientError, match="ValidationException"):
        HOSTS.apply_update(HOSTS.update("a", None, {}, add={"sum": 1}, remove=["host"]))


def test_what_is_read_by_its_key_is_what_was_written_last(sent):
    transact(AUDIT.put({"month": "2026-11", "entry": "1"}))
    assert AUDIT.get(("2026-11", "1"))
    assert list(AUDIT.query(None, Key("month").eq("2026-11")))
    assert list(AUDIT.scan())
    assert [request["ConsistentRead"] for request in sent[1:]] == [True, True, True]


def test_a_limited_query_reads_no_more_than_its_limit(sent):
    for number in range(5):
        transact(AUDIT.put({"month": "2026-11", "entry": str(number)}))
    sent.clear()
    found = AUDIT.query(None, Key("month").eq("2026-11"), 2, descending=True)
    assert [item["entry"] for item in found] == ["4", "3"]
    assert [request["Limit"] for request in sent] == [2]


def test_removing_what_is_not_there_is_no_error(aws):
    transact(HOSTS.delete("nowhere"))
    with pytest.raises(ConditionFailed):
        transact(HOSTS.delete("nowhere", Attr("host").exists()))


def test_a_table_that_is_not_active_is_told_by_the_health_check(invoke):
    class Response:
        status_code = 200

    def deleting(**_):
        return Response(), {"Table": {"TableStatus": "DELETING"}}

    events = client("dynamodb", SHORT_TIMEOUT).meta.events
    events.register("before-call.dynamodb.DescribeTable", deleting)
    try:
        answer = invoke("health-check")
    finally:
        events.unregister("before-call.dynamodb.DescribeTable", deleting)
    assert answer["checks"]["dynamodb"] == "unhealthy"
    assert invoke("health-check")["checks"]["dynamodb"] == "healthy"
