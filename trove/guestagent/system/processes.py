"""Processes of units: found by the mark in their environment, ended as gently as they let us."""

import signal
import time
from collections.abc import Callable

from trove.common import processes
from trove.common.processes import Process, find

__all__ = ['Process', 'end', 'find', 'find_marked', 'is_unreaped', 'kill_marked']

MARK = 'TROVE_UNIT'
KILL_ROUNDS = 10


def find_marked(mark: str) -> Process | None:
    """Return the topmost process whose environment carries our mark, or None.

    An engine has children with the same environment; the topmost is the one
    whose parent is not marked.
    """
    marked = [pid for pid in processes.pids() if _is_marked(pid, mark)]
    for pid in marked:
        entry = processes.look(pid)
        if entry is not None and entry.parent not in marked:
            return find(pid)
    return None


def is_unreaped(leader: int) -> bool:
    """Return whether a session's leader has ended, is still in the table, and left nobody else alive in its session.

    Where the first process of a host or container reaps nobody, an engine whose
    agent died stays so for ever.
    """
    entry = processes.look(leader)
    if entry is None or not entry.is_dead:
        return False
    others = (processes.look(pid) for pid in processes.pids())
    return not any(other.session == leader and not other.is_dead for other in others if other is not None)


def kill_marked(mark: str) -> None:
    """Kill all processes whose environment carries our mark, also those that they have just started."""
    for _round in range(KILL_ROUNDS):
        marked = [found for pid in processes.pids() if _is_marked(pid, mark) and (found := find(pid)) is not None]
        if not marked:
            return
        for process in marked:
            process.send(signal.SIGKILL)
        for process in marked:
            _await_end(process, time.sleep)


def end(
    process: Process,
    stop_signal: int,
    timeout_seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Ask a process to end until it does; SIGKILL after the deadline. Return whether it ended by itself.

    The signal is sent again every second, because an engine may refuse it for a
    while (Redis does while it writes its first append-only file).
    """
    deadline = time.monotonic() + timeout_seconds
    asked = 0.0
    while process.is_alive():
        now = time.monotonic()
        if now >= deadline:
            process.send(signal.SIGKILL)
            _await_end(process, pause)
            return False
        if now - asked >= 1:
            process.send(stop_signal)
            asked = now
        pause(0.02)
    return True


def _await_end(process: Process, pause: Callable[[float], None]) -> None:
    deadline = time.monotonic() + 10
    while process.is_alive() and time.monotonic() < deadline:
        pause(0.02)


def _is_marked(pid: int, mark: str) -> bool:
    return processes.is_marked(pid, MARK, mark)
