"""Processes of an instance, found by what they are and not by what anybody remembers.

An instance's processes carry its id in their environment. Engines may wipe
their environment (Redis does, to show a title), so that two more signs count:
being the child of a process of the instance, and printing into its folder.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable

from trove.common import processes
from trove.common.processes import Process

MARK = 'TROVE_INSTANCE_ID'


def find(instance_id: str, folder: str, uid: int) -> list[Process]:
    """Return all live processes of the instance that run as this user, parents before their children."""
    seen = _live()
    own = {pid for pid in seen if _owner(pid) == uid}
    members = {pid for pid in own if is_marked(pid, instance_id) or _prints_into(pid, folder)}
    is_growing = True
    while is_growing:
        children = {pid for pid in own - members if seen[pid].parent in members}
        members |= children
        is_growing = bool(children)
    ordered = sorted((seen[pid].process for pid in members), key=lambda process: (process.started, process.pid))
    return [process for process in ordered if process.pid != os.getpid()]


def _live() -> dict[int, processes.Entry]:
    entries = (processes.look(pid) for pid in processes.pids())
    return {entry.process.pid: entry for entry in entries if entry is not None and not entry.is_dead}


def topmost(members: Iterable[Process]) -> list[Process]:
    """Return those that are not children of others: an engine and not its workers, which it ends itself."""
    found = list(members)
    pids = {process.pid for process in found}
    entries = {process.pid: processes.look(process.pid) for process in found}
    return [process for process in found if (entry := entries[process.pid]) and entry.parent not in pids]


def read(path: str, instance_id: str) -> Process | None:
    """Return the process that a pid file (``pid start-time``) names, if it lives and is the instance's."""
    try:
        with open(path, encoding='ascii') as stream:
            pid, started = (int(word) for word in stream.read(64).split())
    except (OSError, ValueError):
        return None
    process = Process(pid, started)
    return process if process.is_alive() and is_marked(pid, instance_id) else None


def is_marked(pid: int, instance_id: str) -> bool:
    """Return whether the environment of a process carries the instance's id."""
    return processes.is_marked(pid, MARK, instance_id)


def send_all(members: Iterable[Process], signal_number: int) -> None:
    """Send a signal to each."""
    for process in members:
        process.send(signal_number)


def kill(members: Iterable[Process]) -> None:
    """End processes at once, also stopped ones."""
    send_all(members, signal.SIGKILL)


def wait_until(
    is_done: Callable[[], bool], timeout_seconds: float, pause: Callable[[float], None] = time.sleep
) -> bool:
    """Ask until the answer is yes or the time is over; return the last answer."""
    deadline = time.monotonic() + timeout_seconds
    wait_seconds = 0.01
    while not is_done():
        if time.monotonic() >= deadline:
            return False
        pause(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, 0.2)
    return True


def _owner(pid: int) -> int | None:
    try:
        return os.stat(f'/proc/{pid}').st_uid
    except OSError:
        return None


def _prints_into(pid: int, folder: str) -> bool:
    """Return whether standard output or error goes below the folder.

    Other open files do not count: somebody may be reading a log there.
    """
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.readlink(f'/proc/{pid}/fd/{number}').startswith(folder + os.sep):
                return True
    return False
