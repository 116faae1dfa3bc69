"""Who dawdles, watches or gives up keeps nobody else from being served."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from handler.rpc.lambda_action_pb2_grpc import LambdaActionStub
from tests.lambda_service import LAMBDA
from tests.rpc.conftest import Served
from tests.rpc.test_calls import asked, status_of

READ_SECONDS = 1
STREAMS, MOST = 30, 63  # at a time, by a server of three threads


@pytest.fixture
def patient(token: str) -> Iterator[Served]:
    served = Served(threads=3, read_seconds=READ_SECONDS)
    with served:
        yield served


@contextmanager
def dawdling(channel: grpc.Channel, calls: int) -> Iterator[list[Any]]:
    """So many calls that are begun, and of which no message comes."""
    may_end = threading.Event()

    def nothing() -> Iterator[bytes]:
        may_end.wait(20)
        yield from ()

    call = channel.stream_unary("/lambda_action.LambdaAction/ListFunctions")
    try:
        yield [call.future(nothing()) for _ in range(calls)]
    finally:
        may_end.set()


def test_a_call_of_which_no_message_comes_is_ended_and_others_are_served(patient, token):
    with dawdling(patient.channel, MOST) as dawdlers:
        began = time.monotonic()
        statuses = {dawdler.exception(10).code() for dawdler in dawdlers}
        assert statuses == {grpc.StatusCode.INVALID_ARGUMENT}
        assert "in time" in dawdlers[0].details()
        assert READ_SECONDS / 2 < time.monotonic() - began < READ_SECONDS + 5
        stub = LambdaActionStub(patient.channel)
        assert status_of(stub, "ListFunctions", asked("ListFunctions", token)) == "OK"


def test_a_call_that_ends_without_a_message_is_told_so(patient):
    call = patient.channel.stream_unary("/lambda_action.LambdaAction/ListFunctions")
    with pytest.raises(grpc.RpcError) as refused:
        call(iter(()), timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "There is no message."


def test_a_connection_on_which_nothing_comes_is_closed(patient):
    with socket.create_connection(("127.0.0.1", patient.port), timeout=15) as connection:
        began = time.monotonic()
        while connection.recv(65536):  # HTTP/2 begins on both sides
            pass
    assert READ_SECONDS / 2 < time.monotonic() - began < READ_SECONDS + 5


def test_those_who_watch_the_health_leave_room_for_those_who_ask(patient, token):
    health = health_pb2_grpc.HealthStub(patient.channel)
    watching = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(STREAMS)]
    assert {next(iter(each)).status for each in watching} == {
        health_pb2.HealthCheckResponse.SERVING
    }
    with pytest.raises(grpc.RpcError) as refused:
        next(iter(health.Watch(health_pb2.HealthCheckRequest())))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    stub = LambdaActionStub(patient.channel)
    assert status_of(stub, "ListFunctions", asked("ListFunctions", token)) == "OK"
    watching.pop().cancel()
    again = health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    assert next(iter(again)).status == health_pb2.HealthCheckResponse.SERVING
    for each in watching:
        each.cancel()


def test_who_gives_up_frees_no_thread_that_still_works(patient, token):
    may_end, running = threading.Event(), threading.Semaphore(3)

    def waits(event):
        assert running.acquire(blocking=False), "more threads than there may be"
        try:
            return may_end.wait(20)
        finally:
            running.release()

    LAMBDA.has("my-function", waits)
    stub = LambdaActionStub(patient.channel)
    for _ in range(6):
        with pytest.raises(grpc.RpcError) as refused:
            stub.InvokeFunction(asked("InvokeFunction", token), timeout=0.3)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(LAMBDA.invoked) <= 3
    may_end.set()
    assert stub.InvokeFunction(asked("InvokeFunction", token), timeout=10).success
    # The others began once there was a thread; one whose time was up on its way to the server never came.
    assert 4 <= len(LAMBDA.invoked) <= 7
