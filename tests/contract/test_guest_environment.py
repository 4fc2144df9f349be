"""The copy of the agent that guests of another user run on: complete, and nothing but what they need."""

import pathlib
import subprocess

import pytest

from tests.fixtures import vendor
from trove.common import plugs
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


def test_the_package_of_a_vendor_comes_along_without_what_else_it_requires(tmp_path):
    site = tmp_path / 'site'
    site.mkdir()
    with vendor.site(site) as installed:
        installed.install(
            modules={'acme_guest': 'class Manager: pass\n'},
            requires=['surely-not-installed', 'oslo.config; extra == "guest"'],
            trove__guestagent__datastores={'acme': 'acme_guest:Manager'},
        )
        folder = tmp_path / 'guest'
        guest_environment.prepare(folder, 'trove', [], User('/usr/bin', folder))
    plugs.forget()
    assert (folder / 'acme_guest.py').is_file()
    assert (folder / 'acme_trove-1.2.dist-info' / 'entry_points.txt').is_file()
    assert (folder / 'oslo_config').is_dir()
    assert not (folder / 'sqlalchemy').exists()


def test_a_package_that_lies_elsewhere_is_named(tmp_path):
    site = tmp_path / 'site'
    site.mkdir()
    with vendor.site(site) as installed:
        installed.install(trove__guestagent__datastores={'acme': 'acme_elsewhere:Manager'})
        with pytest.raises(StackError, match=r'acme_elsewhere:Manager of acme-trove 1\.2.* editable'):
            guest_environment.prepare(tmp_path / 'guest', 'trove', [], User('/usr/bin', tmp_path / 'guest'))
    plugs.forget()
