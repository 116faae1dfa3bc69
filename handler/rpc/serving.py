"""The gRPC server: Lambda Action, the standard health service, and reflection."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from handler.rpc import lambda_action_pb2, lambda_action_pb2_grpc
from handler.rpc.calls import LambdaAction
from handler.rpc.patience import Patience
from services.platform import Platform

SERVICE = lambda_action_pb2.DESCRIPTOR.services_by_name["LambdaAction"].full_name
# A payload of 6 MB and what goes with it, and no more: a message is whole before anybody knows whose it is.
_MESSAGE_BYTES = 6_500_000
_ANSWER_BYTES = 16_000_000  # what a function says has 6 MB, and a batch no more
_BESIDE = 60  # calls besides those that have a thread: their message is on its way, or they ask for nothing of AWS
_STREAMS = 30  # of these, who watches the health or has the service described
_IDLE_SECONDS = 300
_PEER_SECONDS = 60  # until somebody of whom nothing comes is asked whether they are still there


class RpcServer:
    """A server that listens on `address` from `start` to `stop`, in the loop in which both are awaited."""

    def __init__(self, platform: Platform, address: str, threads: int, read_seconds: float) -> None:
        self._health = health.aio.HealthServicer()
        self._platform = platform
        self._address = address
        self._most = threads + _BESIDE
        self._read_seconds = read_seconds
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port."""
        server = self._server = grpc.aio.server(
            maximum_concurrent_rpcs=self._most,
            interceptors=[Patience(self._read_seconds, _STREAMS)],
            options=[
                ("grpc.so_reuseport", 0),  # who comes second to a port is told so
                ("grpc.max_receive_message_length", _MESSAGE_BYTES),
                ("grpc.max_send_message_length", _ANSWER_BYTES),
                ("grpc.server_handshake_timeout_ms", round(self._read_seconds * 1000)),
                ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
                ("grpc.keepalive_time_ms", _PEER_SECONDS * 1000),
            ],
        )
        service = LambdaAction(self._platform)
        lambda_action_pb2_grpc.add_LambdaActionServicer_to_server(service, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        port: int = server.add_insecure_port(self._address)
        await server.start()
        await self._health.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, and end those under way after `grace_seconds` at the latest."""
        if self._server:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(grace_seconds)
