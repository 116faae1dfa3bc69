"""The monthly totals in docs/costs.md are sums of what they are made of."""

from __future__ import annotations

from decimal import Decimal

import pytest

from docs import monthly


def total(members):
    return sum(monthly.monthly(members).values(), Decimal(0))


def test_without_members_only_what_is_always_there_costs():
    parts = monthly.monthly(0)
    assert parts["load balancer"] == Decimal("16.43")
    assert parts["SnapStart: the cached snapshots"] > Decimal("1.90")
    assert total(0) == Decimal("29.25")


@pytest.mark.parametrize("members", [1, 20, 200])
def test_an_evening_a_week_costs_a_member_what_a_run_of_it_is_billed(members):
    played = monthly.monthly(members)["playing: Fargate and its addresses"]
    assert abs(played - members * monthly.HOURS_PLAYED * Decimal("0.0445")) < Decimal("0.01")


def test_each_member_more_costs_more_and_no_part_less():
    before, after = monthly.monthly(20), monthly.monthly(200)
    assert before.keys() == after.keys()
    assert all(before[part] <= after[part] for part in before)
    assert total(0) < total(20) < total(200)


def test_the_table_shows_the_parts_and_their_sums():
    rows = [line.split("|")[1:-1] for line in monthly.table().splitlines()[2:]]
    costs = [[Decimal(cell.strip()) for cell in row[1:]] for row in rows]
    assert costs[-1] == [sum(column, Decimal(0)) for column in zip(*costs[:-1], strict=True)]
    assert costs[-1] == [total(members) for members in (0, 20, 200)]


def test_the_page_has_the_table_as_it_is_by_now():
    assert monthly.TARGET.read_text() == monthly.page(), "run `make docs`"
    assert monthly.table() in monthly.page()
