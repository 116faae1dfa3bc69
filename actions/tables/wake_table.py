"""wake-table: a table is started by who may wake it, from its own page."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from actions.action import Action, Answer, Scope
from actions.addresses import network_of
from actions.errors import NotForVisitors, StalePage, TooManyWakes, WrongCode, WrongState
from actions.instances.waking import is_code, who_wakes
from actions.tables import nonces
from actions.tables.coming_up import state_of
from actions.tables.finding import TableRequest, table_at
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.instances import Instance, Who, is_wanted_up
from services.platform import Platform

_WINDOW = 900  # seconds
# In each window. Wrong codes are counted apart from right ones at a table, so that none keep its players out.
_BY_ADDRESS, _BY_TABLE, _WRONG_BY_TABLE = 20, 40, 100
_NONCE = 0  # the position of its claim in the transaction


class WakeTable(TableRequest):
    """Which table, the nonce of its page, its code where that is wanted, and where the request comes from."""

    nonce: Annotated[str, Field(max_length=100)]
    code: Annotated[SecretStr, Field(max_length=100)] = SecretStr("")
    caller_address: Annotated[str, Field(max_length=64)] | None = None


def wake_table(request: WakeTable, platform: Platform) -> Answer:
    """Start the table as its member's start-instance does, if whoever asks may; one that is up stays as it is.

    Raises TableNotFound, StalePage, NotForVisitors, WrongCode, TooManyWakes, and what start-instance raises.
    """
    claim = nonces.claimed(platform, request.host, request.nonce)
    instance = table_at(platform, request.host)
    who = who_wakes(instance)
    if who == Who.NOBODY:
        raise NotForVisitors
    may = who == Who.ANYONE or is_code(platform, instance, request.code.get_secret_value())
    counts = [
        platform.registry.count_attempt(name, most, _WINDOW, clock.now())
        for name, most in _limits(request, instance, may=may).items()
    ]
    try:
        transact(claim, *counts)
    except ConditionFailed as refused:
        if _NONCE in refused.failed:
            return _repeated(platform, request.host)
        raise TooManyWakes(_WINDOW - clock.now() % _WINDOW) from None
    if not may:
        raise WrongCode
    return {"success": True, **state_of(_started(platform, instance))}


def _repeated(platform: Platform, host: str) -> Answer:
    """The answer to a form that was sent before: as then, if the table is up; else raises StalePage."""
    instance = table_at(platform, host)
    if not is_wanted_up(instance):
        raise StalePage
    return {"success": True, **state_of(instance)}


def _limits(request: WakeTable, instance: Instance, *, may: bool) -> dict[str, int]:
    table = f"wake:{instance['instanceId']}"
    limits = {table: _BY_TABLE} if may else {f"{table}:wrong": _WRONG_BY_TABLE}
    if request.caller_address:
        limits[f"wake:address:{network_of(request.caller_address)}"] = _BY_ADDRESS
    return limits


def _started(platform: Platform, instance: Instance) -> Instance:
    from actions.instances.start import StartInstance, start

    try:
        start(StartInstance.model_validate({"userId": instance["userId"]}), platform)
    except WrongState:
        found = table_at(platform, instance["host"])
        if not is_wanted_up(found):
            raise
        return found  # somebody was quicker, or plays already: that is what was wanted
    return table_at(platform, instance["host"])


ACTION = Action(WakeTable, wake_table, Scope.PUBLIC)
