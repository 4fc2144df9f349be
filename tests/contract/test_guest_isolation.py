"""The agent is small: what it must never load, and that its command answers."""

import json
import subprocess
import sys

import pytest

from trove.common import plugs
from trove.guestagent import dbaas

FORBIDDEN = {
    'eventlet',
    'jinja2',
    'keystoneauth1',
    'keystonemiddleware',
    'migrate',
    'novaclient',
    'openstack',
    'paste',
    'pytest',
    'routes',
    'sqlalchemy',
    'webob',
}
FORBIDDEN_OF_OURS = (
    'trove.common.api',
    'trove.common.auth',
    'trove.common.cloud',
    'trove.common.crypto',
    'trove.common.extensions',
    'trove.common.keystone',
    'trove.common.limits',
    'trove.common.policy',
    'trove.common.schema',
    'trove.common.token_auth',
    'trove.common.wsgi',
    'trove.compute',
    'trove.db',
    'trove.dns',
    'trove.instance',
    'trove.keystore',
    'trove.taskmanager',
    'trove.testing',
)

LOADED = """
import json, sys
# Namespace packages are put there by the interpreter's own start.
before = set(sys.modules)
from trove.cmd import guest
from trove.common import plugs
from trove.guestagent import dbaas
from trove.storage import base
plugs.load(dbaas.GROUP, sys.argv[1])
plugs.load_all(base.GROUP, base.Store)
print(json.dumps([name for name, module in sys.modules.items() if name not in before and module is not None]))
"""


def loaded(name):
    answer = subprocess.run([sys.executable, '-c', LOADED, name], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


@pytest.mark.parametrize('name', plugs.names(dbaas.GROUP))
def test_agent_loads_nothing_of_the_server_half(name):
    modules = loaded(name)
    assert FORBIDDEN & {module.partition('.')[0] for module in modules} == set()
    assert [module for module in modules if module.startswith(FORBIDDEN_OF_OURS)] == []


def test_only_the_client_library_in_use_is_loaded():
    libraries = {
        'mysql': 'pymysql',
        'mariadb': 'pymysql',
        'percona': 'pymysql',
        'postgresql': 'pg8000',
        'redis': 'redis',
    }
    for name in ('mariadb', 'postgresql', 'redis'):
        found = {module.partition('.')[0] for module in loaded(name)} & set(libraries.values())
        assert found == {libraries[name]}


def test_command_answers():
    command = [sys.executable, '-m', 'trove.cmd.guest']
    answer = subprocess.run([*command, '--help'], check=True, capture_output=True, text=True)
    assert '--config-file' in answer.stdout
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert 'guest_id is not set' in refused.stderr


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ('storage_strategy = swift', "Plug 'swift' of 'trove.storage'"),
        ('[redis]\nbackup_strategy = tape', "Plug 'tape' of 'trove.guestagent.backups'"),
        ('replication_strategy = tape', "Plug 'tape' of 'trove.guestagent.replications'"),
    ],
)
def test_a_plug_that_is_named_and_missing_ends_the_agent(tmp_path, settings, told):
    path = tmp_path / 'guest.conf'
    path.write_text(f'[DEFAULT]\nguest_id = i-1\ndatastore_manager = redis\n{settings}\n')
    command = [sys.executable, '-m', 'trove.cmd.guest', f'--config-file={path}']
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert f'trove-guestagent: {told} cannot be used: it is not installed' in refused.stderr
