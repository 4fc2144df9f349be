"""A Python for guests that run as another user."""

import pathlib
import sys

import pytest

from trove.standalone import guest_environment
from trove.standalone.errors import StackError


class User:
    """A user who can run what lies in some folders only; ``asked`` is what was tried."""

    def __init__(self, *folders):
        self.folders = folders
        self.asked = []

    def __call__(self, command):
        self.asked.append(command)
        return any(pathlib.Path(command[0]).is_relative_to(folder) for folder in self.folders)


def test_nothing_is_copied_for_who_can_run_the_installed_one(tmp_path):
    user = User(pathlib.Path(sys.executable).parent)
    command = guest_environment.prepare(tmp_path / 'guest', 'trove', ['oslo.config'], user)
    assert command == [sys.executable, '-m', 'trove.cmd.guest']
    assert list(tmp_path.iterdir()) == []


def test_without_any_python_the_user_is_told(tmp_path):
    with pytest.raises(StackError, match='install python3'):
        guest_environment.prepare(tmp_path / 'guest', 'trove', [], User())


def test_requirements_are_those_of_the_guest_and_no_more():
    required = {one.lower() for one in guest_environment.read_requirements()}
    assert any(one.startswith('oslo.messaging') for one in required)
    assert not any(one.startswith('sqlalchemy') for one in required)


def test_the_closure_follows_what_requirements_require():
    found = {distribution.metadata['Name'].lower() for distribution in guest_environment.closure(['oslo.log'])}
    assert {'oslo.log', 'oslo.config', 'pyyaml'} <= found


def test_a_condition_that_does_not_hold_asks_for_nothing():
    assert guest_environment.closure(['surely-not-installed; sys_platform == "win32"']) == []


def test_a_missing_requirement_is_named():
    with pytest.raises(StackError, match='surely-not-installed'):
        guest_environment.closure(['surely-not-installed'])
