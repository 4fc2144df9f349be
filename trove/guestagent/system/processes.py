"""Processes of this host, told apart from later ones that got the same id."""

import dataclasses
import os
import signal
import time
from collections.abc import Callable

MARK = 'TROVE_UNIT'


@dataclasses.dataclass(frozen=True)
class Process:
    """A process id and the start time (in clock ticks after boot) that makes it unique."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        """Return whether this very process runs; a zombie does not."""
        return find(self.pid) == self

    def send(self, signal_number: int) -> None:
        """Send a signal, unless the process is gone."""
        if self.is_alive():
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                return


def find(pid: int) -> Process | None:
    """Return the process that has this id now, or None."""
    fields = _stat(pid)
    if fields is None or fields[0] in ('Z', 'X'):
        return None
    return Process(pid, int(fields[19]))


def find_marked(mark: str) -> Process | None:
    """Return the topmost process whose environment carries our mark, or None.

    An engine has children with the same environment; the topmost is the one
    whose parent is not marked.
    """
    marked = [pid for pid in _pids() if _is_marked(pid, mark)]
    for pid in marked:
        fields = _stat(pid)
        if fields is not None and int(fields[1]) not in marked:
            return find(pid)
    return None


def is_unreaped(leader: int) -> bool:
    """Return whether a session's leader has ended, is still in the table, and left nobody else alive in its session.

    Where the first process of a host or container reaps nobody, an engine whose
    agent died stays so for ever.
    """
    fields = _stat(leader)
    if fields is None or fields[0] != 'Z':
        return False
    return not any(_session_of(pid) == leader and find(pid) is not None for pid in _pids())


def kill_marked(mark: str) -> None:
    """Kill all processes whose environment carries our mark."""
    for pid in _pids():
        process = find(pid) if _is_marked(pid, mark) else None
        if process is not None:
            process.send(signal.SIGKILL)
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


def _pids() -> list[int]:
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def _is_marked(pid: int, mark: str) -> bool:
    try:
        with open(f'/proc/{pid}/environ', 'rb') as stream:
            return f'{MARK}={mark}'.encode() in stream.read().split(b'\0')
    except OSError:
        # It ended meanwhile, or it belongs to somebody else.
        return False


def _session_of(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[3])


def _stat(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/<pid>/stat`` after the program's name (which may hold blanks)."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stream:
            return stream.read().rpartition(')')[2].split()
    except OSError:
        return None
