"""Programs and units as real processes, with ``sh`` and ``sleep`` for engines."""

import os
import signal

import pytest

from trove.common import exception
from trove.guestagent.system import processes, services, shell
from trove.testing import hosts

OWNER = f'test-{os.getpid()}'


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runner(tmp_path, clock):
    return services.ProcessServices(str(tmp_path / 'services'), OWNER, clock)


@pytest.fixture
def unit(tmp_path, runner):
    made = services.Unit('engine', ('sleep', '300'), str(tmp_path / 'log'), stop_timeout_seconds=1)
    yield made
    runner.stop('engine')


def script(tmp_path, text, **changes):
    return services.Unit('engine', ('sh', '-c', text), str(tmp_path / 'log'), **changes)


def process_of(runner):
    return runner._find('engine')


# -- programs --------------------------------------------------------------------------------


def test_program_takes_its_input_and_gives_its_output():
    assert shell.run(['cat'], input_text='secret') == 'secret'
    assert shell.run(['sh', '-c', 'echo $KEY'], environment={'KEY': 'value'}) == 'value\n'


def test_failed_program_is_told_without_its_output():
    with pytest.raises(exception.GuestError, match='sh ended with code 3') as caught:
        shell.run(['sh', '-c', 'echo canary >&2; exit 3'])
    assert 'canary' not in str(caught.value)


def test_missing_program_is_told():
    with pytest.raises(exception.GuestError, match='no-such-program cannot be started: No such file'):
        shell.run(['/no-such-program'])


def test_slow_program_is_killed_with_its_children():
    with pytest.raises(exception.GuestError, match='took longer'):
        shell.run(['sh', '-c', 'sleep 301 & sleep 301'], environment={processes.MARK: OWNER}, timeout_seconds=0.3)
    hosts.await_true(lambda: processes.find_marked(OWNER) is None)


def test_unknown_user_is_told():
    with pytest.raises(exception.GuestError, match="no user 'no-such-user'"):
        shell.run(['true'], user='no-such-user')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can become somebody else')
def test_program_runs_as_the_user():
    assert shell.run(['id', '-un'], user='nobody') == 'nobody\n'


# -- processes -------------------------------------------------------------------------------


def test_process_is_told_from_a_later_one_of_the_same_id():
    own = processes.find(os.getpid())
    assert own.is_alive()
    assert not processes.Process(own.pid, own.started + 1).is_alive()
    assert processes.find(2**22 + 1) is None


def test_all_marked_processes_are_killed():
    pids = [os.posix_spawn('/bin/sleep', ['sleep', '302'], {**os.environ, processes.MARK: OWNER}) for _ in range(2)]
    hosts.await_true(lambda: processes.find_marked(OWNER) is not None)
    processes.kill_marked(OWNER)
    assert {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids} == {-signal.SIGKILL}
    assert processes.find_marked(OWNER) is None


# -- units -----------------------------------------------------------------------------------


def test_started_unit_runs_once_in_a_session_of_its_own(runner, unit):
    assert not runner.is_running('engine')
    assert not runner.is_wanted('engine')
    runner.start(unit)
    first = process_of(runner)
    runner.start(unit)
    assert process_of(runner) == first
    assert os.getsid(first.pid) == first.pid
    assert runner.is_running('engine')
    assert runner.is_wanted('engine')


def test_unit_gets_the_environment_and_the_log(runner, tmp_path, monkeypatch):
    monkeypatch.setenv('TROVE_INSTANCE_ID', 'some-instance')
    runner.start(script(tmp_path, 'echo $TROVE_INSTANCE_ID $OWN', environment={'OWN': 'own'}))
    hosts.await_true(lambda: not runner.is_running('engine'))
    assert (tmp_path / 'log').read_text() == 'some-instance own\n'


def test_stop_is_repeatable_and_stays(runner, unit, clock):
    runner.stop('engine')
    runner.start(unit)
    runner.stop('engine')
    runner.stop('engine')
    clock.now += 3600
    runner.tend()
    assert not runner.is_running('engine')
    assert not runner.is_wanted('engine')


def test_unit_that_does_not_listen_is_killed(runner, tmp_path):
    runner.start(script(tmp_path, 'trap "" TERM; echo ready; sleep 303 & wait; wait', stop_timeout_seconds=0.5))
    hosts.await_true(lambda: (tmp_path / 'log').read_text() == 'ready\n')
    runner.stop('engine')
    assert not runner.is_running('engine')
    processes.kill_marked(f'{OWNER}/engine')


def test_unit_outlives_its_agent_and_is_found_again(runner, unit, tmp_path):
    runner.start(unit)
    other = services.ProcessServices(str(tmp_path / 'services'), OWNER)
    assert process_of(other) == process_of(runner)
    other.stop('engine')
    assert not runner.is_running('engine')


def test_dead_unit_is_started_again_with_growing_pauses(runner, tmp_path, clock):
    runner.start(script(tmp_path, 'echo start'))
    log = tmp_path / 'log'

    def starts():
        hosts.await_true(lambda: not runner.is_running('engine'))
        return log.read_text().count('start')

    assert starts() == 1
    runner.tend()
    assert starts() == 2
    for seconds, expected in ((0.5, 2), (0.6, 3), (1.5, 3), (0.6, 4), (3.5, 4), (0.6, 5)):
        clock.now += seconds
        runner.tend()
        assert starts() == expected
    clock.now += 3600
    runner.tend()
    assert starts() == 6
    runner.stop('engine')


def test_program_that_cannot_be_started_is_told(runner, tmp_path):
    unit = services.Unit('engine', ('/no-such-engine',), str(tmp_path / 'log'))
    with pytest.raises(exception.GuestError, match='/no-such-engine cannot be started'):
        runner.start(unit)
    runner.stop('engine')


def test_records_are_private(runner, unit, tmp_path):
    runner.start(unit)
    record = tmp_path / 'services' / 'engine.json'
    assert record.stat().st_mode & 0o077 == 0
