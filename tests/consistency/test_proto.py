"""The modules of gRPC are what `make proto` makes of handler/rpc/lambda_action.proto."""

from __future__ import annotations

from pathlib import Path

import pytest
from grpc_tools import protoc

PROTO = Path("handler/rpc/lambda_action.proto")
MADE = ("lambda_action_pb2.py", "lambda_action_pb2.pyi", "lambda_action_pb2_grpc.py")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules, made anew."""
    out = tmp_path_factory.mktemp("made")
    made = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    assert protoc.main(["", "-I.", *made, str(PROTO)]) == 0
    return out / PROTO.parent


@pytest.mark.parametrize("name", MADE)
def test_each_module_is_fresh(fresh, name):
    stored = (PROTO.parent / name).read_text()
    assert stored == (fresh / name).read_text(), "run `make proto`"
