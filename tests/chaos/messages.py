"""What a bus may do to messages: lose them, bring them again, bring them in another order.

Works on the queues of the broker itself. What the bus library would know again is made new to it. A sealed message
stays as it was sealed, and comes again by the exchange that it came by: who opens it has to know it again.
"""

import contextlib
import json
import random
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import amqp

from trove.common.rpc import sealed
from trove.standalone import broker

TOPICS = ('trove-conductor', 'taskmanager')
COPIES = 3
GATHER_SECONDS = 0.7
MARK = 'mixed'
"""Header of messages that were mixed already."""
ENVELOPE, UNIQUE_ID, CALL_ID = 'oslo.message', '_unique_id', '_msg_id'


def queues(world: Any) -> list[str]:
    """Return the queues from which conductors, taskmanagers and guests read."""
    return [*TOPICS, *(sealed.topic_of(one) for one in world.ground.instance_ids())]


@contextlib.contextmanager
def _channel(node: broker.Broker) -> Iterator[Any]:
    settings = node.settings
    host = f'{broker.ADDRESS}:{settings.port}'
    connection = amqp.Connection(host, settings.user, settings.password, connect_timeout=2)
    connection.connect()
    try:
        yield connection.channel()
    finally:
        connection.close()


def purge(node: broker.Broker, names: Iterable[str]) -> None:
    """Take everything out of queues."""
    for name in names:
        # A queue that is not there closes the channel.
        with contextlib.suppress(amqp.exceptions.AMQPError), _channel(node) as channel:
            channel.queue_purge(name)


def copy_of(body: bytes | str) -> str | None:
    """Return a message so that the bus library does not know it again; None for a call, whose caller waits for it."""
    outer = json.loads(body)
    inner = json.loads(outer[ENVELOPE])
    if CALL_ID in inner:
        return None
    inner[UNIQUE_ID] = uuid.uuid4().hex
    return json.dumps({**outer, ENVELOPE: json.dumps(inner)})


class Mixer:
    """Takes a share of all messages from their readers, and hands them out again three times and shuffled."""

    def __init__(self, world: Any, pick: float) -> None:
        self._world = world
        self._chance = random.Random(pick)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name='mixer', daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            # The bus may be away, or a queue.
            with contextlib.suppress(OSError, amqp.exceptions.AMQPError), _channel(self._world.bus) as channel:
                self._mix(channel)

    def _mix(self, channel: Any) -> None:
        while not self._ending.is_set():
            gathered: list[Any] = []
            for name in self._present(channel.connection):
                channel.basic_consume(name, no_ack=True, callback=gathered.append)
            deadline = time.monotonic() + GATHER_SECONDS
            with contextlib.suppress(TimeoutError):
                while (left := deadline - time.monotonic()) > 0:
                    channel.connection.drain_events(timeout=left)
            for tag in list(channel.callbacks):
                channel.basic_cancel(tag)
            self._hand_out(channel, gathered)
            self._ending.wait(GATHER_SECONDS)

    def _present(self, connection: Any) -> Iterator[str]:
        """Yield the queues that are there; one that is not closes the channel on which it is asked for."""
        for name in queues(self._world):
            with contextlib.suppress(amqp.exceptions.NotFound):
                probe = connection.channel()
                probe.queue_declare(name, passive=True)
                probe.close()
                yield name

    def _hand_out(self, channel: Any, gathered: list[Any]) -> None:
        out = []
        for found in gathered:
            is_new = MARK not in (found.headers or {})
            copies = [copy_of(found.body) for _ in range(COPIES)] if is_new else [None]
            out.extend((found, body) for body in (copies if copies[0] is not None else [found.body]))
        self._chance.shuffle(out)
        for found, body in out:
            headers = {**(found.headers or {}), MARK: True}
            properties = {key: value for key, value in found.properties.items() if key != 'application_headers'}
            message = amqp.Message(body, application_headers=headers, **properties)
            way = found.delivery_info
            channel.basic_publish(message, exchange=way['exchange'], routing_key=way['routing_key'])
