"""Folders and files of instances."""

import os

import pytest

from trove.common import exception
from trove.compute.local import folders

UID, GID = os.geteuid(), os.getegid()


def test_file_is_private_and_whole(tmp_path):
    path = tmp_path / 'x'
    folders.write(str(path), 'secret', UID, GID)
    folders.write(str(path), 'other', UID, GID)
    assert path.read_text() == 'other'
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ['x']


def test_folder_is_corrected(tmp_path):
    path = tmp_path / 'x'
    path.mkdir(0o777)
    folders.make(str(path), UID, GID, 0o711)
    assert path.stat().st_mode & 0o777 == 0o711


def test_link_is_not_followed(tmp_path):
    (tmp_path / 'target').mkdir(0o755)
    (tmp_path / 'x').symlink_to('target')
    with pytest.raises(OSError, match='Not a directory'):
        folders.make(str(tmp_path / 'x'), UID, GID, 0o700)
    folders.remove(str(tmp_path / 'x'))
    assert (tmp_path / 'target').is_dir()


def test_public_folder_ignores_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        folders.make_public(str(tmp_path / 'a' / 'b'))
    finally:
        os.umask(before)
    assert (tmp_path / 'a').stat().st_mode & 0o777 == 0o755
    assert (tmp_path / 'a' / 'b').stat().st_mode & 0o777 == 0o755


def test_json_is_read_back(tmp_path):
    folders.write_json(str(tmp_path / 'x'), {'a': [1]})
    assert folders.read_json(str(tmp_path / 'x')) == {'a': [1]}
    assert folders.read_json(str(tmp_path / 'y')) is None
    assert folders.read_json(str(tmp_path / 'x' / 'z')) is None


def test_everything_is_removed(tmp_path):
    (tmp_path / 'a' / 'b').mkdir(parents=True)
    (tmp_path / 'a' / 'b' / 'c').write_text('')
    folders.remove_if_empty(str(tmp_path / 'a'))
    assert (tmp_path / 'a').exists()
    folders.remove(str(tmp_path / 'a'))
    folders.remove(str(tmp_path / 'a'))
    folders.remove_if_empty(str(tmp_path / 'a'))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_told():
    with pytest.raises(exception.ComputeBusy, match='/proc/self/comm cannot be deleted'):
        folders.remove('/proc/self/comm')


def test_stranger_is_refused():
    with pytest.raises(exception.ComputeError, match='belongs to user number'):
        folders.refuse_stranger('/x', UID + 1, UID + 2)
    folders.refuse_stranger('/x', UID, UID + 2)


@pytest.mark.parametrize(('name', 'verdict'), [('a-1_B', True), ('.a', False), ('a/b', False), ('', False)])
def test_instance_id(name, verdict):
    assert folders.is_instance_id(name) is verdict
