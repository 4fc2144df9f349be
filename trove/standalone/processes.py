"""Long-running processes that are found again by somebody else: pid files with start times."""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from trove.common import processes
from trove.common.processes import Process
from trove.standalone.errors import StackError


def end(process: Process, grace_seconds: float) -> bool:
    """Ask a process to end, and kill its group after the grace; return whether it went by itself.

    It must lead a process group of its own, as everything that ``Daemon`` starts does.
    """
    with contextlib.ExitStack() as stack:
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return True
        stack.callback(os.close, handle)
        # The handle holds the process fast; only now is it worth to look at which one it is.
        if not process.is_alive():
            return True
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        went = _wait(handle, grace_seconds)
        # What it forked and left behind goes with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if not went:
            _wait(handle, 5)
        return went


def _wait(handle: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


@dataclass
class Daemon:
    """A command in a session of its own, with a pid file, writing to a log file."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    run_path: pathlib.Path
    log_path: pathlib.Path
    grace_seconds: float = 20
    is_ready: Callable[[], bool] = lambda: True
    _child: 'subprocess.Popen[bytes] | None' = field(default=None, repr=False)

    @property
    def pid_file(self) -> pathlib.Path:
        return self.run_path / f'{self.name}.pid'

    def find(self) -> Process | None:
        """Return the running process, whoever started it; None when it does not run."""
        if self._child is not None and self._child.poll() is not None:
            # Asking has taken our own dead child off the process table.
            self._child = None
        process = read_pid_file(self.pid_file)
        return process if process is not None and process.is_alive() else None

    def start(self) -> Process:
        """Start the command, unless it runs; raises ``StackError`` when it cannot be started."""
        running = self.find()
        if running is not None:
            return running
        for folder in (self.run_path, self.log_path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.log_path / f'{self.name}.log', 'ab', opener=_private) as log:
            try:
                self._child = subprocess.Popen(
                    list(self.command),
                    env=dict(self.environment),
                    cwd='/',
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise StackError(f'{self.name} cannot be started: {error}') from error
        process = processes.find(self._child.pid)
        if process is None:
            raise StackError(f'{self.name} ended at once; see {log.name}')
        write_pid_file(self.pid_file, process)
        return process

    def stop(self) -> None:
        """End the process and everything in its session; fine when it does not run."""
        process = self.find()
        if process is not None:
            end(process, self.grace_seconds)
        if self._child is not None:
            self._child.wait()
            self._child = None
        self.pid_file.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_pid_file(path: pathlib.Path) -> Process | None:
    """Return the process that a pid file names, running or not; None when there is no such file."""
    try:
        noted = json.loads(path.read_text())
        return Process(noted['pid'], noted['started'])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Half a file, from a machine that lost power while writing: no process of today.
        return None


def write_pid_file(path: pathlib.Path, process: Process) -> None:
    """Note a process, all of it or nothing."""
    half = path.with_name(f'.{path.name}.{os.getpid()}')
    half.write_text(json.dumps({'pid': process.pid, 'started': process.started}))
    half.replace(path)
