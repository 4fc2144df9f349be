"""Which processes a stack consists of, and how they are started."""

import os
import sys

from trove.standalone import broker, processes
from trove.standalone import state as standalone_state

NAMES = ('conductor', 'taskmanager', 'api')
STOP_SECONDS = 180
"""The supervisor stops the daemons, all instances and the broker; engines may take a while."""


def supervised(state: standalone_state.State) -> list[processes.Daemon]:
    """Return what the supervisor keeps running, in the order in which it starts."""
    return [*broker.Broker(state.broker).daemons(), *own(state)]


def own(state: standalone_state.State) -> list[processes.Daemon]:
    """Return Trove's own daemons."""
    return [_daemon(state, name) for name in NAMES]


def _daemon(state: standalone_state.State, name: str) -> processes.Daemon:
    command = [sys.executable, '-m', f'trove.cmd.{name}', '--config-file', str(state.main_file)]
    return processes.Daemon(f'trove-{name}', command, _environment(), state.run, state.log)


def supervisor(state: standalone_state.State) -> processes.Daemon:
    """Return the process that keeps the others running."""
    command = [sys.executable, '-m', 'trove.cmd.standalone', '--state-dir', str(state.folder), 'supervise']
    return processes.Daemon('supervisor', command, _environment(), state.run, state.log, STOP_SECONDS)


def _environment() -> dict[str, str]:
    """Return what the daemons see of the caller's environment: nothing that could change how they work."""
    kept = {name: os.environ[name] for name in ('PATH', 'HOME', 'TMPDIR', 'USER') if name in os.environ}
    return {**kept, 'LANG': 'C.UTF-8', 'PYTHONUNBUFFERED': '1'}
