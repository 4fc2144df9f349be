"""The local provider: the contract, and its processes."""

import contextlib
import fcntl
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.fixtures import local_provider, ordinary
from trove.common import clock, exception, processes
from trove.compute.local import locks, machine, servers, users
from trove.testing import providers

needs_root = local_provider.needs_root
# Set for the run as an ordinary user that a run as root starts.
UNPRIVILEGED = 'TROVE_TEST_UNPRIVILEGED'
until = providers.until


class TestLocalProvider(providers.ProviderContract):
    """The contract, with whatever volumes this host can do."""


@needs_root
class TestFolderVolumes(providers.ProviderContract):
    """The contract with volumes that are plain folders. Without root's rights there are no others."""

    @pytest.fixture
    def world(self, make_world):
        return make_world(volume_backend='folder')


def test_agent_that_dies_is_started_again_and_the_engine_goes_on(world, provider, instance):
    engine = world.engines(instance.instance_id)
    (agent,) = world.agents(instance.instance_id)
    os.kill(agent, signal.SIGKILL)
    until(lambda: world.agents(instance.instance_id) not in ([], [agent]))
    assert world.engines(instance.instance_id) == engine
    assert len(world.machines(instance.instance_id)) == 1


def test_machine_that_dies_is_resumed_with_one_agent(world, provider, instance):
    (machine,) = world.machines(instance.instance_id)
    engine = world.engines(instance.instance_id)
    (agent,) = world.agents(instance.instance_id)
    os.kill(machine, signal.SIGKILL)
    # Until the very end of its death it holds its lock.
    until(lambda: processes.find(machine) is None)
    assert providers.is_in(provider, instance.instance_id, providers.SHUTOFF)
    assert world.provider().resume_servers() == [instance.instance_id]
    until(lambda: world.agents(instance.instance_id) not in ([], [agent]))
    assert len(world.agents(instance.instance_id)) == 1
    assert len(world.machines(instance.instance_id)) == 1
    assert world.engines(instance.instance_id) == engine


def test_deaf_agent_without_machine_is_killed_by_the_next_machine(world, provider):
    request = world.request('slow')
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    (machine_pid,), (agent,) = world.machines(request.instance_id), world.agents(request.instance_id)
    os.kill(machine_pid, signal.SIGKILL)
    until(lambda: processes.find(machine_pid) is None)
    assert providers.is_in(provider, request.instance_id, providers.SHUTOFF)
    provider.start_server(request.instance_id)
    until(lambda: world.agents(request.instance_id) not in ([], [agent]))
    assert len(world.agents(request.instance_id)) == 1
    until(lambda: provider.delete_server(request.instance_id))
    providers.delete(provider, request.instance_id)


def test_machine_that_somebody_is_just_starting_is_waited_for(world, provider):
    request = world.request()
    providers.build(provider, request)
    world.crash_server(request.instance_id)
    # Whoever starts a machine holds its lock from before its birth.
    with open(world.home(request.instance_id) / machine.LOCK, 'rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert provider.start_server(request.instance_id).status == providers.SHUTOFF
        assert world.processes(request.instance_id) == []
        assert not provider.delete_server(request.instance_id)
    providers.delete(provider, request.instance_id)


def test_machine_that_takes_its_time_is_missed_later_like_any_other(world, provider, monkeypatch):
    monkeypatch.setattr(servers, 'START_WAIT_SECONDS', 0)
    with local_provider.built(world, provider) as request:
        world.crash_server(request.instance_id)
        until(lambda: provider.resume_servers() == [request.instance_id])


def test_machine_that_keeps_its_lock_while_it_dies_is_followed(world, provider, instance, monkeypatch):
    monkeypatch.setattr(servers, 'START_WAIT_SECONDS', 60)
    world.crash_server(instance.instance_id)
    with open(world.home(instance.instance_id) / machine.LOCK, 'rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = threading.Thread(target=provider.start_server, args=[instance.instance_id])
        starting.start()
        time.sleep(0.2)
        assert world.processes(instance.instance_id) == []
    starting.join(60)
    until(lambda: world.serving(instance.instance_id))


def test_machine_without_its_script_is_an_error(tmp_path):
    user = users.User('me', os.geteuid(), os.getegid())
    (tmp_path / 'machine').mkdir()
    with pytest.raises(exception.ComputeError, match=r'machine\.sh ended with code'):
        machine.Machine('x', str(tmp_path), user).launch(['true'], {})
    with pytest.raises(exception.ComputeError, match=r'machine\.sh cannot be started'):
        machine.Machine('x', str(tmp_path), user).launch(['x' * 200_000], {})


def test_no_process_is_a_child_or_in_the_session_of_the_taskmanager(world, provider, instance):
    entries = [processes.look(pid) for pid in world.processes(instance.instance_id)]
    for entry in filter(None, entries):
        assert entry.parent != os.getpid()
        assert entry.session != os.getsid(0)
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0), 'a child was left to be reaped'


def test_stubborn_engine_without_environment_is_deleted(world, provider):
    request = world.request('stubborn')
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    # Its parent gone, nothing but its output tells whose the engine is.
    for pid in world.machines(request.instance_id) + world.agents(request.instance_id):
        os.kill(pid, signal.SIGKILL)
    providers.delete(provider, request.instance_id)
    assert world.processes(request.instance_id) == []


def test_stop_takes_several_calls_when_the_engine_is_stubborn(world, provider):
    request = world.request('stubborn')
    now = clock.ManualClock()
    provider = world.provider(time_source=now)
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    assert provider.stop_server(request.instance_id).status == providers.ACTIVE
    with pytest.raises(exception.ComputeBusy, match='still stopping'):
        provider.start_server(request.instance_id)
    assert world.agents(request.instance_id) == []
    assert len(world.engines(request.instance_id)) == 1
    now.turn(11)
    providers.stop(provider, request.instance_id)
    assert world.processes(request.instance_id) == []
    providers.delete(provider, request.instance_id)


def test_nothing_brings_back_what_is_being_deleted(world):
    request = world.request('stubborn')
    provider = world.provider(time_source=clock.ManualClock())
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    assert not provider.delete_server(request.instance_id)
    for verb in (provider.start_server, provider.stop_server, provider.reboot_server):
        with pytest.raises(exception.ComputeError, match='is being deleted'):
            verb(request.instance_id)
    assert provider.resume_servers() == []
    # Made again by a step that was repeated too late, it stays what it is.
    provider.make_server(request, provider.make_address(request), None)
    until(lambda: world.machines(request.instance_id) == [])
    providers.delete(world.provider(), request.instance_id)


def test_call_waits_for_another_one_and_gives_up(world, provider):
    request = world.request()
    impatient = locks.Locks(world.options['instances_path'], wait_seconds=0.01)
    twice = contextlib.ExitStack()
    with impatient.held(request.instance_id), pytest.raises(exception.ComputeBusy, match='another call works'):
        twice.enter_context(impatient.held(request.instance_id))
    provider.make_address(request=request)
    providers.delete(provider, request.instance_id)


def test_slow_agent_is_killed_after_its_time(world):
    request = world.request('slow')
    now = clock.ManualClock()
    provider = world.provider(time_source=now)
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    assert provider.stop_server(request.instance_id).status == providers.ACTIVE
    # The engine is not touched while an agent is there to revive it.
    assert len(world.engines(request.instance_id)) == 1
    now.turn(10)
    until(lambda: provider.stop_server(request.instance_id).status == providers.SHUTOFF)
    providers.delete(provider, request.instance_id)


def test_reader_of_a_log_is_left_alone(world, provider):
    request = world.request()
    providers.build(provider, request)
    log = world.home(request.instance_id) / 'log' / 'guest-agent.log'
    until(log.exists)
    # It has the log open from its birth on.
    with open(log, 'rb') as stream, subprocess.Popen(['tail', '-f'], stdin=stream, stdout=subprocess.DEVNULL) as reader:
        providers.delete(provider, request.instance_id)
        assert reader.poll() is None
        reader.kill()


def test_agent_that_cannot_start_is_a_fault(world, provider):
    request = world.request('broken')
    providers.build(provider, request)
    assert 'with code 7' in until(lambda: provider.find_server(request.instance_id).fault)
    providers.delete(provider, request.instance_id)


def test_log_of_a_failing_agent_is_limited(world, provider):
    request = world.request('broken')
    providers.build(provider, request)
    log = world.home(request.instance_id) / 'log' / 'guest-agent.log'
    until(log.exists)
    os.truncate(log, 11 * 1024**2)
    until(lambda: log.with_name('guest-agent.log.1').exists())
    until(lambda: log.exists() and 0 < log.stat().st_size < 1024**2)
    providers.delete(provider, request.instance_id)


def test_environment_is_not_the_taskmanagers(make_world, monkeypatch):
    monkeypatch.setenv('TROVE_CANARY', 'secret')
    world = make_world(guest_environment={'EXTRA': 'a:b'})
    request = world.request()
    provider = world.provider()
    providers.build(provider, request)
    environment = world.note(request.instance_id)['environment']
    assert 'TROVE_CANARY' not in environment
    assert environment['EXTRA'] == 'a:b'
    assert environment['TROVE_INSTANCE_ID'] == request.instance_id
    providers.delete(provider, request.instance_id)


@needs_root
def test_processes_and_secrets_belong_to_the_service_user(world, instance):
    entry = pwd.getpwnam(local_provider.SERVICE_USER)
    note = world.note(instance.instance_id)
    assert note['uid'] == entry.pw_uid
    assert set(note['groups']) <= {entry.pw_gid}
    for pid in world.processes(instance.instance_id):
        with contextlib.suppress(FileNotFoundError):
            assert os.stat(f'/proc/{pid}').st_uid == entry.pw_uid
    for path in (world.home(instance.instance_id) / 'etc').iterdir():
        found = path.stat()
        assert (found.st_uid, found.st_mode & 0o777) == (entry.pw_uid, 0o600)


def test_no_secret_is_on_a_command_line_or_readable_by_others(world, instance):
    lines = local_provider.command_lines()
    assert not any('canary' in lines[pid] for pid in world.processes(instance.instance_id) if pid in lines)
    for path in (world.home(instance.instance_id) / 'etc').iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_long_paths_get_a_short_folder_for_sockets(world, make_world):
    deep = os.path.join(world.folder, 'a' * 90)
    other = make_world(instances_path=deep)
    request = other.request()
    provider = other.provider()
    providers.build(provider, request)
    run_path = provider.guest_settings(request.instance_id)['run_path']
    assert len(run_path) < 80
    assert os.stat(run_path).st_mode & 0o777 == 0o700
    providers.delete(provider, request.instance_id)
    assert not os.path.exists(run_path)


def test_short_folder_of_a_stranger_is_refused(world, make_world):
    deep = os.path.join(world.folder, 'a' * 90)
    other = make_world(instances_path=deep)
    request = other.request()
    provider = other.provider()
    addresses_ = provider.make_address(request)
    run_path = provider.guest_settings(request.instance_id)['run_path']
    os.symlink('/etc', run_path)
    try:
        with pytest.raises(OSError, match='Not a directory'):
            provider.make_server(request, addresses_, None)
    finally:
        providers.delete(provider, request.instance_id)
    assert not os.path.lexists(run_path)


@needs_root
@pytest.mark.slow
def test_all_of_this_as_an_ordinary_user():
    """Run these files again without privileges: agents and engines then run as the caller."""
    root = pathlib.Path(__file__).parents[3]
    entry = pwd.getpwnam(local_provider.SERVICE_USER)
    if not ordinary.can_run_trove(entry.pw_name):
        pytest.skip(f'the user {entry.pw_name} cannot read {root}')
    done = subprocess.run(
        [
            sys.executable,
            '-B',
            '-m',
            'pytest',
            '-q',
            '-p',
            'no:cacheprovider',
            '--override-ini=addopts=--import-mode=importlib',
            str(pathlib.Path(__file__).parent),
        ],
        cwd=root,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        env={'PATH': os.environ['PATH'], 'HOME': '/nonexistent', UNPRIVILEGED: '1'},
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert ' passed' in done.stdout
