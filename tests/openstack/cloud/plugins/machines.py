"""A server of the cloud as this host sees it: a folder and the processes that belong to it."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

MARK = 'NOVA_PROC_UUID'


class Machine:
    """One server. The folder holds what is listed in README.md; a process belongs to it by any of three signs.

    It carries the server's id in its environment; or it prints into the server's folder, since
    Redis wipes its environment to show a title; or it is a child of one that belongs.
    """

    def __init__(self, base: str, uuid: str) -> None:
        self.uuid = uuid
        self.folder = os.path.join(base, uuid)

    def path(self, *parts: str) -> str:
        """Return the path of something in the folder."""
        return os.path.join(self.folder, *parts)

    # -- what is remembered ------------------------------------------------------

    def load(self) -> dict[str, Any] | None:
        """Return what was remembered of the server; None when there is none."""
        try:
            with open(self.path('instance.json'), encoding='utf-8') as stream:
                found: dict[str, Any] = json.load(stream)
        except (OSError, ValueError):
            return None
        return found

    def save(self, record: Mapping[str, Any]) -> None:
        """Remember this of the server, all or nothing."""
        half = self.path('instance.json.new')
        with open(half, 'w', encoding='utf-8') as stream:
            json.dump(record, stream, indent=1, sort_keys=True)
        os.replace(half, self.path('instance.json'))

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file below the folder, readable for its owner alone."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb', opener=lambda one, flags: os.open(one, flags, 0o600)) as stream:
            stream.write(content.encode() if isinstance(content, str) else content)

    def console(self) -> str:
        """Return the end of what the server printed."""
        try:
            with open(self.path('console.log'), 'rb') as stream:
                return stream.read()[-100000:].decode('latin-1')
        except OSError:
            return ''

    # -- its processes -----------------------------------------------------------

    def pid(self) -> int | None:
        """Return the main process if it runs."""
        try:
            with open(self.path('pid'), encoding='ascii') as stream:
                pid, started = stream.read().split()
        except (OSError, ValueError):
            return None
        return int(pid) if _start_time(int(pid)) == started else None

    def members(self) -> list[int]:
        """Return the pids of all live processes of the server."""
        parents = _parents()
        found = {pid for pid in parents if self._is_marked(pid) or self._prints_here(pid)}
        is_growing = True
        while is_growing:
            children = {pid for pid, parent in parents.items() if parent in found} - found
            found |= children
            is_growing = bool(children)
        return sorted(found - {os.getpid()})

    def _is_marked(self, pid: int) -> bool:
        with contextlib.suppress(OSError), open(f'/proc/{pid}/environ', 'rb') as stream:
            return f'{MARK}={self.uuid}'.encode() in stream.read().split(b'\0')
        return False

    def _prints_here(self, pid: int) -> bool:
        for number in (1, 2):
            with contextlib.suppress(OSError):
                if os.readlink(f'/proc/{pid}/fd/{number}').startswith(self.folder + os.sep):
                    return True
        return False

    def start(self, command: str, environment: Mapping[str, str]) -> None:
        """Run a command of ``sh`` as the server's main process; it leads a session of its own."""
        kept = {name: os.environ[name] for name in ('PATH', 'LANG', 'HOME', 'USER') if name in os.environ}
        with open(self.path('console.log'), 'ab') as out:
            process = subprocess.Popen(
                ['/bin/sh', '-c', command],
                cwd=self.folder,
                env={**kept, **environment, MARK: self.uuid},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.write('pid', f'{process.pid} {_start_time(process.pid)}\n')
        # Reaped at once, or it would seem to live.
        threading.Thread(target=process.wait, daemon=True).start()

    def stop(self, patience_seconds: float) -> None:
        """End all processes: the main one is asked, what it leaves behind, too; killed when the patience is over."""
        deadline = time.monotonic() + patience_seconds
        # As in a real server, where only init learns of the power button.
        main = self.pid()
        _send([main] if main else self.members(), signal.SIGTERM)
        while members := self.members():
            if time.monotonic() > deadline:
                _send(members, signal.SIGKILL)
            elif main and self.pid() is None:
                main = None
                _send(members, signal.SIGTERM)
            time.sleep(0.05)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path('pid'))

    def send(self, signal_number: int) -> None:
        """Send a signal to all processes."""
        _send(self.members(), signal_number)


def find_all(base: str) -> Iterator[Machine]:
    """Return the servers that have a folder."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(base):
            machine = Machine(base, name)
            if machine.load() is not None:
                yield machine


def _send(pids: list[int], signal_number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def _stat(pid: int) -> list[str] | None:
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stream:
            fields = stream.read().rpartition(')')[2].split()
    except OSError:
        return None
    return None if not fields or fields[0] in 'ZX' else fields


def _start_time(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if fields else None


def _parents() -> dict[int, int]:
    """Return pid to parent of all live processes."""
    found = ((int(name), _stat(int(name))) for name in os.listdir('/proc') if name.isdigit())
    return {pid: int(fields[1]) for pid, fields in found if fields}
