"""The local provider and its host: volumes, addresses, and what an operator may get wrong."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from tests.fixtures import local_provider
from trove.common import exception
from trove.compute.local import addresses, volumes
from trove.testing import providers

needs_root = local_provider.needs_root
until = providers.until


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
@pytest.mark.skipif(shutil.which('mkfs.xfs', path='/usr/sbin:/sbin') is None, reason='xfsprogs is not installed')
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
    request = world.request(tcp_ports=(str(world.port), str(world.port + 1)))
    message = rf'process \d+\) listens on tcp port {world.port + 1}'
    with listening(address, world.port + 1, family), pytest.raises(exception.ComputeError, match=message) as caught:
        provider.make_address(request)
    assert str(os.getpid()) in str(caught.value)
    assert not isinstance(caught.value, exception.ComputeBusy)
    assert provider.list_instance_ids() == []


def test_datagram_socket_on_all_addresses_is_a_clear_error(world, provider):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(('0.0.0.0', world.port + 1))
        with pytest.raises(exception.ComputeError, match=f'udp port {world.port + 1}'):
            provider.make_address(world.request(udp_ports=(str(world.port + 1),)))


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
