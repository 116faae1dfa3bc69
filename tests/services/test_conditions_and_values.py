"""Conditions and values in DynamoDB's words mean what boto3's mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from services.conditions import Attr
from services.values import deserialize, serialize
from tests import world

kept = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(-(10**15), 10**15),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner)
    ),
    max_leaves=10,
)


@given(kept)
def test_a_value_is_written_as_boto3_writes_it_and_read_back_the_same(value):
    assert serialize(value) == TypeSerializer().serialize(value)
    assert deserialize(serialize(value)) == value


@given(st.decimals("-999999", "999999", places=6))
def test_money_is_read_back_to_the_last_digit(amount):
    assert Decimal(deserialize(serialize(amount))) == amount
    written: Any = serialize(amount)
    assert deserialize(written) == TypeDeserializer().deserialize(written)


def test_a_float_is_refused():
    with pytest.raises(TypeError):
        serialize(0.1)


ITEM = {"name": "ada", "count": 5, "status": "stopped"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Attr("status").eq("stopped"), True),
        (Attr("status").eq("running"), False),
        (Attr("count").lt(6), True),
        (Attr("count").lt(5), False),
        (Attr("count").lte(5), True),
        (Attr("status").is_in(["created", "stopped"]), True),
        (Attr("status").is_in(["created"]), False),
        (Attr("worker").not_exists(), True),
        (Attr("worker").exists(), False),
        (Attr("worker").not_exists() & Attr("count").eq(5), True),
        (Attr("worker").exists() | Attr("count").eq(5), True),
        (Attr("status").eq("x") & Attr("count").eq(5) | Attr("name").eq("ada"), True),
        (Attr("status").eq("x") & (Attr("count").eq(5) | Attr("name").eq("ada")), False),
    ],
)
def test_a_condition_holds_or_does_not(aws, condition, holds):
    table = boto3.resource("dynamodb").Table(world.table_of("hosts"))
    table.put_item(Item={"host": "h", **ITEM})
    values = {"ExpressionAttributeValues": condition.operands} if condition.values else {}
    call = {
        "Key": {"host": "h"},
        "ConditionExpression": condition.expression,
        "ExpressionAttributeNames": condition.attributes,
        **values,
    }
    if holds:
        table.delete_item(**call)
    else:
        with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException):
            table.delete_item(**call)
