"""Who knows the wire names alone, or nothing but the address, can call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_tools import protoc

from tests.lambda_service import LAMBDA

# What every client of the contract was made from: message, and its fields with number and type.
NAMES = """
InvokeFunctionRequest: function_name=1 string, payload=2 string, invocation_type=3 string, alias=4 string, version=5 string, token=6 string
InvokeFunctionResponse: success=1 bool, status_code=2 int32, payload=3 string, function_error=4 string, log_result=5 string, executed_version=6 string, error=7 string
InvokeAsyncRequest: function_name=1 string, payload=2 string, token=3 string
InvokeAsyncResponse: success=1 bool, status_code=2 int32, request_id=3 string, error=4 string
BatchInvokeRequest: invocations=1 repeated InvokeFunctionRequest, token=2 string
BatchInvokeResponse: responses=1 repeated InvokeFunctionResponse
ListFunctionsRequest: token=1 string, max_items=2 int32, next_marker=3 string
ListFunctionsResponse: success=1 bool, functions=2 repeated FunctionInfo, next_marker=3 string, error=4 string
FunctionInfo: function_name=1 string, function_arn=2 string, runtime=3 string, role=4 string, handler=5 string, code_size=6 int32, description=7 string, timeout=8 int32, memory_size=9 int32, last_modified=10 string, version=11 string
GetFunctionConfigRequest: function_name=1 string, token=2 string
GetFunctionConfigResponse: success=1 bool, function_info=2 FunctionInfo, error=3 string
"""  # noqa: E501 - a table
CALLS = ("InvokeFunction", "InvokeAsync", "BatchInvoke", "ListFunctions", "GetFunctionConfig")
ELSEWHERE = "elsewhere.proto"


def proto() -> str:
    """The names as the source of a client."""
    lines = ['syntax = "proto3";', "package lambda_action;", "service LambdaAction {"]
    lines += [f"rpc {call}({call}Request) returns ({call}Response);" for call in CALLS] + ["}"]
    for line in NAMES.strip().splitlines():
        name, _, fields = line.partition(": ")
        written = re.sub(r"(\w+)=(\d+) ((?:repeated )?\w+),?", r"\3 \1 = \2;", fields)
        lines.append(f"message {name} {{ {written} }}")
    return "\n".join(lines)


@pytest.fixture
def of_another(tmp_path: Path) -> Any:
    """The messages as somebody else has generated them."""
    (tmp_path / ELSEWHERE).write_text(proto())
    out = tmp_path / "described.bin"
    assert protoc.main(["", f"-I{tmp_path}", f"--descriptor_set_out={out}", ELSEWHERE]) == 0
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    described = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described.file[0])
    return lambda name: message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"lambda_action.{name}")
    )


def test_a_client_made_from_the_wire_names_alone_is_served(token, channel, of_another):
    LAMBDA.has("my-function", lambda event: {"result": event["key"]})
    asks, answers = of_another("InvokeFunctionRequest"), of_another("InvokeFunctionResponse")
    call = channel.unary_unary(
        "/lambda_action.LambdaAction/InvokeFunction",
        request_serializer=asks.SerializeToString,
        response_deserializer=answers.FromString,
    )
    answer = call(asks(function_name="my-function", payload='{"key": "value"}', token=token))
    assert answer.success
    assert answer.payload == '{"result": "value"}'
    listing = channel.unary_unary(
        "/lambda_action.LambdaAction/ListFunctions",
        request_serializer=of_another("ListFunctionsRequest").SerializeToString,
        response_deserializer=of_another("ListFunctionsResponse").FromString,
    )
    (function,) = listing(of_another("ListFunctionsRequest")(token=token)).functions
    assert (function.function_name, function.memory_size) == ("my-function", 128)


def test_who_knows_the_address_alone_is_told_the_service_and_its_messages(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="lambda_action.LambdaAction"),
    ]
    services, described = stub.ServerReflectionInfo(iter(asked))
    assert "lambda_action.LambdaAction" in {s.name for s in services.list_services_response.service}
    file = FileDescriptorProto.FromString(
        described.file_descriptor_response.file_descriptor_proto[0]
    )
    assert [method.name for method in file.service[0].method] == list(CALLS)


@pytest.mark.parametrize("service", ["", "lambda_action.LambdaAction"])
def test_the_standard_health_service_says_that_it_serves(channel, service):
    asked = health_pb2.HealthCheckRequest(service=service)
    answer = health_pb2_grpc.HealthStub(channel).Check(asked)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_call_that_there_is_not_is_told_so(channel):
    call = channel.unary_unary(
        "/lambda_action.LambdaAction/DeleteFunction",
        request_serializer=bytes,
        response_deserializer=bytes,
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
