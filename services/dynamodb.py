"""DynamoDB: items as plain dictionaries, decisions as conditional writes and transactions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client, code_of, is_busy
from services.conditions import Attr, Condition, Key
from services.errors import ConditionFailed
from services.ids import jitter
from services.values import deserialize, serialize

__all__ = [
    "Attr",
    "Condition",
    "ConditionFailed",
    "ForeignPosition",
    "Item",
    "Key",
    "Operation",
    "Position",
    "Table",
    "absent",
    "transact",
]

Item = dict[str, Any]
Operation = dict[str, dict[str, Any]]
ItemKey = str | tuple[str, str]  # the second part for a table with a sort key
Position = dict[
    str, str
]  # of an item in a list: what of its key the list's items do not share, as text

_ATTEMPTS = 8


class ForeignPosition(Exception):
    """A position is none of the list's that is read."""


class Table:
    """One table; its key is an attribute of text, or two of them."""

    def __init__(self, name: str, *key: str) -> None:
        self.name = name
        self.key = key

    def get(self, key: ItemKey) -> Item | None:
        """The item as it is now (a consistent read), or None."""
        answer = client("dynamodb").get_item(
            TableName=self.name, Key=self._key(key), ConsistentRead=True
        )
        return _item(answer["Item"]) if "Item" in answer else None

    def put(self, item: Mapping[str, Any], when: Condition | None = None) -> Operation:
        """The operation that writes `item` whole."""
        return {"Put": {"TableName": self.name, "Item": _dump(item), **_condition(when)}}

    def delete(self, key: ItemKey, when: Condition | None = None) -> Operation:
        """The operation that removes the item; removing what is not there is no error."""
        return {"Delete": {"TableName": self.name, "Key": self._key(key), **_condition(when)}}

    def update(
        self,
        key: ItemKey,
        when: Condition | None,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
        add: Mapping[str, int | Decimal] | None = None,
    ) -> Operation:
        """The operation that sets `values`, removes the attributes `remove` and adds the numbers `add` to
        what is there (0 where nothing is), if `when` holds; it makes the item if there is none.
        """
        add = add or {}
        names = {f"#s{i}": name for i, name in enumerate(values)}
        names |= {f"#r{i}": name for i, name in enumerate(remove)}
        names |= {f"#a{i}": name for i, name in enumerate(add)}
        clauses = {
            "SET": [f"#s{i} = :s{i}" for i in range(len(values))],
            "REMOVE": [f"#r{i}" for i in range(len(remove))],
            "ADD": [f"#a{i} :a{i}" for i in range(len(add))],
        }
        expression = " ".join(
            f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts
        )
        condition = _condition(when)
        names |= condition.pop("ExpressionAttributeNames", {})
        operands = {f":s{i}": serialize(value) for i, value in enumerate(values.values())}
        operands |= {f":a{i}": serialize(number) for i, number in enumerate(add.values())}
        operands |= condition.pop("ExpressionAttributeValues", {})
        return {
            "Update": {
                "TableName": self.name,
                "Key": self._key(key),
                "UpdateExpression": expression,
                "ExpressionAttributeNames": names,
                **({"ExpressionAttributeValues": operands} if operands else {}),
                **condition,
            }
        }

    def apply_update(self, operation: Operation) -> Item:
        """Carry out one update and return the item after it; raises ConditionFailed with the item found."""
        try:
            answer = _when_free(
                client("dynamodb").update_item,
                **operation["Update"],
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise ConditionFailed(frozenset({0}), _item(error.response.get("Item", {}))) from error
        return _item(answer["Attributes"])

    def query(
        self,
        index: str | None,
        key: Condition,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
        """The items that `key` selects in an index, or in the table itself (a consistent read).

        Page after page, in the order of the sort key; at most `limit` of them, in one read if they fit.
        """
        where = {"IndexName": index} if index else {"ConsistentRead": True}
        bounded = {"PaginationConfig": {"MaxItems": limit, "PageSize": limit}} if limit else {}
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.name,
                KeyConditionExpression=key.expression,
                ExpressionAttributeNames=key.attributes,
                ExpressionAttributeValues=_dump(key.operands),
                ScanIndexForward=not descending,
                **where,
                **bounded,
            )
        )
        return (_item(item) for page in pages for item in page["Items"])

    def page(
        self,
        limit: int,
        after: Position | None,
        *,
        index: str | None = None,
        of: tuple[str, str] | None = None,
        sort: str | None = None,
        where: Condition | None = None,
        wanted: Callable[[Item], bool] | None = None,
        full: bool = False,
        descending: bool = False,
    ) -> tuple[list[Item], Position | None]:
        """At most `limit` items of a list, behind the position `after`, and where to go on if more may follow.

        The list is the partition `of` (attribute and value) of the table, or of an index whose `sort` key may be a
        number, and which `where` bounds; without `of` it is the whole table, in no order. Items that are not
        `wanted` are left out.
        No more than DynamoDB answers at once, 1 MB, so that a page fits into the function's answer, but at least
        one item if there is one; `full` asks again until there are `limit`, for lists that show little of each.

        Raises ForeignPosition.
        """
        names = [n for n in (*self.key, sort) if n and n != (of and of[0])]
        request: dict[str, Any] = {"TableName": self.name}
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        if not wanted:
            request["Limit"] = limit + 1  # one more, to know whether there is one
        if of:
            key = Key(of[0]).eq(of[1])
            key = key & where if where else key
            request["KeyConditionExpression"] = key.expression
            request["ExpressionAttributeNames"] = key.attributes
            request["ExpressionAttributeValues"] = _dump(key.operands)
        if descending:
            request["ScanIndexForward"] = False
        read = client("dynamodb").query if of else client("dynamodb").scan
        start = None
        if after is not None:
            start = _start_key(after, names, sort) | ({of[0]: {"S": of[1]}} if of else {})
        found: list[Item] = []
        for items, rest in _answers(read, request, start):
            found += filter(wanted, items)
            last = found[limit - 1] if len(found) > limit else rest
            if len(found) > limit or (found and not full):
                break
        return found[:limit], last and {name: str(last[name]) for name in names}

    def scan(self) -> Iterator[Item]:
        """Every item. Only for what an administrator asks for: the ticks never scan."""
        scan = client("dynamodb").get_paginator("scan")
        # Consistent: a repair compares what it counts with counters that were read just before.
        pages = scan.paginate(TableName=self.name, ConsistentRead=True)
        return (_item(item) for page in pages for item in page["Items"])

    def check(self) -> None:
        """Raise if the table does not answer or is not active."""
        answer = client("dynamodb", SHORT_TIMEOUT).describe_table(TableName=self.name)
        if answer["Table"]["TableStatus"] not in ("ACTIVE", "UPDATING"):
            raise RuntimeError("the table is not active")

    def _key(self, key: ItemKey) -> dict[str, Any]:
        parts = (key,) if isinstance(key, str) else key
        return {name: {"S": part} for name, part in zip(self.key, parts, strict=True)}


def transact(*operations: Operation) -> None:
    """Carry out all operations or none; raises ConditionFailed naming those that refused.

    botocore gives every transaction a client token, so a request that it repeats because the answer
    was lost is not refused by its own first attempt.
    """
    try:
        _when_free(client("dynamodb").transact_write_items, TransactItems=list(operations))
    except ClientError as error:
        codes = _reasons(error)
        failed = {i for i, code in enumerate(codes) if code == "ConditionalCheckFailed"}
        if not failed:
            raise
        raise ConditionFailed(frozenset(failed)) from error


def _when_free(write: Callable[..., Any], **arguments: Any) -> Any:
    """Write, and try again while others write to the same items, or to the same part of the table.

    DynamoDB does not order writes that meet with a transaction on an item: it refuses them, and botocore does not
    repeat those (DynamoDB API, TransactWriteItems, Errors).
    """
    for attempt in range(_ATTEMPTS - 1):
        try:
            return write(**arguments)
        except ClientError as error:
            if not is_busy(error) or "ConditionalCheckFailed" in _reasons(error):
                raise
        time.sleep(jitter(0.05 * 2**attempt))
    return write(**arguments)


def _reasons(error: ClientError) -> list[str]:
    return [str(r.get("Code")) for r in error.response.get("CancellationReasons", ())]


def absent(attribute: str) -> Condition:
    """The condition that the item, or the attribute, is not there."""
    return Attr(attribute).not_exists()


def _condition(when: Condition | None) -> dict[str, Any]:
    if when is None:
        return {}
    condition: dict[str, Any] = {
        "ConditionExpression": when.expression,
        "ExpressionAttributeNames": when.attributes,
    }
    if when.values:
        condition["ExpressionAttributeValues"] = _dump(when.operands)
    return condition


def _dump(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: serialize(value) for name, value in item.items() if value is not None}


def _item(stored: Any) -> Item:
    return {name: deserialize(value) for name, value in stored.items()}


def _start_key(position: Position, names: Sequence[str], sort: str | None) -> dict[str, Any]:
    if position.keys() != set(names) or (sort and not re.fullmatch(r"[0-9]{1,15}", position[sort])):
        raise ForeignPosition
    return {name: {"N" if name == sort else "S": value} for name, value in position.items()}


def _answers(
    read: Callable[..., Any], request: Mapping[str, Any], start: Mapping[str, Any] | None
) -> Iterator[tuple[list[Item], Item | None]]:
    """DynamoDB's answers from `start` on, each with the key behind which the next one begins."""
    while True:
        try:
            answer = read(**request, **({"ExclusiveStartKey": start} if start else {}))
        except ClientError as error:
            if start and code_of(error) == "ValidationException":
                raise ForeignPosition from error
            raise
        start = answer.get("LastEvaluatedKey")
        yield [_item(item) for item in answer["Items"]], _item(start) if start else None
        if not start:
            return
