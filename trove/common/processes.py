"""Processes of this host, told apart from later ones that got the same id.

A pid alone proves nothing, since the kernel gives it out again. Beside it stands
when the process started, in clock ticks since the boot; both together name one
process for as long as the machine is up.
"""

import contextlib
import dataclasses
import os

_DEAD = ('Z', 'X')


@dataclasses.dataclass(frozen=True)
class Process:
    """One process, never mistaken for a later one with the same pid."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        """Return whether this very process runs; a zombie does not."""
        return find(self.pid) == self

    def send(self, signal_number: int) -> None:
        """Send a signal, unless the process is gone."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the process table shows of a process: its state is a letter, parent and session are pids."""

    process: Process
    state: str
    parent: int
    session: int

    @property
    def is_dead(self) -> bool:
        """Whether it has ended and only waits to be reaped."""
        return self.state in _DEAD


def look(pid: int) -> Entry | None:
    """Return the entry of the process that has this pid now; None when there is none.

    A zombie has an entry, too, until somebody reaps it.
    """
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stream:
            # The program's name stands in parentheses and may hold anything; the fields after it are fixed.
            fields = stream.read().rpartition(')')[2].split()
    except OSError:
        return None
    if not fields:
        return None
    return Entry(Process(pid, int(fields[19])), fields[0], int(fields[1]), int(fields[3]))


def find(pid: int) -> Process | None:
    """Return the live process that has this pid now."""
    entry = look(pid)
    return None if entry is None or entry.is_dead else entry.process


def pids() -> list[int]:
    """Return the pids of all processes that this host shows us."""
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def is_marked(pid: int, name: str, value: str) -> bool:
    """Return whether a process was started with this variable in its environment."""
    try:
        with open(f'/proc/{pid}/environ', 'rb') as stream:
            return f'{name}={value}'.encode() in stream.read().split(b'\0')
    except OSError:
        # It ended meanwhile, or it is not ours to look at.
        return False


# -- names of processes that tell, on the same host, whether the process still lives ------


def boot_id() -> str:
    """Return what tells this boot of the host from all others."""
    try:
        with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as stream:
            return stream.read().strip()[:8]
    except OSError:
        return 'unknown'


def own_name(host: str) -> str:
    """Return the name of this process: host, boot, pid and start time."""
    own = find(os.getpid())
    return f'{host}/{boot_id()}/{os.getpid()}/{own.started if own else 0}'


def is_dead(name: str, host: str) -> bool:
    """Return whether ``own_name`` of this host names a process that is known to be gone."""
    parts = name.split('/')
    if len(parts) != 4 or parts[0] != host or not (parts[2] + parts[3]).isdigit():
        return False
    return parts[1] != boot_id() or not Process(int(parts[2]), int(parts[3])).is_alive()
