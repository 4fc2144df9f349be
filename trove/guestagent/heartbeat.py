"""Heartbeats: the database's status and volume use, at every change and at least every so often."""

import threading
from collections.abc import Callable
from typing import Any

from oslo_log import log as logging

from trove.common import clock as trove_clock
from trove.common import exception, states

LOG = logging.getLogger(__name__)

Send = Callable[[dict[str, Any], float], bool]
Look = Callable[[], states.ServiceStatus]
Measure = Callable[[], dict[str, float]]


class Heartbeat:
    """Decides when to tell what; ``Repeater`` calls ``beat`` every second or so."""

    def __init__(
        self,
        look: Look,
        measure: Measure,
        send: Send,
        report_interval_seconds: float,
        clock: trove_clock.Clock,
    ) -> None:
        """``send(payload, sent)`` returns whether the message got out; it is repeated until it does."""
        self._look = look
        self._measure = measure
        self._send = send
        self._interval_seconds = report_interval_seconds
        self._clock = clock
        self._told: states.ServiceStatus | None = None
        self._told_at = 0.0

    def forget(self) -> None:
        """Tell with the next beat even if nothing changed: the control plane may think otherwise."""
        self._told = None

    def beat(self) -> None:
        """Look at the database, and tell when its status changed or the interval is over."""
        status = self._look()
        now = self._clock.time()
        if status == self._told and 0 <= now - self._told_at < self._interval_seconds:
            return
        if self._send(self._payload(status), now):
            if status != self._told:
                LOG.info('The database service is now %s', status.description)
            self._told, self._told_at = status, now

    def _payload(self, status: states.ServiceStatus) -> dict[str, Any]:
        is_prepared = status not in (states.NEW, states.BUILDING, states.FAILED)
        return {
            'service_status': status.description,
            'volume': self._measured(),
            'prepared': is_prepared,
        }

    def _measured(self) -> dict[str, float] | None:
        try:
            return self._measure()
        except exception.GuestError:
            # Before prepare there is no volume to look at.
            return None


class Repeater:
    """Calls something again and again in a thread of its own, at once when it is woken."""

    def __init__(self, name: str, work: Callable[[], None], interval_seconds: float) -> None:
        self._name = name
        self._work = work
        self._interval_seconds = interval_seconds
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; the first call comes at once."""
        self._thread.start()

    def wake(self) -> None:
        """Call now and not at the end of the interval."""
        self._wake.set()

    def stop(self) -> None:
        """End after the call that runs now."""
        self._is_stopped = True
        self._wake.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.clear()
            try:
                self._work()
            except Exception:
                # The next round may fare better; an agent without a heartbeat helps nobody.
                LOG.exception('A round of %s failed', self._name)
            self._wake.wait(self._interval_seconds)
