"""Pid files that never name the wrong process."""

import os
import signal
import subprocess
import sys

import pytest

from trove.common import processes as common_processes
from trove.standalone import processes
from trove.standalone.errors import StackError

STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('ready', flush=True)
signal.pause()
"""


@pytest.fixture
def make(tmp_path):
    made = []

    def daemon(name='daemon', command=('sleep', '60'), **more):
        environment = {'PATH': os.environ['PATH']}
        made.append(processes.Daemon(name, command, environment, tmp_path / 'run', tmp_path / 'log', **more))
        return made[-1]

    yield daemon
    for one in made:
        one.stop()


def test_a_process_is_known_by_pid_and_start_time():
    mine = common_processes.find(os.getpid())
    assert mine.is_alive()
    assert not processes.Process(mine.pid, mine.started - 1).is_alive()


def test_nobody_has_a_pid_beyond_the_kernels_range():
    assert common_processes.find(2**22 + 1) is None


def test_a_zombie_does_not_run():
    child = subprocess.Popen(['true'], stdout=subprocess.PIPE)
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert common_processes.find(child.pid) is None
    child.wait()
    child.stdout.close()


def test_ending_spares_the_process_that_came_after(make):
    daemon = make()
    process = daemon.start()
    assert processes.end(processes.Process(process.pid, process.started - 1), 1)
    assert process.is_alive()


def test_a_daemon_is_started_once_and_found_by_others(make):
    daemon = make()
    process = daemon.start()
    assert daemon.start() == process
    assert make().find() == process
    assert os.getsid(process.pid) == process.pid


def test_a_stopped_daemon_leaves_no_pid_file(make):
    daemon = make()
    process = daemon.start()
    daemon.stop()
    assert not process.is_alive()
    assert not daemon.pid_file.exists()
    daemon.stop()


def test_a_daemon_that_does_not_listen_is_killed_with_its_children(make, tmp_path):
    daemon = make(command=[sys.executable, '-c', STUBBORN], grace_seconds=0.05)
    process = daemon.start()
    log = tmp_path / 'log' / 'daemon.log'
    while 'ready' not in log.read_text():
        os.sched_yield()
    assert not processes.end(process, 0.05)
    assert not process.is_alive()


def test_a_death_is_noticed(make):
    daemon = make()
    process = daemon.start()
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert daemon.find() is None
    assert daemon.start() != process


def test_a_command_that_is_not_there_is_named(make):
    with pytest.raises(StackError, match='odd cannot be started'):
        make('odd', ['/nowhere/at/all']).start()


@pytest.mark.parametrize('text', ['', '{', '[]', '{"pid": 1}', 'null'])
def test_half_a_pid_file_names_nobody(tmp_path, text):
    path = tmp_path / 'half.pid'
    path.write_text(text)
    assert processes.read_pid_file(path) is None


def test_logs_are_for_the_owner_alone(make, tmp_path):
    make().start()
    assert (tmp_path / 'log' / 'daemon.log').stat().st_mode & 0o077 == 0
