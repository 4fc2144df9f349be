"""Telling others what happened: the contract of notifiers, and the one way by which all of them are told.

Nobody waits for a notifier. Each has a queue and a thread of its own: what one raises is logged, and what
finds its queue full because it hangs is dropped, counted and logged.
"""

import abc
import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import plugs

LOG = logging.getLogger(__name__)

GROUP = 'trove.notifiers'
"""Entry points; the names are the option ``notifiers``."""

OPTS = [
    cfg.ListOpt(
        'notifiers',
        default=[],
        help="Who is told what happens to instances: names of entry points in 'trove.notifiers'. 'messaging' sends it "
        "to the bus of [oslo_messaging_notifications], 'log' writes it to the log. Empty tells nobody.",
    ),
]

QUEUE_SIZE = 1000
DROPS_PER_WARNING = 100


class Notifier(abc.ABC):
    """Tells one kind of listener. One object serves a whole process, from one thread."""

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts, server_type: str) -> None:
        """Read options; nothing is called yet. ``server_type`` is what the process is: ``api``, ``taskmanager``."""

    @abc.abstractmethod
    def notify(self, event_type: str, payload: Mapping[str, Any], priority: str) -> None:
        """Tell of one event; ``payload`` is plain JSON without secrets. It may take its time, and may raise."""


class Notifications:
    """All notifiers of a process."""

    def __init__(
        self, server_type: str = '', notifiers: Mapping[str, Notifier] | None = None, size: int = QUEUE_SIZE
    ) -> None:
        self.server_type = server_type
        self._lanes = [_Lane(name, notifier, size) for name, notifier in (notifiers or {}).items()]

    @property
    def has_listeners(self) -> bool:
        """Whether anybody is told anything."""
        return bool(self._lanes)

    @property
    def dropped(self) -> int:
        """How many events found a full queue so far."""
        return sum(lane.dropped for lane in self._lanes)

    def emit(self, event_type: str, payload: Mapping[str, Any], priority: str = 'info') -> None:
        """Tell all of them of an event; returns at once and never raises."""
        for lane in self._lanes:
            lane.put((event_type, payload, priority))

    def start(self) -> None:
        """Begin; a thread is started with the first event, because daemons fork after loading."""

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """Let them tell what waits, but not for long; what is left then is lost."""
        for lane in self._lanes:
            lane.stop(timeout_seconds)


_Event = tuple[str, Mapping[str, Any], str]


class _Lane:
    """One notifier with its queue and its thread."""

    def __init__(self, name: str, notifier: Notifier, size: int) -> None:
        self.dropped = 0
        self._name = name
        self._notifier = notifier
        self._queue: queue.Queue[_Event | None] = queue.Queue(size)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, event: _Event) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f'notifier {self._name}', daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._count()

    def stop(self, timeout_seconds: float) -> None:
        if self._thread is None:
            return
        deadline = time.monotonic() + timeout_seconds
        # A full queue has room again when the notifier goes on, which it need not do.
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout_seconds)
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _count(self) -> None:
        with self._lock:
            self.dropped += 1
            dropped = self.dropped
        if dropped % DROPS_PER_WARNING == 1:
            LOG.warning('Notifier %s does not keep up; %d notifications were dropped so far', self._name, dropped)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            event_type, payload, priority = event
            try:
                self._notifier.notify(event_type, payload, priority)
            except Exception:
                LOG.exception('Notifier %s could not tell of %s', self._name, event_type)


class _State:
    notifications = Notifications()


def start(conf: cfg.ConfigOpts, server_type: str) -> Notifications:
    """Make the notifiers of this process; ``PlugError`` when one of them cannot be used."""
    made = {name: plugs.make(GROUP, name, Notifier, conf, server_type) for name in check(conf)}
    return use(Notifications(server_type, made))


def use(notifications: Notifications) -> Notifications:
    """Make these the ones of this process; return them."""
    _State.notifications = notifications
    return notifications


def check(conf: cfg.ConfigOpts) -> list[str]:
    """Return the names of the notifiers, loaded but not made; ``PlugError`` when one of them cannot be."""
    trove_cfg.register(conf, OPTS)
    # A name that is written twice is one notifier.
    names = list(dict.fromkeys(conf.notifiers))
    for name in names:
        plugs.load(GROUP, name, Notifier)
    return names


def get() -> Notifications:
    """Return those of this process; nobody is told anything before ``start``."""
    return _State.notifications
