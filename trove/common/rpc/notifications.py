"""Hearing of events that another service tells on a bus, which need not be ours."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

POOL = 'trove'
"""Name of our own queue, so that nothing is taken from other listeners; our processes share it."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where events are told: topics of an exchange; without a URL on the bus for notifications, else our own."""

    topics: Sequence[str]
    exchange: str
    url: str | None = dataclasses.field(default=None, repr=False)


class Listener:
    """Calls ``hear`` with the type of each event whose type matches a regular expression, and with nothing else of it.

    It begins in a thread of its own: a bus that is away keeps nobody waiting.
    """

    def __init__(
        self, conf: cfg.ConfigOpts, source: Source, pattern: str, hear: Callable[[str], None], executor: str
    ) -> None:
        transport = oslo_messaging.get_notification_transport(conf, url=source.url)
        targets = [oslo_messaging.Target(topic=topic, exchange=source.exchange) for topic in source.topics]
        self._listener = oslo_messaging.get_notification_listener(
            transport, targets, [_Endpoint(pattern, hear)], executor=executor, pool=POOL
        )
        self._transport = transport
        self._beginning = threading.Thread(target=self._begin, name='notifications', daemon=True)

    def start(self) -> None:
        """Begin to listen as soon as the bus is there."""
        self._beginning.start()

    def stop(self) -> None:
        """Listen no more; what waits in the queue is left for the next one."""
        if not self._beginning.is_alive():
            self._listener.stop()
            self._listener.wait()
            self._transport.cleanup()

    def _begin(self) -> None:
        self._listener.start()
        LOG.info('Listening for notifications')


class _Endpoint:
    def __init__(self, pattern: str, hear: Callable[[str], None]) -> None:
        self.filter_rule = oslo_messaging.NotificationFilter(event_type=pattern)
        self._hear = hear

    def info(self, context: Any, publisher_id: str, event_type: str, payload: Any, metadata: Any) -> None:
        self._hear(event_type)

    warn = error = info
