"""`python -m handler.server` for whoever runs it: when it starts, when it cannot, when it is asked to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import requests

from handler.rpc import lambda_action_pb2 as messages
from handler.rpc.lambda_action_pb2_grpc import LambdaActionStub
from local.processes import child
from tests import quick_aws, world
from tests.embedded.conftest import free_port
from tests.quick_aws import QuickAws

pytestmark = pytest.mark.slow
TOP = Path(__file__).resolve().parents[2]
SERVER = [sys.executable, "-m", "handler.server"]


@pytest.fixture(scope="module")
def quick() -> Iterator[QuickAws]:
    with quick_aws.running(free_port()) as running:
        yield running


@contextmanager
def serving(
    quick: QuickAws, log: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int, grpc.Channel]]:
    """A server, its port for HTTP and a channel to it."""
    port, grpc_port = free_port(), free_port()
    command = [*SERVER, "--port", str(port), "--grpc-port", str(grpc_port)]
    with (
        log.open("wb") as output,
        child(command, quick.environment(), output, cwd=TOP) as process,
        grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
    ):
        grpc.channel_ready_future(channel).result(30)
        yield process, port, channel


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_answered_and_logged_when_it_is_asked_to_end(quick, tmp_path, order):
    log = tmp_path / "server.log"
    with serving(quick, log) as (process, port, channel):
        quick.forget()
        call = messages.InvokeFunctionRequest(
            function_name="waits-1500", payload='{"key": "value"}', token=quick_aws.token()
        )
        answer = LambdaActionStub(channel).InvokeFunction.future(call)
        until = time.monotonic() + 10
        while not quick.seen().now:
            assert time.monotonic() < until
            time.sleep(0.02)
        config = requests.get(f"http://127.0.0.1:{port}/health", timeout=10).json()["config"]
        assert config["rest_port"] == port
        process.send_signal(order)
        assert answer.result(10).payload == '{"key": "value"}'
        assert process.wait(15) == (0 if order == signal.SIGINT else -signal.SIGTERM)
        assert quick.seen().written == 2, "one line before it, one after"
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("taken", ["--port", "--grpc-port"])
def test_a_port_that_is_taken_is_said_in_one_line(taken):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ports = {"--port": "0", "--grpc-port": "0", taken: port}
        tried = subprocess.run(
            [*SERVER, *(word for option in ports.items() for word in option)],
            env=os.environ | world.least_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert tried.returncode == 1
    assert (
        tried.stderr == f"server: port {port} cannot be had on 127.0.0.1 (Address already in use)\n"
    )


@pytest.mark.parametrize("package", ["grpc", "handler.rpc.serving"])
def test_where_grpc_is_missing_as_in_the_zip_it_says_so_in_one_line(package):
    started = (
        f"import runpy, sys; sys.modules[{package!r}] = None;"
        " runpy.run_module('handler.server', run_name='__main__')"
    )
    tried = subprocess.run(
        [sys.executable, "-c", started],
        env=os.environ | world.least_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert tried.returncode == 1
    assert tried.stderr.count("\n") == 1
    assert f"{package} is missing" in tried.stderr


def test_the_function_loads_nothing_of_grpc():
    loads = (
        "import sys; from handler.app import load_all; load_all();"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'grpc', 'google', 'uvicorn'}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", loads],
        env=os.environ | world.least_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert said.stdout == "[]\n"
