"""Files that are whole or not there."""

import os
import pwd
import stat

import pytest

from trove.guestagent.system import files


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_write_replaces_the_whole_file_and_keeps_it_private(tmp_path):
    path = str(tmp_path / 'secret')
    files.write(path, 'one, and longer')
    files.write(path, 'two')
    assert files.read(path) == 'two'
    assert mode_of(path) == 0o600
    assert os.listdir(tmp_path) == ['secret']


def test_write_gets_over_the_draft_of_a_killed_writer(tmp_path):
    (tmp_path / 'file.draft').write_text('half')
    files.write(str(tmp_path / 'file'), 'whole')
    assert files.read(str(tmp_path / 'file')) == 'whole'


def test_missing_file_reads_as_none(tmp_path):
    assert files.read(str(tmp_path / 'missing')) is None
    assert files.read_json(str(tmp_path / 'missing')) is None


def test_json_comes_back(tmp_path):
    path = str(tmp_path / 'file.json')
    files.write_json(path, {'a': [1, None]})
    assert files.read_json(path) == {'a': [1, None]}


def test_remove_takes_files_links_and_folders(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'file').write_text('x')
    (tmp_path / 'link').symlink_to(tmp_path / 'folder')
    for name in ('link', 'folder', 'missing'):
        files.remove(str(tmp_path / name))
    assert os.listdir(tmp_path) == []


def test_folder_gets_its_mode_also_when_it_is_there(tmp_path):
    path = str(tmp_path / 'a' / 'b')
    files.make_folder(path)
    assert mode_of(path) == 0o700
    files.make_folder(path, mode=0o711)
    assert mode_of(path) == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can give files away')
def test_given_folders_belong_to_the_user_with_all_in_them(tmp_path):
    account = pwd.getpwnam('nobody')
    outside = tmp_path / 'outside'
    outside.write_text('')
    folder = tmp_path / 'data'
    (folder / 'inner').mkdir(parents=True)
    (folder / 'inner' / 'file').write_text('')
    (folder / 'link').symlink_to(outside)
    for _ in range(2):
        files.give(str(folder), 'nobody')
    owners = {(os.lstat(path).st_uid, os.lstat(path).st_gid) for path in [folder, *folder.rglob('*')]}
    assert owners == {(account.pw_uid, account.pw_gid)}
    assert outside.stat().st_uid == 0


def test_nothing_is_given_to_nobody_and_nothing_that_is_not_there(tmp_path):
    files.give(str(tmp_path), None)
    files.give(str(tmp_path / 'missing'), 'root')
    assert os.stat(tmp_path).st_uid == os.geteuid()
