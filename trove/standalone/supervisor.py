"""Keeps the daemons of a stack running: starts them, starts again what dies, stops them all."""

import logging
import select
import signal
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass
from types import FrameType

from trove.common.exception import TroveError
from trove.standalone import processes
from trove.standalone.errors import StackError

LOG = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 20.0
"""Who ran so long is not blamed for earlier deaths."""

LOOK_SECONDS = 0.2
LONGEST_HOLD_SECONDS = 30.0


@dataclass
class _Watched:
    daemon: processes.Daemon
    started_at: float = 0.0
    due_at: float = 0.0
    delay_seconds: float = 0.0


class Supervisor:
    """Watches daemons; ``now`` is a monotonic clock in seconds.

    The first ones are what the others lean on: these are held back until ``is_ready``,
    once, so that they need not find out by failing. They are not held back for long,
    because they can do without, too. ``end_guests`` is called on the way down, when
    nobody revives guests any more and the bus is still there for them.
    """

    def __init__(
        self,
        first: Sequence[processes.Daemon],
        others: Sequence[processes.Daemon],
        is_ready: Callable[[], bool],
        end_guests: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = [_Watched(daemon) for daemon in first]
        self._others = [_Watched(daemon) for daemon in others]
        self._is_ready = is_ready
        self._end_guests = end_guests
        self._now = now
        self._hold_until: float | None = now() + LONGEST_HOLD_SECONDS
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
        before = None
        for watched in self._first:
            # Each needs the one before it: the node of a broker would start a port mapper of its own.
            if before is not None and watched.daemon.find() is None and not before.daemon.is_ready():
                break
            self._look_at(watched)
            before = watched
        if self._hold_until is not None and not self._is_ready() and self._now() < self._hold_until:
            return
        self._hold_until = None
        for watched in self._others:
            self._look_at(watched)

    def _look_at(self, watched: _Watched) -> None:
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
        """Stop all: our daemons together, the guests, then what both lean on, the first started at last."""
        with futures.ThreadPoolExecutor(max_workers=len(self._others) or 1) as pool:
            list(pool.map(_stop, self._others))
        try:
            self._end_guests()
        except TroveError as error:
            LOG.error('%s', error)
        for watched in reversed(self._first):
            _stop(watched)


def _stop(watched: _Watched) -> None:
    watched.daemon.stop()
    LOG.info('%s was stopped', watched.daemon.name)


def _longer(delay_seconds: float) -> float:
    return min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, delay_seconds * 2))
