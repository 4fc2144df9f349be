"""The guest image as far as it can be checked without building one; ``make test-image`` builds one."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from oslo_config import cfg

from trove.common import plugs
from trove.guestagent import dbaas, options

ROOT = pathlib.Path(__file__).resolve().parents[2]
ELEMENTS = ROOT / 'contrib' / 'image' / 'elements'
FILES = sorted(path for path in ELEMENTS.rglob('*') if path.is_file())
HOOKS = [path for path in FILES if path.parent.name.endswith('.d') and path.parent.parent.parent == ELEMENTS]
SCRIPTS = [path for path in HOOKS if path.parent.name != 'environment.d']
STATIC = ELEMENTS / 'trove-guest' / 'static'
UNIT = STATIC / 'etc/systemd/system/trove-guestagent.service'
IMAGE_CONF = STATIC / 'etc/trove/conf.d/00-image.conf'
OWN_VIEW = (
    'ProtectSystem', 'ProtectHome', 'ProtectKernel', 'ProtectControlGroups', 'ProtectProc', 'ProtectClock', 'Private',
    'ReadOnlyPaths', 'ReadWritePaths', 'InaccessiblePaths', 'BindPaths', 'TemporaryFileSystem', 'MountFlags',
    'RootDirectory', 'DevicePolicy', 'DeviceAllow', 'DynamicUser', 'StateDirectory',
)  # fmt: skip
"""What would keep the agent's mounts from the engines, or devices from the agent."""


def name_of(path):
    return str(path.relative_to(ELEMENTS))


def run(argv, **arguments):
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, check=False, **arguments)


# -- the elements --------------------------------------------------------------------------------


@pytest.mark.parametrize('element', sorted(ELEMENTS.iterdir()), ids=lambda path: path.name)
def test_element_is_whole(element):
    title = (element / 'README.rst').read_text().splitlines()[1]
    assert title == element.name
    needed = (element / 'element-deps').read_text().split()
    assert needed == sorted(needed)
    packages = yaml.safe_load((element / 'package-installs.yaml').read_text())
    assert list(packages) == sorted(packages)


@pytest.mark.parametrize('path', SCRIPTS, ids=name_of)
def test_script_follows_the_rules_of_the_builder(path):
    """Those of its own lint, which runs when an image is built."""
    text = path.read_text()
    assert text.startswith('#!/bin/bash\n# ')
    assert os.access(path, os.X_OK)
    for line in ('set -eu', 'set -o pipefail', 'if [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then'):
        assert line in text.splitlines()
    assert '\t' not in text
    assert text.endswith('\n')
    assert all((len(line) - len(line.lstrip(' '))) % 4 == 0 for line in text.splitlines())
    assert re.match(r'[0-9]{2}-trove-guest', path.name)
    done = run(['bash', '-n', path])
    assert (done.returncode, done.stderr) == (0, '')


def test_only_scripts_are_programs():
    assert [name_of(path) for path in FILES if os.access(path, os.X_OK) and path not in SCRIPTS] == []


def test_environment_sets_and_traces_nothing_else():
    for path in HOOKS:
        if path.parent.name == 'environment.d':
            lines = path.read_text().splitlines()
            assert all(re.fullmatch(r'export (DIB_\w+)=\$\{\1:-\w*\}', line) for line in lines)


def test_engines_of_the_distribution_neither_run_nor_leave_data():
    for name, service, folder in (
        ('mariadb', None, '/var/lib/mysql'),
        ('postgresql', 'postgresql.service', '/var/lib/postgresql'),
        ('redis', 'redis-server.service', '/var/lib/redis'),
    ):
        script = (ELEMENTS / f'trove-guest-{name}/post-install.d/75-trove-guest-{name}').read_text()
        assert re.search(rf'^rm -rf .*{folder}\b', script, re.MULTILINE)
        if service is not None:
            assert f'systemctl disable {service}\nsystemctl mask {service}\n' in script


def test_no_secret_and_no_key_is_in_the_image():
    for path in FILES:
        text = path.read_text()
        assert not re.search(r'(?i)transport_url\s*=|password\s*=|secret\s*=|BEGIN [A-Z ]*PRIVATE KEY', text), path


# -- files of the image --------------------------------------------------------------------------


def test_configuration_of_the_image_is_understood_and_keeps_the_state_on_the_volume():
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTS)
    conf([], default_config_files=[str(IMAGE_CONF)])
    parser = configparser.ConfigParser()
    parser.read(IMAGE_CONF)
    for name in parser['DEFAULT']:
        assert str(conf[name]) == parser['DEFAULT'][name]
    assert conf.state_path.startswith(f'{conf.mount_point}/')
    assert conf.service_manager == 'systemd'


def test_configuration_of_cloud_init_and_apt_is_understood():
    for path in (STATIC / 'etc/cloud/cloud.cfg.d').iterdir():
        assert yaml.safe_load(path.read_text())['ssh_pwauth'] is False
    if shutil.which('apt-config') is None:
        pytest.skip('apt-config is not installed')
    done = run(
        ['apt-config', 'dump'], env={**os.environ, 'APT_CONFIG': str(STATIC / 'etc/apt/apt.conf.d/52-trove-guest')}
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert 'APT::Periodic::Unattended-Upgrade "1";' in done.stdout
    assert 'Unattended-Upgrade::Package-Blacklist:: "mariadb-";' in done.stdout


def test_unit_gives_the_agent_no_view_of_its_own():
    lines = [line for line in UNIT.read_text().splitlines() if not line.startswith('#')]
    assert [line for line in lines if line.startswith(OWN_VIEW)] == []
    assert 'Restart=always' in lines
    assert any(line.startswith('After=') and 'cloud-config.target' in line for line in lines)


def test_unit_is_understood_by_systemd(tmp_path):
    if shutil.which('systemd-analyze') is None:
        pytest.skip('systemd-analyze is not installed')
    # It asks for the program, which only the image has.
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace('/opt/trove-guest/bin/trove-guestagent', '/bin/true'))
    done = run(['systemd-analyze', 'verify', '--man=no', copy])
    assert (done.returncode, done.stderr) == (0, '')


# -- the agent in the image ----------------------------------------------------------------------


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The folder that the element's own scripts installed the agent to."""
    folder = tmp_path_factory.mktemp('image')
    if run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '-d', folder / 'index', 'wheel']).returncode:
        pytest.skip('the agent is not installed here: there is no package index')
    environment = {
        **os.environ,
        'ELEMENTS_PATH': f'/nowhere:{ELEMENTS}',
        'TMP_HOOKS_PATH': str(folder),
        'TROVE_GUEST_SOURCE': str(folder / 'trove-guest-source'),
        'TROVE_GUEST_FOLDER': str(folder / 'agent'),
        'TROVE_GUEST_PYTHON': sys.executable,
    }
    for hook in ('extra-data.d/50-trove-guest-source', 'install.d/60-trove-guest-package'):
        done = run([ELEMENTS / 'trove-guest' / hook], env=environment, cwd='/')
        assert done.returncode == 0, done.stderr
    return folder / 'agent'


LOAD_ALL = """
from trove.cmd import guest
from trove.common import plugs
from trove.guestagent import dbaas
for name in {names!r}:
    plugs.load(dbaas.GROUP, name)
"""


@pytest.mark.slow
def test_installed_agent_answers_and_loads_every_datastore(installed):
    done = run([installed / 'bin/trove-guestagent', '--help'], env={}, cwd='/')
    assert done.returncode == 0, done.stderr
    assert '--config-dir' in done.stdout
    ours = [name for name in plugs.names(dbaas.GROUP) if name in ('mariadb', 'mysql', 'percona', 'postgresql', 'redis')]
    done = run([installed / 'bin/python', '-Ic', LOAD_ALL.format(names=ours)], env={}, cwd='/')
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.slow
def test_nothing_of_the_server_half_is_installed(installed):
    (package,) = installed.glob('lib/python*/site-packages/trove')
    assert {path.name for path in package.iterdir() if path.is_dir()} - {'__pycache__'} == {
        'cmd', 'common', 'conductor', 'guestagent', 'storage',
    }  # fmt: skip
    assert {path.name for path in (package / 'conductor').glob('*.py')} == {'__init__.py', 'api.py'}
    assert sorted(path.name for path in (installed / 'bin').glob('trove-*')) == ['trove-guestagent']
    # WebOb, eventlet and others come with the bus library, and are never loaded.
    for name in ('sqlalchemy', 'migrate', 'keystonemiddleware', 'openstack', 'novaclient'):
        assert not (package.parent / name).exists()
