"""Each call of Lambda Action: its message as an action's payload, the action's answer as its message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from anyio import to_thread

from actions.action import Answer
from actions.errors import AwsRefused, NoSuchFunction, NoToken, RateLimited
from handler import authentication, dispatch, failures, metrics, telemetry
from handler.http.lambda_action import MISSING, NO_INVOCATIONS, given, in_camel_case, said
from handler.rpc import lambda_action_pb2 as messages
from handler.rpc import lambda_action_pb2_grpc
from services import ids
from services.platform import Platform

Context = Any  # grpc.aio.ServicerContext; grpcio comes without types
# What a message has to have, in the words that REST has for what is missing.
_NEEDED: dict[str, tuple[str, ...]] = {
    "invoke-function": (MISSING, "function_name", "payload"),
    "invoke-async": (MISSING, "function_name", "payload"),
    "batch-invoke": (NO_INVOCATIONS, "invocations"),
}
_OF_AWS = (NoSuchFunction, AwsRefused)  # what AWS says is in the message, whatever is asked


class LambdaAction(lambda_action_pb2_grpc.LambdaActionServicer):
    """The service. What waits for AWS does so in a thread; the loop goes on.

    The status is about the call; what the function, or AWS, says is in the message (docs/invocations.md).
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def InvokeFunction(  # noqa: N802 - as the contract names it
        self, request: messages.InvokeFunctionRequest, context: Context
    ) -> messages.InvokeFunctionResponse:
        """Invoke a function and wait for what it answers."""
        return _invoked(await self._carry_out(context, "invoke-function", request))

    async def InvokeAsync(  # noqa: N802
        self, request: messages.InvokeAsyncRequest, context: Context
    ) -> messages.InvokeAsyncResponse:
        """Have a function run some time soon."""
        answer = await self._carry_out(context, "invoke-async", request)
        return messages.InvokeAsyncResponse(
            success=answer["success"],
            status_code=answer["statusCode"] if answer["success"] else 0,
            request_id=answer.get("requestId", ""),
            error=answer.get("error", ""),
        )

    async def BatchInvoke(  # noqa: N802
        self, request: messages.BatchInvokeRequest, context: Context
    ) -> messages.BatchInvokeResponse:
        """Invoke up to a hundred functions side by side; the token is the batch's own."""
        answer = await self._carry_out(context, "batch-invoke", request)
        return messages.BatchInvokeResponse(responses=map(_invoked, answer["results"]))

    async def ListFunctions(  # noqa: N802
        self, request: messages.ListFunctionsRequest, context: Context
    ) -> messages.ListFunctionsResponse:
        """What there is to invoke."""
        answer = await self._carry_out(context, "list-functions", request)
        return messages.ListFunctionsResponse(
            success=answer["success"],
            functions=map(_described, answer.get("functions", ())),
            next_marker=answer.get("nextMarker") or "",
            error=answer.get("error", ""),
        )

    async def GetFunctionConfig(  # noqa: N802
        self, request: messages.GetFunctionConfigRequest, context: Context
    ) -> messages.GetFunctionConfigResponse:
        """How a function is configured."""
        answer = await self._carry_out(context, "get-function-config", request)
        return messages.GetFunctionConfigResponse(
            success=answer["success"],
            function_info=_described(answer["config"]) if answer["success"] else None,
            error=answer.get("error", ""),
        )

    async def _carry_out(self, context: Context, action: str, request: Any) -> Answer:
        """Carry out an action for who holds the token; what is raised ends the call with a status of its own."""
        request_id = ids.new_run_id()
        context.set_trailing_metadata((("x-request-id", request_id),))
        token = request.token or _bearer(context)
        answer = await _in_thread(_dispatched, self._platform, action, request, token, request_id)
        if not isinstance(answer, Exception):
            return answer
        if isinstance(answer, _OF_AWS):
            return {"success": False, "error": said(answer, request_id)}
        told = [("x-request-id", request_id)]
        if isinstance(answer, RateLimited):
            told.append(("retry-after", str(answer.retry_after)))
        status = grpc.StatusCode[failures.kind_of(answer).grpc_status]
        await context.abort(status, said(answer, request_id), tuple(told))
        raise answer  # for mypy: `abort` has raised


async def _in_thread(call: Callable[..., Answer | Exception], *with_: Any) -> Answer | Exception:
    """What `call` returns. Who gives up waiting does not end it: as long as the thread works, it counts."""
    working = asyncio.ensure_future(to_thread.run_sync(call, *with_))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


def _dispatched(
    platform: Platform, action: str, request: Any, token: str, request_id: str
) -> Answer | Exception:
    """What the action answers or raises, with a line in the log and a place in the metrics."""
    status = "OK"
    with telemetry.event(request_id) as event_log:
        event_log.name_action(action, None)
        try:
            if not token:
                raise NoToken
            caller = authentication.by_token(token, platform)
            event_log.name_user(caller.user_id or f"client:{caller.client_id}")
            for_whom = {"userId": caller.user_id, "clientId": caller.client_id}
            answer = dispatch.run(action, _asked(action, request) | for_whom, caller, platform)
        except Exception as error:
            failure = failures.kind_of(error)
            status = "OK" if isinstance(error, _OF_AWS) else failure.grpc_status
            event_log.failed(error, failure, {"method": action, "status": status})
            return error
        else:
            event_log.succeeded({"method": action, "status": status})
            return answer
        finally:
            metrics.count_call(action, status, event_log.seconds)


def _bearer(context: Context) -> str:
    """The token in the call's metadata, as HTTP has it in a header."""
    given = dict(context.invocation_metadata() or ()).get("authorization", "")
    scheme, _, token = str(given).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _asked(action: str, request: Any) -> dict[str, Any]:
    """A message as the action takes it. Raises InvalidRequest."""
    fields = _fields(request)
    if "invocations" in fields:
        fields["invocations"] = [in_camel_case(_fields(each)) for each in request.invocations]
    return given(fields, *_NEEDED.get(action, ("",)))


def _fields(message: Any) -> dict[str, Any]:
    """What is given in a message: proto3 has no other word for "not given" than an empty text, or 0."""
    return {field.name: value for field, value in message.ListFields() if field.name != "token"}


def _invoked(answer: Answer) -> messages.InvokeFunctionResponse:
    return messages.InvokeFunctionResponse(
        success=answer["success"],
        status_code=answer["statusCode"],
        payload=answer.get("payload", ""),
        function_error=answer.get("functionError", ""),
        log_result=answer.get("logResult", ""),
        executed_version=answer.get("executedVersion", ""),
        error=answer.get("error", ""),
    )


def _described(function: Answer) -> messages.FunctionInfo:
    return messages.FunctionInfo(
        function_name=function["functionName"],
        function_arn=function["functionArn"],
        runtime=function["runtime"],
        role=function["role"],
        handler=function["handler"],
        code_size=function["codeSize"],
        description=function["description"],
        timeout=function["timeout"],
        memory_size=function["memorySize"],
        last_modified=function["lastModified"],
        version=function["version"],
    )
