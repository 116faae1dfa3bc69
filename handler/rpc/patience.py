"""What calls may hold of this process: a message arrives in time, and who only watches leaves room for others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

Context = Any  # grpc.aio.ServicerContext; grpcio comes without types


class Patience(grpc.aio.ServerInterceptor):
    """Ends a call whose message is not there within `seconds`, and refuses more than so many `streams` at a time.

    A call counts from its head on. gRPC itself would wait for ever, and for nobody else once there are enough.
    """

    def __init__(self, seconds: float, streams: int) -> None:
        self._seconds = seconds
        self._streams = streams
        self._standing = 0

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """What answers a call: the service's own, behind the limits. On the wire one message is a stream of one."""
        own = await continuation(handler_call_details)
        if own is None:
            return None
        forms = own.request_deserializer, own.response_serializer
        if own.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._standing_for(own), *forms)

        async def answer(messages: AsyncIterator[Any], context: Context) -> Any:
            return await own.unary_unary(await self._first(messages, context), context)

        return grpc.stream_unary_rpc_method_handler(answer, *forms)

    def _standing_for(self, own: Any) -> Callable[[AsyncIterator[Any], Context], Awaitable[None]]:
        async def stand(messages: AsyncIterator[Any], context: Context) -> None:
            if self._standing >= self._streams:
                await context.abort(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many watch already; ask instead."
                )
            self._standing += 1
            try:
                if own.unary_stream:  # Watch of the health service, which writes by itself
                    await own.unary_stream(await self._first(messages, context), context)
                    return
                async for answer in own.stream_stream(messages, context):  # reflection
                    await context.write(answer)
            finally:
                self._standing -= 1

        return stand

    async def _first(self, messages: AsyncIterator[Any], context: Context) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                return await anext(messages)
        except TimeoutError:
            why = "The message did not arrive in time."
        except StopAsyncIteration:
            why = "There is no message."
        return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)
