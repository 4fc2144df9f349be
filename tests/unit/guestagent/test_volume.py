"""Volume use, and what the agent makes of what it finds; real devices are in the contract tests."""

import os

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent import volume


def test_stats_fit_together(tmp_path):
    stats = volume.get_filesystem_stats(str(tmp_path))
    assert stats['total'] >= stats['used'] >= 0
    assert stats['avail_blocks'] <= stats['free_blocks'] <= stats['total_blocks']
    assert stats['free'] == stats['avail_blocks'] * stats['block_size']


def test_missing_volume_is_a_guest_error(tmp_path):
    with pytest.raises(exception.GuestError):
        volume.get_filesystem_stats(str(tmp_path / 'missing'))


def test_without_a_device_nothing_is_mounted_or_grown(tmp_path):
    made = volume.Volume(doubles.make_conf(tmp_path), str(tmp_path / 'volume'))
    made.mount()
    made.grow()
    assert not (tmp_path / 'volume').exists()


def test_device_that_does_not_come_is_told_after_a_while(tmp_path):
    pauses = []
    conf = doubles.make_conf(tmp_path, device_path=str(tmp_path / 'missing'), device_timeout_seconds=0)
    with pytest.raises(exception.GuestError, match='missing of the volume did not appear within 0 seconds'):
        volume.Volume(conf, str(tmp_path), pauses.append).mount()


def test_wait_ends_when_the_agent_does(tmp_path):
    conf = doubles.make_conf(tmp_path, device_path=str(tmp_path / 'missing'))
    with pytest.raises(exception.GuestError, match='broken off'):
        volume.Volume(conf, str(tmp_path), lambda seconds: True).mount()


def test_what_is_no_device_is_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    conf = doubles.make_conf(tmp_path, device_path=str(tmp_path / 'file'))
    with pytest.raises(exception.GuestError, match='no block device'):
        volume.Volume(conf, str(tmp_path)).mount()


def test_growing_what_is_not_mounted_is_refused(tmp_path):
    conf = doubles.make_conf(tmp_path, device_path='/dev/null')
    with pytest.raises(exception.GuestError, match='not mounted'):
        volume.Volume(conf, str(tmp_path)).grow()


def test_mounts_are_found_by_their_place(tmp_path):
    place = tmp_path / 'with blank'
    place.mkdir()
    table = tmp_path / 'table'
    escaped = str(place).replace(' ', '\\040')
    table.write_text(
        '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n'
        f'23 22 8:16 / {escaped} rw,noatime shared:7 - ext4 /dev/sdb rw\n'
        f'24 23 8:32 / {escaped} rw - xfs /dev/sdc rw\n'
    )
    found = volume.find_mount(str(place), str(table))
    assert found == volume.Mount(os.makedev(8, 32), 'xfs')
    assert volume.find_mount(str(tmp_path), str(table)) is None
