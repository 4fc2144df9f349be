"""The provider's options as its parts need them."""

import os
import sys

import pytest
from oslo_config import cfg

from trove.common import exception
from trove.compute import base
from trove.compute.local import options, settings, users

ME = users.User('me', os.geteuid(), os.getegid())


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made([], project='trove-test', default_config_files=[], default_config_dirs=[])
    settings.Settings(made)
    return made


def test_defaults_can_be_used(conf):
    found = settings.Settings(conf)
    assert [flavor.ram for flavor in found.flavors()] == [512, 1024, 2048, 4096]
    assert found.instances_path.startswith('/')
    assert found.guest_command(ME) == [sys.executable, '-m', 'trove.cmd.guest']
    assert options.list_opts()[0][0] == 'local'


def test_flavors_come_smallest_first(conf):
    conf.set_override('flavors', ['b:big:2048:2:20', 's:small:512:1:5'], 'local')
    assert settings.Settings(conf).flavors() == [
        base.Flavor('s', 'small', 512, 1, 5),
        base.Flavor('b', 'big', 2048, 2, 20),
    ]


@pytest.mark.parametrize('text', ['1:tiny', '1:tiny:x:1:5', '1:tiny:1:1:5:6'])
def test_flavor_that_cannot_be_read_is_named(conf, text):
    conf.set_override('flavors', [text], 'local')
    with pytest.raises(exception.ComputeError, match=text):
        settings.Settings(conf).flavors()


def test_environment_is_small(conf):
    conf.set_override('guest_environment', {'PYTHONPATH': '/x:/y'}, 'local')
    environment = settings.Settings(conf).environment(ME, '/state', '/tmp/own')
    assert sorted(environment) == ['HOME', 'LANG', 'LOGNAME', 'PATH', 'PYTHONPATH', 'TMPDIR', 'USER']
    assert environment['PYTHONPATH'] == '/x:/y'


def test_command_that_is_not_there_is_named(conf):
    conf.set_override('guest_command', ['/no/such', 'x'], 'local')
    with pytest.raises(exception.ComputeError, match='/no/such x'):
        settings.Settings(conf).guest_command(ME)


def test_caller_runs_it_unless_root():
    assert users.find('whoever', caller=4711).uid == 4711
    with pytest.raises(exception.ComputeError, match='useradd --system no-such'):
        users.find('no-such', caller=0)
    with pytest.raises(exception.ComputeError, match='refuse to run as root'):
        users.find('root', caller=0)
    assert users.find('nobody', caller=0).name == 'nobody'


def test_reach_goes_by_owner_group_and_others(tmp_path):
    inner = tmp_path / 'a' / 'b'
    inner.mkdir(parents=True)
    found = (tmp_path / 'a').stat()
    owner = users.User('owner', found.st_uid, -2)
    member = users.User('member', -2, found.st_gid)
    (tmp_path / 'a').chmod(0o010)
    member_path = str(inner)
    with pytest.raises(exception.ComputeError, match='user owner cannot enter'):
        owner.check_reach(member_path, 'advice')
    (tmp_path / 'a').chmod(0o100)
    owner.check_reach(str(tmp_path / 'a' / 'no-such'), 'advice')
    with pytest.raises(exception.ComputeError, match='user member cannot enter'):
        member.check_reach(member_path, 'advice')
    (tmp_path / 'a').chmod(0o700)
