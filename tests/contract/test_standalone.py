"""A stack whose parts die: what comes back by itself, and what the next command mends."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.fixtures.tenant import until
from trove.standalone import broker, daemons, stack
from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError

pytestmark = pytest.mark.slow


def register(configuration, found, gone):
    """Register with the operator's own tool, as somebody without trove-standalone would."""
    assert gone == []
    commands = [['db_sync']]
    for engine in found:
        commands.append(['datastore_update', engine.datastore, ''])
        commands.append(['datastore_version_update', engine.datastore, engine.version, engine.datastore, '', '', '1'])
    for command in commands:
        subprocess.run(
            [sys.executable, '-m', 'trove.cmd.manage', '--config-file', str(configuration), *command],
            check=True,
            stdout=subprocess.DEVNULL,
        )


class Said(list):
    """What a stack said, to be looked at."""

    def __call__(self, line):
        self.append(line)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """The one stack of all these tests, up or down."""
    made = stack.Stack(standalone_state.State(tmp_path_factory.mktemp('standalone') / 'state'), Said())
    yield made
    made.reset()
    assert not made.state.folder.exists()
    assert not made.state.shared.exists()


@pytest.fixture
def state(made):
    return made.state


@pytest.fixture
def up(made):
    """The stack when it is up, whatever the test before did to it."""
    made.up(None if made.state.exists() else broker.free_ports(1)[0], register)
    return made


@pytest.fixture
def down(made):
    """The stack when it is down."""
    made.down()
    return made


def kill(daemon):
    process = daemon.find()
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.is_alive(), 60)
    return process


def test_a_second_up_finds_it_running(up, state):
    before = up.status()
    assert before.is_up
    assert not up.up(None, register)
    assert not up.up(state.port, register)
    assert up.status() == before
    with pytest.raises(StackError, match=f'runs on port {state.port}'):
        up.up(broker.free_ports(1)[0], register)
    with pytest.raises(StackError, match='stop it before naming configuration files'):
        up.up(None, register, ['/dev/null'])


@pytest.mark.parametrize('name', ['trove-api', 'trove-taskmanager', 'trove-conductor', 'rabbitmq', 'epmd'])
def test_what_dies_is_started_again(up, state, name):
    daemon = next(one for one in daemons.supervised(state) if one.name == name)
    killed = kill(daemon)
    assert until(lambda: (found := daemon.find()) and found != killed, 120)
    assert until(lambda: up.status().is_up, 180)


def test_after_the_supervisor_was_killed_up_leaves_one_of_each(up, state):
    before = {daemon.name: daemon.find() for daemon in daemons.supervised(state)}
    kill(daemons.supervisor(state))
    assert not up.status().is_up
    assert up.up(None, register)
    after = {daemon.name: daemon.find() for daemon in daemons.supervised(state)}
    assert all(not process.is_alive() for process in before.values())
    assert all(process.is_alive() for process in after.values())
    assert up.status().is_up


def test_down_after_the_supervisor_was_killed_leaves_nothing(up, state):
    before = [daemon.find() for daemon in daemons.supervised(state)]
    kill(daemons.supervisor(state))
    assert up.down()
    assert all(not process.is_alive() for process in before)
    assert up.status().is_down
    assert not up.down()


def test_a_port_that_is_taken_is_told_with_the_way_out(down):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with pytest.raises(StackError, match=r'cannot be used for the API .* --port'):
            down.up(taken.getsockname()[1], register)
    assert down.status().is_down


def test_a_stack_that_cannot_come_up_says_what_was_logged(down, monkeypatch):
    # Not before it was seen to run.
    program = f"""
import pathlib, time
while not pathlib.Path({str(down._supervisor.pid_file)!r}).exists():
    time.sleep(0.01)
raise SystemExit("no such luck")
"""
    monkeypatch.setattr(down._supervisor, 'command', [sys.executable, '-c', program])
    with pytest.raises(StackError, match='did not come up') as caught:
        down.up(None, register)
    assert 'no such luck' in str(caught.value)
    assert down.status().is_down
