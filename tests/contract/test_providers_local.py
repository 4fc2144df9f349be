"""The local provider: the contract, and what only processes of this host can get wrong."""

import contextlib
import fcntl
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from tests.contract import providers
from tests.fixtures import local_provider
from trove.common import clock, exception, states
from trove.compute.local import addresses, locks, machine, users, volumes

needs_root = pytest.mark.skipif(not local_provider.is_root(), reason='only root changes users and mounts')
# Set for the run as an ordinary user that a run as root starts.
UNPRIVILEGED = 'TROVE_TEST_UNPRIVILEGED'
until = providers.until


@pytest.fixture
def make_world():
    """Return a function that makes worlds; none of them leaves a process or a folder."""
    with contextlib.ExitStack() as stack:

        def make(**options):
            world = local_provider.LocalWorld(**options)
            stack.callback(world.clean)
            return world

        yield make


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def provider(world):
    return world.provider()


@pytest.fixture
def instance(world, provider):
    """A built instance; its request."""
    request = world.request()
    providers.build(provider, request)
    until(lambda: world.engines(request.instance_id))
    yield request
    providers.delete(provider, request.instance_id)


class TestLocalProvider(providers.ProviderContract):
    """The contract, with whatever volumes this host can do."""


class TestFolderVolumes(providers.ProviderContract):
    """The contract with volumes that are plain folders."""

    @pytest.fixture
    def world(self, make_world):
        return make_world(volume_backend='folder')


# -- volumes ---------------------------------------------------------------------


def test_folder_is_honest_about_its_size(make_world):
    world = make_world(volume_backend='folder')
    volume = world.provider().make_volume(world.request())
    assert (volume.size, volume.is_enforced) == (1, False)


@needs_root
def test_volume_has_a_real_size_that_grows(world, provider, instance):
    if not provider.make_volume(instance).is_enforced:
        pytest.skip('loop devices or XFS do not work here')
    folder = world.home(instance.instance_id) / 'volume'
    with pytest.raises(OSError, match='No space left'), open(folder / 'fill', 'wb') as stream:
        os.posix_fallocate(stream.fileno(), 0, volumes.GIGABYTE)
    provider.grow_volume(instance.instance_id, 2)
    with open(folder / 'fill', 'wb') as stream:
        os.posix_fallocate(stream.fileno(), 0, volumes.GIGABYTE)
    assert 'row' in (folder / 'data').read_text(encoding='utf-8')


@needs_root
def test_volume_that_grew_while_stopped_is_large_after_the_start(world, provider, instance):
    if not provider.make_volume(instance).is_enforced:
        pytest.skip('loop devices or XFS do not work here')
    providers.stop(provider, instance.instance_id)
    folder = world.home(instance.instance_id) / 'volume'
    # As after a reboot of the host: nothing is mounted any more.
    subprocess.run(['umount', str(folder)], check=True)
    provider.grow_volume(instance.instance_id, 2)
    provider.start_server(instance.instance_id)
    assert os.path.ismount(folder)
    found = os.statvfs(folder)
    assert found.f_blocks * found.f_frsize > 1.9 * volumes.GIGABYTE
    assert (folder / 'data').read_text(encoding='utf-8').startswith('row')


@needs_root
def test_no_mount_and_no_loop_device_stays(world, provider):
    request = world.request()
    providers.build(provider, request)
    providers.delete(provider, request.instance_id)
    assert request.instance_id not in pathlib.Path('/proc/self/mounts').read_text(encoding='utf-8')
    devices = subprocess.run(['losetup', '-l', '-n', '-O', 'BACK-FILE'], check=True, capture_output=True, text=True)
    assert request.instance_id not in devices.stdout


@needs_root
def test_forgotten_loop_device_is_detached(world, provider):
    request = world.request()
    if not provider.make_volume(request).is_enforced:
        pytest.skip('loop devices or XFS do not work here')
    image = world.home(request.instance_id) / 'volume.img'
    subprocess.run(['losetup', '-f', str(image)], check=True)
    providers.delete(world.provider(), request.instance_id)
    devices = subprocess.run(['losetup', '-l', '-n', '-O', 'BACK-FILE'], check=True, capture_output=True, text=True)
    assert request.instance_id not in devices.stdout


@needs_root
def test_failed_probe_falls_back_to_folders(tmp_path, caplog):
    def fail(argv):
        raise exception.ComputeBusy(reason=f'{argv[0]} is forbidden') if argv[0] == 'mkfs.xfs' else SystemExit

    class Forbidden(volumes.LoopBackend):
        def detach(self, place):
            """Nothing was attached."""

    caplog.set_level('INFO')
    chosen = volumes.Backends('auto', str(tmp_path), Forbidden(fail)).choose()
    assert not chosen.is_enforced
    assert 'mkfs.xfs is forbidden' in caplog.text
    with pytest.raises(exception.ComputeError, match='loop-xfs does not work here'):
        volumes.Backends('loop-xfs', str(tmp_path), Forbidden(fail)).choose()
    assert [path.name for path in tmp_path.rglob('*')] == ['.locks']


# -- processes -------------------------------------------------------------------


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
    until(lambda: providers.is_in(provider, instance.instance_id, providers.SHUTOFF))
    assert world.provider().resume_servers() == [instance.instance_id]
    until(lambda: world.agents(instance.instance_id) not in ([], [agent]))
    assert len(world.agents(instance.instance_id)) == 1
    assert len(world.machines(instance.instance_id)) == 1
    assert world.engines(instance.instance_id) == engine


def test_deaf_agent_without_machine_is_killed_by_the_next_machine(world, provider):
    request = world.request('slow')
    providers.build(provider, request)
    until(lambda: world.engines(request.instance_id))
    (machine_pid,), (agent,) = world.machines(request.instance_id), world.agents(request.instance_id)
    os.kill(machine_pid, signal.SIGKILL)
    until(lambda: providers.is_in(provider, request.instance_id, providers.SHUTOFF))
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


def test_machine_without_its_script_is_an_error(tmp_path):
    user = users.User('me', os.geteuid(), os.getegid())
    (tmp_path / 'machine').mkdir()
    with pytest.raises(exception.ComputeError, match=r'machine\.sh ended with code'):
        machine.Machine('x', str(tmp_path), user).launch(['true'], {})
    with pytest.raises(exception.ComputeError, match=r'machine\.sh cannot be started'):
        machine.Machine('x', str(tmp_path), user).launch(['x' * 200_000], {})


def test_no_process_is_a_child_or_in_the_session_of_the_taskmanager(world, provider, instance):
    for pid in world.processes(instance.instance_id):
        fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
        assert int(fields[1]) != os.getpid()
        assert os.getsid(pid) != os.getsid(0)
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0), 'a child was left to be reaped'


def test_stubborn_engine_without_environment_is_deleted(world, provider):
    request = world.request('stubborn')
    providers.build(provider, request)
    until(lambda: world.engines(request.instance_id))
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
    until(lambda: world.engines(request.instance_id))
    assert provider.stop_server(request.instance_id).status == providers.ACTIVE
    with pytest.raises(exception.ComputeBusy, match='still stopping'):
        provider.start_server(request.instance_id)
    assert world.agents(request.instance_id) == []
    assert len(world.engines(request.instance_id)) == 1
    now.turn(11)
    assert provider.stop_server(request.instance_id).status == providers.SHUTOFF
    assert world.processes(request.instance_id) == []
    providers.delete(provider, request.instance_id)


def test_nothing_brings_back_what_is_being_deleted(world):
    request = world.request('stubborn')
    provider = world.provider(time_source=clock.ManualClock())
    providers.build(provider, request)
    until(lambda: world.engines(request.instance_id))
    assert not provider.delete_server(request.instance_id)
    for verb in (provider.start_server, provider.stop_server, provider.reboot_server):
        with pytest.raises(exception.ComputeError, match='is being deleted'):
            verb(request.instance_id)
    assert provider.resume_servers() == []
    # Made again by a step that was repeated too late, it stays what it is.
    provider.make_server(request, provider.make_address(request), None)
    assert world.machines(request.instance_id) == []
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
    until(lambda: world.engines(request.instance_id))
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
    with subprocess.Popen(['tail', '-f', str(log)], stdout=subprocess.DEVNULL) as reader:
        providers.delete(provider, request.instance_id)
        assert reader.poll() is None
        reader.kill()


def test_agent_that_cannot_start_is_a_fault(world, provider):
    request = world.request('broken')
    providers.build(provider, request)
    until(lambda: provider.find_server(request.instance_id).fault)
    assert 'with code 7' in provider.find_server(request.instance_id).fault
    providers.delete(provider, request.instance_id)


def test_log_of_a_failing_agent_is_limited(world, provider):
    request = world.request('broken')
    providers.build(provider, request)
    log = world.home(request.instance_id) / 'log' / 'guest-agent.log'
    until(log.exists)
    os.truncate(log, 11 * 1024**2)
    until(lambda: log.with_name('guest-agent.log.1').exists())
    until(lambda: 0 < log.stat().st_size < 1024**2)
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


# -- addresses -------------------------------------------------------------------


@contextlib.contextmanager
def listening(address, port, family=socket.AF_INET):
    """Listen like a stranger's server."""
    with socket.socket(family) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen()
        yield


@pytest.mark.parametrize(('address', 'family'), [('0.0.0.0', socket.AF_INET), ('::', socket.AF_INET6)])
def test_server_on_all_addresses_is_a_clear_error(world, provider, address, family):
    request = world.request(tcp_ports=('17306', '17307'))
    message = r'process \d+\) listens on tcp port 17307'
    with listening(address, 17307, family), pytest.raises(exception.ComputeError, match=message) as caught:
        provider.make_address(request)
    assert str(os.getpid()) in str(caught.value)
    assert not isinstance(caught.value, exception.ComputeBusy)
    assert provider.list_instance_ids() == []


def test_datagram_socket_on_all_addresses_is_a_clear_error(world, provider):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(('0.0.0.0', 17308))
        with pytest.raises(exception.ComputeError, match='udp port 17308'):
            provider.make_address(world.request(udp_ports=('17308',)))


def test_address_in_use_by_a_stranger_is_skipped(world, provider, make_world):
    request = world.request()
    (first,) = provider.make_address(request)
    providers.delete(provider, request.instance_id)
    with listening(first.address, world.port):
        (second,) = provider.make_address(request)
    assert second.address != first.address
    providers.delete(provider, request.instance_id)


def test_port_taken_after_the_address_was_made(world, provider):
    request = world.request()
    (address,) = provider.make_address(request)
    with listening(address.address, world.port), pytest.raises(exception.ComputeError, match='cannot be bound'):
        provider.make_server(request, [address], None)
    with listening('0.0.0.0', world.port), pytest.raises(exception.ComputeError, match='listens on tcp port'):
        provider.make_server(request, [address], None)
    # Once the stranger is gone, the same call makes the server.
    providers.build(provider, request)
    providers.delete(provider, request.instance_id)


def test_server_whose_port_was_taken_meanwhile_is_not_resumed(world, provider, instance, caplog):
    world.crash_server(instance.instance_id)
    (address,) = provider.make_address(instance)
    with listening(address.address, world.port):
        assert provider.resume_servers() == []
    assert 'could not be resumed' in caplog.text
    assert provider.resume_servers() == [instance.instance_id]


def test_range_can_be_full(make_world):
    world = make_world(address_range='127.99.7.0/30')
    provider = world.provider()
    for _ in range(3):
        provider.make_address(world.request())
    with pytest.raises(exception.ComputeError, match='no address is free'):
        provider.make_address(world.request())


def test_busy_neighbourhood_is_given_up(tmp_path, monkeypatch):
    book = addresses.AddressBook(str(tmp_path), '127.98.0.0/16')
    monkeypatch.setattr(addresses, 'MOST_ATTEMPTS', 3)
    monkeypatch.setattr(addresses.listeners, 'blocked_port', lambda *_: ('tcp', 1, 98))
    with pytest.raises(exception.ComputeError, match='no address is free'):
        book.claim('a', [1], [])


# -- the operator's mistakes -----------------------------------------------------


@needs_root
@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'service_user': 'no-such-user'}, 'useradd'),
        ({'service_user': 'root'}, 'refuse to run as root'),
        ({'guest_command': ['/no/such/program']}, 'guest_command'),
        ({'guest_command': []}, 'guest_command'),
    ],
)
def test_wrong_options_are_named(make_world, options, text):
    world = make_world(**options)
    provider = world.provider()
    request = world.request()
    with pytest.raises(exception.ComputeError, match=text):
        provider.make_server(request, provider.make_address(request), None)
    world.options.update(service_user=local_provider.SERVICE_USER)
    providers.delete(world.provider(), request.instance_id)


@needs_root
def test_folder_out_of_reach_is_named(world):
    provider = world.provider()
    os.chmod(world.folder, 0o700)
    request = world.request()
    with pytest.raises(exception.ComputeError, match=f'user nobody cannot enter {world.folder}'):
        provider.make_server(request, provider.make_address(request), None)
    providers.delete(provider, request.instance_id)


@needs_root
def test_command_out_of_reach_is_named(world, tmp_path):
    program = shutil.copy('/bin/true', tmp_path)
    os.chmod(tmp_path, 0o700)
    world.options['guest_command'] = [str(program)]
    provider = world.provider()
    request = world.request()
    with pytest.raises(exception.ComputeError, match='name a command in'):
        provider.make_server(request, provider.make_address(request), None)
    providers.delete(provider, request.instance_id)


@pytest.mark.parametrize('name', ['../evil.conf', 'evil', '.conf/..'])
def test_guest_files_stay_in_their_folder(world, provider, name):
    request = world.request(guest_files={name: ''})
    with pytest.raises(exception.ComputeError, match='guest file'):
        provider.make_server(request, provider.make_address(request), None)
    providers.delete(provider, request.instance_id)


@pytest.mark.parametrize('instance_id', ['..', '.addresses', 'a/b', '', 'a' * 65])
def test_ids_cannot_leave_the_folder(provider, instance_id):
    with pytest.raises(exception.ComputeError, match='is no instance id'):
        provider.delete_server(instance_id)


def test_server_needs_its_address_first(world, provider):
    request = world.request()
    with pytest.raises(exception.ComputeError, match='has no address yet'):
        provider.make_server(request, [], None)
    providers.delete(provider, request.instance_id)


# -- kill -9 ---------------------------------------------------------------------


@pytest.mark.slow
class TestKilledAnywhere:
    """The caller is killed at one after the other of its system calls; the next one makes it whole."""

    STRIDE = 11

    def killed_at(self, number, action):
        """Run an action in a child that is killed at its n-th noticeable event; return whether it was."""
        child = os.fork()
        if child == 0:
            count = 0

            def count_down(event, _arguments):
                nonlocal count
                if event != 'os.kill' and event.startswith(
                    ('open', 'os.', 'subprocess', 'shutil', 'socket.bind', 'fcntl')
                ):
                    count += 1
                    if count >= number:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count_down)
            with contextlib.suppress(BaseException):
                action()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    def test_make(self, make_world):
        world = make_world(volume_backend='folder')
        provider = world.provider()
        number, kills = 1, 0
        while True:
            request = world.request()
            was_killed = self.killed_at(number, lambda made=request: providers.build(world.provider(), made))
            providers.build(provider, request)
            until(lambda made=request: world.engines(made.instance_id))
            assert len(world.machines(request.instance_id)) == 1
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert provider.list_instance_ids() == []
            if not was_killed:
                break
            kills += 1
            number += self.STRIDE
        assert kills > 5

    def test_delete_after_a_killed_make(self, make_world):
        world = make_world()
        provider = world.provider()
        # What volumes are is found out here, and not in each child.
        provider.make_volume(spare := world.request())
        providers.delete(provider, spare.instance_id)
        for number in range(3, 300, 2 * self.STRIDE):
            request = world.request()
            self.killed_at(number, lambda made=request: providers.build(provider, made))
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert provider.list_instance_ids() == []
            assert list(pathlib.Path(world.options['instances_path']).glob('.*/*')) == []

    def test_delete(self, make_world):
        world = make_world()
        provider = world.provider()
        number, kills = 1, 0
        while True:
            request = world.request()
            providers.build(provider, request)
            was_killed = self.killed_at(
                number, lambda made=request: providers.delete(world.provider(), made.instance_id)
            )
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert list(pathlib.Path(world.options['instances_path']).glob('.*/*')) == []
            if not was_killed:
                break
            kills += 1
            number = int(number * 1.6) + 1
        assert kills > 3

    @needs_root
    def test_probe(self, tmp_path):
        for number in range(2, 60, self.STRIDE):
            self.killed_at(number, volumes.Backends('auto', str(tmp_path)).choose)
            volumes.Backends('auto', str(tmp_path)).choose()
            assert [str(path) for path in tmp_path.rglob('*')] == [str(tmp_path / '.locks')]
            assert str(tmp_path) not in pathlib.Path('/proc/self/mounts').read_text(encoding='utf-8')

    def test_reboot(self, make_world):
        world = make_world(volume_backend='folder')
        now = clock.ManualClock()
        provider = world.provider(time_source=now)
        request = world.request()
        providers.build(provider, request)
        for number in (2, 10, 40, 80):
            self.killed_at(number, lambda: provider.reboot_server(request.instance_id))
            # Whoever was to repeat it never does; the taskmanager resumes the server in the end.
            now.turn(120)
            provider.resume_servers()
            until(lambda: not providers.is_in(provider, request.instance_id, states.ServerStatus.REBOOT))
            provider.start_server(request.instance_id)
            until(lambda: providers.is_in(provider, request.instance_id, providers.ACTIVE))
            assert len(world.machines(request.instance_id)) == 1
        providers.delete(provider, request.instance_id)


# -- as an ordinary user ---------------------------------------------------------


@needs_root
@pytest.mark.slow
def test_all_of_this_as_an_ordinary_user():
    """Run this file again without privileges: agents and engines then run as the caller."""
    root = pathlib.Path(__file__).parents[2]
    entry = pwd.getpwnam(local_provider.SERVICE_USER)
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
            __file__,
        ],
        cwd=root,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        env={'PATH': os.environ['PATH'], 'HOME': '/nonexistent', UNPRIVILEGED: '1'},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert ' passed' in done.stdout
