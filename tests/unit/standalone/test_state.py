"""The state folder: where it is, whose it is, what it remembers."""

import contextlib
import fcntl
import os
import pathlib

import pytest

from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError


@pytest.fixture
def state(tmp_path):
    return standalone_state.State(tmp_path / 'state', is_root=False)


@pytest.mark.parametrize(
    ('argument', 'environment', 'expected'),
    [
        ('/a', {'TROVE_STATE_DIR': '/b'}, '/a'),
        (None, {'TROVE_STATE_DIR': '/b/../c'}, '/c'),
        (None, {'TROVE_STATE_DIR': ''}, str(pathlib.Path('~/.trove').expanduser())),
        (None, {}, str(pathlib.Path('~/.trove').expanduser())),
    ],
)
def test_the_argument_wins_over_the_environment(argument, environment, expected):
    assert str(standalone_state.choose_folder(argument, environment)) == expected


def test_what_is_remembered_is_added_to(state):
    assert state.port == standalone_state.DEFAULT_PORT
    assert state.settings() == {}
    state.remember(port=1234)
    state.remember(other='x')
    assert standalone_state.State(state.folder, is_root=False).settings() == {'port': 1234, 'other': 'x'}
    assert state.port == 1234


def test_the_folder_is_for_its_owner_alone(state):
    state.folder.mkdir(mode=0o755)
    state.remember(port=1)
    assert state.folder.stat().st_mode & 0o777 == 0o700
    assert (state.folder / 'stack.json').stat().st_mode & 0o777 == 0o600


def test_a_folder_with_strange_files_is_left_alone(state):
    state.folder.mkdir()
    (state.folder / 'thesis.tex').write_text('precious')
    with pytest.raises(StackError, match='not of a stack'):
        state.make()
    state.remove()
    assert (state.folder / 'thesis.tex').exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(StackError, match='cannot be made'):
        standalone_state.State(tmp_path / 'file' / 'state', is_root=False).make()


@pytest.mark.parametrize('name', ['sta$te', 'a,b', 'a:b', 'a\nb'])
def test_names_that_configuration_files_cannot_hold_are_refused(tmp_path, name):
    with pytest.raises(StackError, match='character'):
        standalone_state.State(tmp_path / name, is_root=False).make()


def test_guests_of_a_root_stack_live_where_they_can_be_reached(tmp_path):
    one, other = (standalone_state.State(tmp_path / name, is_root=True) for name in 'ab')
    assert one.instances.is_relative_to(standalone_state.SHARED_ROOT)
    assert one.guest_environment.is_relative_to(standalone_state.SHARED_ROOT)
    assert one.instances != other.instances


def test_guests_of_a_users_stack_live_in_its_folder(state):
    assert state.instances.is_relative_to(state.folder)


def test_one_command_at_a_time(state):
    with state.lock(), pytest.raises(StackError, match='Another'), state.lock():
        pass
    with state.lock():
        pass


def test_removing_takes_the_folder_away(state):
    state.remember(port=1)
    state.remove()
    assert not state.folder.exists()
    state.remove()


def test_what_stacks_share_is_changed_by_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(standalone_state, 'SHARED_ROOT', tmp_path / 'shared')
    with standalone_state.shared_lock(), open_folder(tmp_path / 'shared') as folder, pytest.raises(BlockingIOError):
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with standalone_state.shared_lock():
        pass


@contextlib.contextmanager
def open_folder(path):
    folder = os.open(path, os.O_RDONLY)
    yield folder
    os.close(folder)
