"""The volume of a virtual machine, shown on real block devices."""

import os
import shutil
import struct

import pytest

from tests.fixtures import loop_devices
from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent import dbaas, requests, volume

MEGABYTE = 1024**2
XFS_MB = 300
"""The smallest file system that mkfs.xfs makes."""


@pytest.fixture(scope='module')
def usable(tmp_path_factory):
    reason = loop_devices.find_missing(tmp_path_factory.mktemp('trial'))
    if reason is not None:
        pytest.skip(f'volumes are not shown here: {reason}')


@pytest.fixture
def device(usable, tmp_path):
    made = loop_devices.Device(tmp_path, 64)
    yield made
    made.detach(str(tmp_path / 'volume'))


@pytest.fixture
def place(tmp_path):
    return str(tmp_path / 'volume')


@pytest.fixture
def make(device, tmp_path, place):
    """``make(**options)`` returns the volume of an agent with these options."""

    def make(**changes):
        conf = doubles.make_conf(tmp_path, **{'device_path': device.path, 'device_timeout_seconds': 5, **changes})
        return volume.Volume(conf, place, pause=lambda seconds: True)

    return make


def write_mark(place, text='kept'):
    with open(os.path.join(place, 'mark'), 'w', encoding='ascii') as stream:
        stream.write(text)


def read_mark(place):
    with open(os.path.join(place, 'mark'), encoding='ascii') as stream:
        return stream.read()


def size_of(place):
    return volume.get_filesystem_stats(place)['total'] * 1024


@pytest.mark.parametrize('fstype', volume.FILE_SYSTEMS)
def test_empty_device_gets_a_file_system_that_is_kept(device, make, place, fstype):
    if shutil.which(f'mkfs.{fstype}') is None:
        pytest.skip(f'mkfs.{fstype} is not installed')
    device.resize(XFS_MB)
    make(volume_fstype=fstype).mount()
    assert volume.find_mount(place) == volume.Mount(os.stat(device.path).st_rdev, fstype)
    write_mark(place)
    # Again by an agent that starts anew, and after a restart of the host; with the other type wanted by now.
    make(volume_fstype=fstype).mount()
    loop_devices.run(['umount', place])
    for other in volume.FILE_SYSTEMS:
        make(volume_fstype=other).mount()
    assert read_mark(place) == 'kept'
    with open('/proc/self/mountinfo', encoding='utf-8') as stream:
        (line,) = [one for one in stream if f' {place} ' in one]
    assert {'nosuid', 'nodev', 'noatime'} <= set(line.split(' ')[5].split(','))


@pytest.mark.parametrize('fstype', volume.FILE_SYSTEMS)
def test_it_grows_while_it_is_used(device, make, place, fstype):
    if shutil.which(f'mkfs.{fstype}') is None:
        pytest.skip(f'mkfs.{fstype} is not installed')
    device.resize(XFS_MB)
    if fstype == 'ext4' and not loop_devices.can_grow_ext4():
        pytest.skip('root has no CAP_SYS_RESOURCE here, without which the kernel grows no ext4')
    made = make(volume_fstype=fstype)
    made.mount()
    before = size_of(place)
    with open(os.path.join(place, 'open'), 'w', encoding='ascii') as stream:
        stream.write('in use')
        device.resize(2 * XFS_MB)
        made.grow()
        assert size_of(place) > 1.8 * before
    # Asked for again, there is nothing left to do.
    made.grow()
    assert size_of(place) > 1.8 * before


def test_size_that_comes_late_is_waited_for(device, make, tmp_path, place):
    device.resize(XFS_MB)
    conf = doubles.make_conf(tmp_path, device_path=device.path, volume_fstype='xfs')
    made = volume.Volume(conf, place, pause=lambda seconds: device.resize(2 * XFS_MB))
    made.mount()
    before = size_of(place)
    made.grow()
    assert size_of(place) > 1.8 * before


def test_growth_that_fails_is_told_with_what_the_tool_said(device, make, place):
    if loop_devices.can_grow_ext4():
        pytest.skip('root may grow it here')
    made = make()
    made.mount()
    device.resize(128)
    with pytest.raises(exception.GuestError, match=r'resize2fs ended with code 1: .*Permission denied'):
        made.grow()


def test_file_system_is_made_as_the_options_say(device, make, place):
    make(format_options='-m 0 -L "some label"', mount_options='noexec').mount()
    found = loop_devices.run(['blkid', '-p', '-s', 'LABEL', '-o', 'value', device.path])
    assert found.strip() == 'some label'


def partition(path):
    """Write a table with one partition, as an old PC has it."""
    entry = struct.pack('<B3sB3sII', 0, b'', 0x83, b'', 2048, 65536)
    with open(path, 'r+b', buffering=0) as stream:
        stream.write(bytes(446) + entry + bytes(48) + b'\x55\xaa')


@pytest.mark.parametrize(
    ('fill', 'what'),
    [
        (lambda path: loop_devices.run(['mkfs.ext2', '-q', path]), 'ext2'),
        (lambda path: loop_devices.run(['mkswap', path]), 'swap'),
        (partition, 'dos'),
    ],
)
def test_what_is_no_volume_of_ours_is_not_touched(device, make, place, fill, what):
    fill(device.path)
    with open(device.path, 'rb') as stream:
        before = stream.read()
    with pytest.raises(exception.GuestError, match=f'holds {what} and is not touched'):
        make().mount()
    with open(device.path, 'rb') as stream:
        assert stream.read() == before
    assert volume.find_mount(place) is None


def test_device_of_another_place_is_not_taken_for_ours(device, make, tmp_path, place):
    os.makedirs(place)
    loop_devices.run(['mount', '-t', 'tmpfs', 'none', place])
    with pytest.raises(exception.GuestError, match='something else'):
        make().mount()


def test_broken_file_system_is_told_and_not_made_anew(device, make, place):
    make().mount()
    write_mark(place)
    loop_devices.run(['umount', place])
    # The magic number stays, so that it is seen for what it was.
    with open(device.path, 'r+b') as stream:
        stream.seek(1024)
        head = stream.read(64)
        stream.seek(1024)
        stream.write(b'\xff' * 56 + head[56:])
    with pytest.raises(exception.GuestError):
        make().mount()
    with open(device.path, 'r+b') as stream:
        stream.seek(1024)
        stream.write(head)
    make().mount()
    assert read_mark(place) == 'kept'


def test_device_may_come_later(device, make, tmp_path, place):
    path = str(tmp_path / 'late')
    conf = doubles.make_conf(tmp_path, device_path=path, device_timeout_seconds=60)
    waited = []

    def pause(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            os.symlink(device.path, path)

    volume.Volume(conf, place, pause).mount()
    assert len(waited) == 3
    assert volume.find_mount(place) is not None


def test_state_of_the_agent_lies_on_the_volume(device, tmp_path, place):
    """A server made anew has nothing but the volume; its agent finds there what the one before left."""
    conf = doubles.make_conf(
        tmp_path,
        device_path=device.path,
        state_path=f'{place}/state',
        datastore_registry_ext={'stub': f'{doubles.__name__}.StubManager'},
    )
    dbaas.make_manager(conf)
    assert os.listdir(f'{place}/state') == ['services']
    manager = doubles.StubManager(conf, doubles.MemoryServices())
    manager.prepare(None, requests.PrepareRequest('1', 512, 'memory=1\n', overrides={'speed': 'high'}))
    password = manager.app.admin_password()
    loop_devices.run(['umount', place])
    assert os.listdir(place) == []
    shutil.rmtree(f'{tmp_path}/log')

    dbaas.make_manager(conf)
    manager = doubles.StubManager(conf, doubles.MemoryServices())
    manager.rebuild(None, requests.RebuildRequest('1', 'memory=2\n'))
    assert manager.app.admin_password() == password
    with open(manager.app.config_file, encoding='utf-8') as stream:
        assert stream.read() == 'memory=2\nspeed=high\n\naddress=127.0.0.9\n'
