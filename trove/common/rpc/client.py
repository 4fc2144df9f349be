"""Sending: calls that wait for an answer, casts that do not, and wake-ups that never block."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import amqp.exceptions
import kombu.exceptions
import oslo_messaging
from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common.rpc import serializer, transport

LOG = logging.getLogger(__name__)
Answer = TypeVar('Answer')

# The RabbitMQ driver lets through what its own libraries raise when they cannot connect.
BusError = (
    oslo_messaging.MessagingException,
    kombu.exceptions.KombuError,
    amqp.exceptions.AMQPError,
    OSError,
)
"""What a cast or call raises when the bus is away, or refuses us."""


def deliver(send: Callable[[int], Answer]) -> Answer:
    """Return what ``send(retries)`` returns; it is tried once more when it was not delivered though the bus is there.

    oslo.messaging keeps a connection over which a message was refused, with its channel closed. Without a retry
    it is not connected anew, so that every later message would fail on it, too: the same connection is
    taken from the pool first. A bus that is away raises ``BusError`` at once.
    """
    try:
        return send(0)
    except oslo_messaging.MessageDeliveryFailure:
        transport.check_reachable()
        return send(1)


class Client:
    """Names a topic and a version; doors are built on it."""

    def __init__(self, topic: str, version: str) -> None:
        self._target = oslo_messaging.Target(topic=topic, version=version)

    def _prepare(self, server: str | None, timeout_seconds: float | None, retry: int) -> Any:
        client = oslo_messaging.get_rpc_client(
            transport.get(), self._target, serializer=serializer.ContextSerializer(), retry=retry
        )
        options: dict[str, Any] = {'server': server} if server else {}
        if timeout_seconds is not None:
            options['timeout'] = timeout_seconds
        return client.prepare(**options)

    def cast(
        self, context: trove_context.TroveContext, method: str, server: str | None = None, **arguments: Any
    ) -> None:
        """Send and forget. The bus may lose it; raises ``BusError`` when the bus is seen to be away."""
        deliver(lambda retries: self._prepare(server, None, retries).cast(context, method, **arguments))

    def call(
        self,
        context: trove_context.TroveContext,
        method: str,
        timeout_seconds: float,
        server: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Send and wait for the answer; ``oslo_messaging.MessagingTimeout`` when none comes in time."""
        # A process's first call sets up the queue of its answers. With a bus that is away
        # oslo.messaging tries that without end, and every later call queues behind it.
        transport.check_reachable()
        return deliver(
            lambda retries: self._prepare(server, timeout_seconds, retries).call(context, method, **arguments)
        )


class Waker:
    """Sends wake-ups from a thread of its own, so that nobody waits for a bus that is away.

    A wake-up only spares the time until the next sweep: when the bus is away or
    the queue is full it is dropped.
    """

    def __init__(self, client: Client, size: int = 1000) -> None:
        self._client = client
        self._queue: queue.Queue[tuple[trove_context.TroveContext, str, dict[str, Any]]] = queue.Queue(size)
        self._thread: threading.Thread | None = None

    def send(self, context: trove_context.TroveContext, method: str, **arguments: Any) -> None:
        """Queue one wake-up; returns at once."""
        if self._thread is None:
            # Started by the first use and not before, because daemons fork after loading.
            self._thread = threading.Thread(target=self._run, name='waker', daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((context, method, arguments))
        except queue.Full:
            LOG.warning('A wake-up was dropped: %d of them wait for the bus', self._queue.qsize())

    def _run(self) -> None:
        while True:
            context, method, arguments = self._queue.get()
            try:
                self._client.cast(context, method, **arguments)
            except BusError as error:
                LOG.warning('Wake-up %s was not sent, the bus is away: %s', method, error)
