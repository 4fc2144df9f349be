"""Kinds of volumes; the tools of the system are doubles here."""

import os

import pytest

from trove.common import exception
from trove.compute.local import volumes


class Tools:
    """A double of the system's tools: remembers what was run, and answers losetup."""

    def __init__(self, listing=''):
        self.listing = listing
        self.run = []

    def __call__(self, argv):
        self.run.append(' '.join(argv))
        return self.listing if argv[0] == 'losetup' and '--list' in argv else ''


@pytest.fixture
def place(tmp_path):
    return volumes.Place.of(str(tmp_path))


def test_folder_backend_has_nothing_to_enforce(place):
    backend = volumes.FolderBackend()
    backend.make(place, 1)
    backend.attach(place)
    backend.grow(place, 2)
    assert os.path.isdir(place.folder)
    assert not backend.is_enforced


def test_image_is_made_once_and_whole(place):
    tools = Tools()
    backend = volumes.LoopBackend(tools)
    with open(f'{place.image}.new', 'w', encoding='ascii') as half:
        half.write('half-made')
    backend.make(place, 1)
    backend.make(place, 1)
    assert os.stat(place.image).st_size == volumes.GIGABYTE
    assert tools.run == [f'mkfs.xfs -q {place.image}.new']


def test_image_is_mounted(place):
    tools = Tools()
    volumes.LoopBackend(tools).attach(place)
    assert tools.run == [
        f'mount -t xfs -o loop,noatime,nosuid,nodev {place.image} {place.folder}',
        f'xfs_growfs {place.folder}',
    ]


def test_image_grows_without_being_mounted(place):
    backend = volumes.LoopBackend(Tools())
    backend.make(place, 1)
    backend.grow(place, 3)
    backend.grow(place, 2)
    assert os.stat(place.image).st_size == 3 * volumes.GIGABYTE


def test_forgotten_devices_are_detached(place):
    tools = Tools(f'/dev/loop1 {place.image}\n/dev/loop2 /other\n/dev/loop3 {place.image}\\x20(deleted)\n')
    volumes.LoopBackend(tools).detach(place)
    assert tools.run[1:] == ['losetup -d /dev/loop1', 'losetup -d /dev/loop3']


def test_mount_points_are_compared_whole(tmp_path):
    table = tmp_path / 'mounts'
    table.write_text('/dev/loop0 /a\\040b xfs rw 0 0\n')
    assert volumes.is_mounted('/a b', str(table))
    assert not volumes.is_mounted('/a', str(table))


def test_folder_is_chosen_without_a_probe(tmp_path):
    tools = Tools()
    backends = volumes.Backends('folder', str(tmp_path), volumes.LoopBackend(tools))
    assert backends.choose() is backends.choose() is backends.of('folder')
    assert tools.run == []


def test_tool_that_fails_tells_why():
    with pytest.raises(exception.ComputeBusy, match='no-such-file'):
        volumes.run_tool(['ls', '/no-such-file'])
    with pytest.raises(exception.ComputeBusy, match='cannot be run'):
        volumes.run_tool(['no-such-tool'])
    assert volumes.run_tool(['echo', 'x']) == 'x\n'
