"""Keeps the daemons of a stack running: starts them, starts again what dies, stops them all."""

import logging
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from trove.standalone import processes
from trove.standalone.errors import StackError

LOG = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 20.0
"""Who ran so long is not blamed for earlier deaths."""

LOOK_SECONDS = 0.5


@dataclass
class _Watched:
    daemon: processes.Daemon
    started_at: float = 0.0
    due_at: float = 0.0
    delay_seconds: float = 0.0


class Supervisor:
    """Watches daemons; ``now`` is a monotonic clock in seconds."""

    def __init__(self, daemons: Sequence[processes.Daemon], now: Callable[[], float] = time.monotonic) -> None:
        self._watched = [_Watched(daemon) for daemon in daemons]
        self._now = now
        self._is_stopping = False

    def run(self) -> None:
        """Watch until SIGTERM or SIGINT, then stop everything, the last one first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while not self._is_stopping:
            self.look()
            # Cut short by the signals; an empty select is the plainest way to wait for either.
            select.select([], [], [], LOOK_SECONDS)
        self.stop()

    def _end(self, number: int, _frame: FrameType | None) -> None:
        LOG.info('Signal %s asked the supervisor to stop', number)
        self._is_stopping = True

    def look(self) -> None:
        """Start what does not run and is due."""
        for watched in self._watched:
            if watched.daemon.find() is None:
                self._revive(watched)

    def _revive(self, watched: _Watched) -> None:
        now = self._now()
        if watched.started_at:
            self._note_death(watched, now)
        if now < watched.due_at:
            return
        try:
            process = watched.daemon.start()
        except StackError as error:
            LOG.error('%s', error)
            watched.delay_seconds = _longer(watched.delay_seconds)
            watched.due_at = now + watched.delay_seconds
            return
        watched.started_at = now
        LOG.info('%s was started with pid %s', watched.daemon.name, process.pid)

    def _note_death(self, watched: _Watched, now: float) -> None:
        was_steady = now - watched.started_at >= STEADY_SECONDS
        watched.delay_seconds = 0.0 if was_steady else _longer(watched.delay_seconds)
        watched.due_at = now + watched.delay_seconds
        watched.started_at = 0.0
        LOG.warning('%s died; it is started again in %.1f s', watched.daemon.name, watched.delay_seconds)

    def stop(self) -> None:
        """Stop all daemons; the first started is the last to go."""
        for watched in reversed(self._watched):
            watched.daemon.stop()
            LOG.info('%s was stopped', watched.daemon.name)


def _longer(delay_seconds: float) -> float:
    return min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, delay_seconds * 2))
