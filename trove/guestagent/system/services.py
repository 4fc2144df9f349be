"""Services: engines that go on running when the agent ends.

One interface and two ways: systemd in a virtual machine, and the agent itself
where an instance is only a set of processes.
"""

import abc
import dataclasses
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from oslo_log import log as logging

from trove.common import exception
from trove.guestagent.system import files, processes, shell

LOG = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
OUR_MARK = 'X-Trove-Engine=yes'
_GONE = processes.Process(0, 0)


@dataclasses.dataclass(frozen=True)
class Unit:
    """One engine process and how it is run.

    ``user`` is who runs it when the agent is root; None means the agent's own
    user. ``log_file`` takes what the engine prints. ``lock_files`` begin with
    the id of the process that holds them; an engine that looks only at whether
    there is such a process takes one for alive that nobody reaped. ``run_folder``
    is for its sockets; it is made before each start, as a restart of the host
    may have taken it away. ``data_folder`` must be there for a start; it is on a
    volume that the agent mounts.
    """

    name: str
    argv: tuple[str, ...]
    log_file: str
    user: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    stop_timeout_seconds: float = 60.0
    lock_files: tuple[str, ...] = ()
    run_folder: str | None = None
    data_folder: str | None = None


class Services(abc.ABC):
    """Runs units. What was started stays wanted until it is stopped, also over a restart of the host."""

    @abc.abstractmethod
    def start(self, unit: Unit) -> None:
        """Run a unit, by its present definition; nothing happens when it runs already."""

    @abc.abstractmethod
    def stop(self, name: str) -> None:
        """End a unit and want it no more; it may be stopped or unknown already."""

    @abc.abstractmethod
    def is_running(self, name: str) -> bool:
        """Return whether the unit's process is there; this says nothing about its health."""

    @abc.abstractmethod
    def is_wanted(self, name: str) -> bool:
        """Return whether the unit was started and not stopped since."""

    @abc.abstractmethod
    def tend(self) -> None:
        """Start again what died unasked; called every second or so."""


class SystemdServices(Services):
    """Units of systemd; it is systemd that starts them at boot and after a crash.

    At boot it may come to a unit before the agent has mounted the volume; it
    leaves such a unit alone, and the agent's first look at the units starts it.
    """

    def __init__(self, run: Callable[..., str] = shell.run, unit_folder: str = '/etc/systemd/system') -> None:
        self._run = run
        self._unit_folder = unit_folder
        self._has_looked = False

    def start(self, unit: Unit) -> None:
        path = os.path.join(self._unit_folder, f'{unit.name}.service')
        text = self.render(unit)
        if files.read(path) != text:
            files.write(path, text, mode=0o644)
            self._run(['systemctl', 'daemon-reload'])
        self._run(['systemctl', 'enable', unit.name])
        self._run(['systemctl', 'start', unit.name])

    def stop(self, name: str) -> None:
        if files.read(os.path.join(self._unit_folder, f'{name}.service')) is not None:
            self._run(['systemctl', 'disable', '--now', name])

    def is_running(self, name: str) -> bool:
        return self._answers('is-active', name)

    def is_wanted(self, name: str) -> bool:
        return self._answers('is-enabled', name)

    def tend(self) -> None:
        """Start once what is wanted; after that the units' ``Restart=on-failure`` is all there is to do."""
        if self._has_looked:
            return
        self._has_looked = True
        for entry in sorted(os.listdir(self._unit_folder)):
            name = entry.removesuffix('.service')
            if name != entry and self._is_ours(entry) and self.is_wanted(name):
                self._run(['systemctl', 'start', name])

    def _is_ours(self, entry: str) -> bool:
        # Every kind of file lies there, links to nowhere among them.
        is_candidate = entry.startswith('trove-')
        return is_candidate and OUR_MARK in (files.read(os.path.join(self._unit_folder, entry)) or '').splitlines()

    def _answers(self, question: str, name: str) -> bool:
        try:
            self._run(['systemctl', question, '--quiet', name])
        except exception.GuestError:
            return False
        return True

    @staticmethod
    def render(unit: Unit) -> str:
        """Return the text of the unit file."""
        lines = [
            '[Unit]',
            f'Description=Database engine {unit.name} of a Trove instance',
            'After=network.target',
            *_needed_folder(unit),
            OUR_MARK,
            '',
            '[Service]',
            f'ExecStart={shlex.join(unit.argv)}',
            *(f'Environment={shlex.quote(f"{key}={value}")}' for key, value in sorted(unit.environment.items())),
            *([f'User={unit.user}'] if unit.user else []),
            *_runtime_directory(unit),
            f'StandardOutput=append:{unit.log_file}',
            f'StandardError=append:{unit.log_file}',
            f'KillSignal={signal.Signals(unit.stop_signal).name}',
            'KillMode=mixed',
            f'TimeoutStopSec={unit.stop_timeout_seconds:.0f}',
            'Restart=on-failure',
            'LimitNOFILE=65536',
            '',
            '[Install]',
            'WantedBy=multi-user.target',
            '',
        ]
        return '\n'.join(lines)


class ProcessServices(Services):
    """Units that are plain processes with a session of their own.

    They outlive the agent. A private file per unit holds its definition, its
    process and whether it is wanted; should the agent be killed between the
    start of a process and the writing of that file, the process is found by
    the mark in its environment.
    """

    def __init__(self, folder: str, owner_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._owner_id = owner_id
        self._clock = clock
        self._children: dict[str, int] = {}
        self._pauses: dict[str, tuple[float, float]] = {}
        self._lock = threading.RLock()
        files.make_folder(folder)

    def start(self, unit: Unit) -> None:
        with self._lock:
            process = self._find(unit.name)
            if process is None:
                self._launch(unit)
            else:
                self._save(unit, process, is_wanted=True)

    def stop(self, name: str) -> None:
        with self._lock:
            unit = self._load(name)
            if unit is None:
                return
            process = self._find(name)
            self._save(unit, process or _GONE, is_wanted=False)
            if process is None:
                return
            self._pauses.pop(name, None)
        if not processes.end(process, unit.stop_signal, unit.stop_timeout_seconds):
            LOG.warning('%s did not end within %d seconds and was killed', name, unit.stop_timeout_seconds)
        self._reap(name)

    def is_running(self, name: str) -> bool:
        return self._find(name) is not None

    def is_wanted(self, name: str) -> bool:
        return bool((files.read_json(self._path(name)) or {}).get('is_wanted'))

    def tend(self) -> None:
        for entry in sorted(os.listdir(self._folder)):
            if entry.endswith('.json'):
                self._revive(entry.removesuffix('.json'))

    def _revive(self, name: str) -> None:
        with self._lock:
            unit = self._load(name)
            if unit is None or not self.is_wanted(name) or self._find(name) is not None:
                return
            pause, started = self._pauses.get(name, (FIRST_PAUSE_SECONDS, float('-inf')))
            now = self._clock()
            if now - started < pause:
                return
            is_stable = now - started > STABLE_SECONDS
            pause = FIRST_PAUSE_SECONDS if is_stable else min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._pauses[name] = (pause, now)
            LOG.warning('%s was not running and is started again', name)
            self._launch(unit)

    def _launch(self, unit: Unit) -> None:
        # Written first and without a process: were the agent killed right after
        # the start, the next one would look for the process by its mark.
        self._save(unit, None, is_wanted=True)
        _clear_locks(unit)
        if unit.run_folder is not None:
            files.make_folder(unit.run_folder, owner=unit.user, mode=0o755)
        environment = {**os.environ, **unit.environment, processes.MARK: self._mark(unit.name)}
        with open(unit.log_file, 'ab') as log:
            try:
                child = subprocess.Popen(
                    list(unit.argv),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd='/',
                    start_new_session=True,
                    **shell.identity(unit.user),
                )
            except OSError as error:
                reason = f'{unit.argv[0]} cannot be started: {error.strerror}'
                raise exception.GuestError(reason=reason) from error
        # Popen is told not to wait for it: the engine outlives us, and is reaped by us if it does not.
        child.returncode = 0
        self._children[unit.name] = child.pid
        self._save(unit, processes.find(child.pid) or _GONE, is_wanted=True)
        LOG.info('%s was started as process %d', unit.name, child.pid)

    def _find(self, name: str) -> processes.Process | None:
        self._reap(name)
        record = files.read_json(self._path(name))
        if record is None:
            return None
        if record['process'] is None:
            return processes.find_marked(self._mark(name))
        process = processes.Process(*record['process'])
        return process if process.is_alive() else None

    def _reap(self, name: str) -> None:
        pid = self._children.get(name)
        if pid is None:
            return
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody else in this process was told of its end.
            del self._children[name]
            return
        if ended:
            LOG.info('%s ended with code %d', name, os.waitstatus_to_exitcode(status))
            del self._children[name]

    def _mark(self, name: str) -> str:
        return f'{self._owner_id}/{name}'

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, f'{name}.json')

    def _load(self, name: str) -> Unit | None:
        record = files.read_json(self._path(name))
        if record is None:
            return None
        kept = record['unit']
        return Unit(**{**kept, 'argv': tuple(kept['argv']), 'lock_files': tuple(kept.get('lock_files', ()))})

    def _save(self, unit: Unit, process: processes.Process | None, *, is_wanted: bool) -> None:
        record = {
            'unit': dataclasses.asdict(unit),
            'is_wanted': is_wanted,
            'process': dataclasses.astuple(process) if process else None,
        }
        files.write_json(self._path(unit.name), record)


def _clear_locks(unit: Unit) -> None:
    """Remove the locks of a process that has ended with all its children and that nobody reaped."""
    for path in unit.lock_files:
        first_line = (files.read(path) or '').partition('\n')[0]
        if first_line.isdigit() and processes.is_unreaped(int(first_line)):
            LOG.info('Lock %s of process %s, which has ended, was removed', path, first_line)
            files.remove(path)


def _runtime_directory(unit: Unit) -> list[str]:
    """Let systemd make the folder for sockets at each start; it can only below ``/run``."""
    if unit.run_folder is None or not unit.run_folder.startswith('/run/'):
        return []
    return [f'RuntimeDirectory={unit.run_folder.removeprefix("/run/")}', 'RuntimeDirectoryPreserve=yes']


def _needed_folder(unit: Unit) -> list[str]:
    """Leave the unit alone while its data are not mounted, and end it before they are unmounted."""
    if unit.data_folder is None:
        return []
    return [f'ConditionPathIsDirectory={unit.data_folder}', f'RequiresMountsFor={unit.data_folder}']
