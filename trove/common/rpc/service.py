"""Serving: one topic, its endpoints, and only the methods that are exposed."""

from collections.abc import Sequence
from typing import Any

import oslo_messaging

from trove.common.rpc import serializer, transport

expose = oslo_messaging.expose
"""Marks the methods of an endpoint that may be called from outside."""


class Server:
    """An RPC server; it stops gracefully: what runs is finished, nothing new is taken."""

    def __init__(self, topic: str, server: str, endpoints: Sequence[Any], executor: str | None = None) -> None:
        """Without an executor the one that suits the process is taken."""
        target = oslo_messaging.Target(topic=topic, server=server)
        self._server = oslo_messaging.get_rpc_server(
            transport.get(),
            target,
            list(endpoints),
            **({'executor': executor} if executor else {}),
            serializer=serializer.ContextSerializer(),
            access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
        )

    def start(self) -> None:
        """Declare the queues and take messages."""
        self._server.start()

    def stop(self) -> None:
        """Take no more messages and wait for those that run."""
        self._server.stop()
        self._server.wait()
