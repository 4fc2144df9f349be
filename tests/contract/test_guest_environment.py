"""The copy of the agent that guests of another user run on: complete, and nothing but what they need."""

import pathlib
import subprocess

from trove.standalone import guest_environment


class User:
    """A user who can run what lies in some folders only; ``asked`` is what was tried."""

    def __init__(self, *folders):
        self.folders = folders
        self.asked = []

    def __call__(self, command):
        self.asked.append(command)
        return any(pathlib.Path(command[0]).is_relative_to(folder) for folder in self.folders)


def test_the_copy_is_all_that_a_guest_needs(tmp_path):
    folder = tmp_path / 'guest'
    user = User('/usr/bin', folder)
    (launcher,) = guest_environment.prepare(folder, 'trove', guest_environment.read_requirements(), user)

    assert launcher == str(folder / 'trove-guestagent')
    # It is isolated from everything but the copies, so this tells what is missing.
    done = subprocess.run([launcher, '--help'], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'guest' in done.stdout
    assert not (folder / 'sqlalchemy').exists()
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.rglob('*'))


def test_an_older_copy_is_replaced(tmp_path):
    folder = tmp_path / 'guest'
    folder.mkdir()
    (folder / 'old').write_text('')
    guest_environment.prepare(folder, 'trove', [], User('/usr/bin', folder))
    assert not (folder / 'old').exists()
    assert [one.name for one in tmp_path.iterdir()] == ['guest']
