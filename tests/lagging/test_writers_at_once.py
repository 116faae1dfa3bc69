"""The emulator's tables while several threads write: nobody's write is lost, as in DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests import world
from tests.world import client

pytestmark = pytest.mark.slow

ROUNDS = 60


def test_what_one_writes_is_there_though_transactions_of_others_are_refused(aws):
    """The emulator takes a refused transaction back by putting the whole table back."""
    table = world.table_of("sessions")

    def write(number):
        client("dynamodb").put_item(
            TableName=table, Item={"sessionId": {"S": f"s-{number}"}, "userId": {"S": "ada"}}
        )

    def is_refused(number):
        refused = {"TableName": table, "Item": {"sessionId": {"S": f"t-{number}"}}}
        absent = {"ConditionExpression": "attribute_exists(nothing)"}
        with suppress(client("dynamodb").exceptions.TransactionCanceledException):
            client("dynamodb").transact_write_items(TransactItems=[{"Put": refused | absent}])

    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(do, n) for n in range(ROUNDS) for do in (write, is_refused)]
        for tried in tries:
            tried.result()
    written = {item["sessionId"] for item in world.items("sessions")}
    assert written == {f"s-{number}" for number in range(ROUNDS)}
