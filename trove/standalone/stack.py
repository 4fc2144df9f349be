"""One stack as a whole: up, down, status, reset."""

import dataclasses
import json
import pathlib
import pwd
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from trove.standalone import accounts, broker, configuration, daemons, engines, guest_environment, instances
from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError

READY_SECONDS = 120
LOG_TAIL_LINES = 5

Register = Callable[[pathlib.Path, Sequence[engines.Engine], Sequence[engines.Engine]], None]
"""Makes the database and registers datastores: configuration file, engines found, engines that are gone."""


@dataclasses.dataclass(frozen=True)
class Status:
    """What runs of a stack: daemon names to pids (None: does not run), and the ids of running instances."""

    daemons: dict[str, int | None]
    instances: list[str]
    is_answering: bool

    @property
    def is_up(self) -> bool:
        return self.is_answering and None not in self.daemons.values()

    @property
    def is_down(self) -> bool:
        return not self.is_answering and not any(self.daemons.values()) and not self.instances


class Stack:
    """The stack of one state folder. ``say`` is told what is being done, a line at a time."""

    def __init__(self, state: standalone_state.State, say: Callable[[str], None] = print) -> None:
        self.state = state
        self.node = broker.Broker(state.broker)
        self._supervisor = daemons.supervisor(state)
        self._say = say

    # -- up ----------------------------------------------------------------------

    def up(self, port: int | None, register: Register, config_files: Sequence[str] = ()) -> bool:
        """Bring the stack up and wait until it serves; False when it was up before.

        ``config_files`` are more options for the daemons; port and files are remembered until others are
        named. Raises ``StackError`` that says what is missing or in the way.
        """
        with self.state.lock():
            if self._supervisor.find() is not None:
                if port not in (None, self.state.port):
                    raise StackError(f'The stack runs on port {self.state.port}; stop it before choosing another one.')
                if config_files:
                    raise StackError('The stack runs already; stop it before naming configuration files.')
                self._await_ready()
                return False
            # What a supervisor that was killed has left behind; guests and engines go on.
            self._stop_daemons()
            self._choose_port(port)
            if config_files:
                configuration.name_more(self.state, config_files)
            found = self._find_engines()
            self._configure()
            self._register(register, found)
            self._say('Starting the message broker and the daemons.')
            self._supervisor.start()
            try:
                self._await_ready()
            except StackError:
                self._stop()
                raise
            return True

    def _choose_port(self, port: int | None) -> None:
        chosen = port or self.state.port
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', chosen))
            except OSError as error:
                raise StackError(
                    f'Port {chosen} of 127.0.0.1 cannot be used for the API ({error.strerror}); '
                    f'choose another one with --port.'
                ) from error
        self.state.remember(port=chosen)

    def _find_engines(self) -> list[engines.Engine]:
        found = engines.find()
        if not found:
            raise StackError(
                'No database engine is installed; install one of the packages '
                'mariadb-server-core, postgresql-15, redis-server.'
            )
        names = ', '.join(f'{engine.datastore} {engine.version}' for engine in found)
        self._say(f'Found on this host: {names}.')
        return found

    def _configure(self) -> None:
        self.state.configuration.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.instances.mkdir(mode=0o755, parents=True, exist_ok=True)
        # Missing programs are told before anything runs.
        self.node.daemons()
        configuration.write(self.state, self.node, self._guest_command())
        accounts.write(self.state, accounts.load(self.state))

    def _guest_command(self) -> list[str]:
        if not self.state.is_root:
            return [sys.executable, '-m', guest_environment.MODULE]
        make_user(configuration.SERVICE_USER)
        requirements = guest_environment.read_requirements()
        return guest_environment.prepare(self.state.guest_environment, configuration.SERVICE_USER, requirements)

    def _register(self, register: Register, found: Sequence[engines.Engine]) -> None:
        present = [dataclasses.asdict(engine) for engine in found]
        before = self.state.settings().get('engines', [])
        gone = [engines.Engine(**entry) for entry in before if entry not in present]
        register(self.state.main_file, found, gone)
        self.state.remember(engines=present)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._serves():
            if self._supervisor.find() is None or time.monotonic() > deadline:
                raise StackError(f'The stack did not come up. {self._last_words()}')
            time.sleep(0.2)

    def _answers(self) -> bool:
        return _get(f'http://127.0.0.1:{self.state.port}/', '') is not None

    def _serves(self) -> bool:
        """Whether the API answers, and flavors show that the taskmanager works and reaches the database."""
        if not (self._answers() and self.node.is_ready()):
            return False
        account = accounts.load(self.state)[0]
        token = b64encode(f'{account.name}:{account.password}'.encode()).decode()
        answer = _get(f'{accounts.endpoint(account, self.state.port)}/flavors', f'Basic {token}')
        return bool(answer and answer.get('flavors'))

    def _last_words(self) -> str:
        said = []
        for daemon in (self._supervisor, *daemons.supervised(self.state)):
            path = daemon.log_path / f'{daemon.name}.log'
            lines = path.read_text(errors='replace').splitlines()[-LOG_TAIL_LINES:] if path.exists() else []
            said += [f'{path}:', *(f'    {line}' for line in lines)] if lines else []
        return '\n'.join(['What was logged last:', *said])

    # -- down, status, reset -----------------------------------------------------

    def down(self) -> bool:
        """Stop everything, instances included; their data stay. False when nothing ran."""
        if not self.state.exists():
            return False
        with self.state.lock():
            before = self.status()
            self._stop()
            self._say_stopped(before.instances)
        return not before.is_down

    def _say_stopped(self, instance_ids: Sequence[str]) -> None:
        for instance_id in instance_ids:
            self._say(f'Stopped the processes of instance {instance_id}.')

    def _stop(self) -> None:
        self._supervisor.stop()
        self._stop_daemons()
        if self.state.main_file.exists():
            self._instances().halt()

    def _stop_daemons(self) -> None:
        if self.state.main_file.exists():
            for daemon in reversed(daemons.supervised(self.state)):
                daemon.stop()

    def _instances(self) -> instances.Instances:
        return instances.Instances(self.state.main_file)

    def status(self) -> Status:
        """Return what runs."""
        if not self.state.exists() or not self.state.main_file.exists():
            return Status({}, [], False)
        running = {daemon.name: daemon.find() for daemon in (self._supervisor, *daemons.supervised(self.state))}
        pids = {name: process.pid if process else None for name, process in running.items()}
        return Status(pids, self._instances().running(), self._answers())

    def reset(self) -> bool:
        """Stop everything and remove it, the data of all instances included; False when there was nothing."""
        if not self.state.exists():
            return False
        self.down()
        with self.state.lock():
            if self.state.main_file.exists():
                self._instances().delete()
            self.state.remove()
        return True


def _get(url: str, authorization: str) -> dict[str, Any] | None:
    """Return the JSON that a URL answers; None when nobody answers or it is refused."""
    headers = {'Accept': 'application/json'}
    if authorization:
        headers['Authorization'] = authorization
    # A proxy that the caller's environment names has no business with loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=20) as response:
            answer: dict[str, Any] = json.load(response)
    except (OSError, ValueError):
        return None
    return answer


def make_user(name: str) -> None:
    """Make the system user that guests run as, unless it exists."""
    # Of two useradd at once the later one fails, or gives the user another number.
    with standalone_state.shared_lock():
        if not _is_user(name):
            _add_user(name)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _add_user(name: str) -> None:
    command = ['useradd', '--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
    try:
        done = subprocess.run(
            [*command, '--shell', '/usr/sbin/nologin', name], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise StackError(f'The user {name} is missing and useradd cannot be run: {error.strerror}.') from error
    if done.returncode:
        raise StackError(f'The user {name} cannot be made: {done.stderr.strip()}.')
