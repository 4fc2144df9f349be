"""What keeps a server from starting ends each of its programs at once, in one clear line."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.fixtures import api as api_fixture
from tests.fixtures import vendor
from trove.db.sqlalchemy import migration

DAEMONS = ('api', 'taskmanager', 'conductor')
BROKEN = """
    class AcmeError(Exception):
        pass

    class Plugin:
        class mapper:
            def map(engine):
                raise AcmeError('no licence')
"""
MINE = """
    from trove.common import extensions, wsgi

    class Acme(extensions.ExtensionDescriptor):
        def get_name(self): return 'Acme'
        def get_description(self): return 'Of a vendor.'
        def get_namespace(self): return 'https://acme.example.org'
        def get_updated(self): return '2026-01-01T00:00:00Z'
        def get_resources(self):
            actions = {'/{anything}': {'GET': 'show'}}
            return [extensions.ResourceExtension('instances', Things(), actions=actions)]

    class Things(wsgi.Controller):
        def show(self, req, tenant_id, anything): pass
"""


@pytest.fixture
def run(tmp_path):
    """Runs a daemon, with several workers where it can have them, until it ends; returns code and last line."""
    url = f'sqlite:///{tmp_path / "control.sqlite"}'
    migration.db_sync(url)
    path = api_fixture.write_configuration(tmp_path, url)
    workers = 'trove_api_workers = 2\ntrove_conductor_workers = 2\nbind_host = 127.0.0.1\nbind_port = 0\n'

    def run(name, settings):
        path.write_text(path.read_text().replace('[DEFAULT]', f'[DEFAULT]\n{workers}{settings}', 1))
        command = [sys.executable, '-W', 'ignore', '-m', f'trove.cmd.{name}', '--config-file', str(path)]
        environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=180)
        return done.returncode, done.stderr.splitlines()[-1]

    return run


@pytest.mark.parametrize('name', DAEMONS)
def test_plugin_that_cannot_be_used_ends_every_server(run, tmp_path, name):
    vendor.Site(tmp_path).install(modules={'acme_broken': BROKEN}, trove__db_plugins={'acme': 'acme_broken:Plugin'})
    code, told = run(name, 'db_plugins = acme\n')
    assert code == 1
    assert told.endswith(
        "Plug 'acme' of 'trove.db_plugins' cannot be used: acme_broken:Plugin of acme-trove 1.2 cannot map its tables "
        '(AcmeError: no licence)'
    )


@pytest.mark.parametrize(
    ('name', 'settings', 'told'),
    [
        ('api', 'notifiers = log, pigeon', "Plug 'pigeon' of 'trove.notifiers'"),
        ('taskmanager', 'notifiers = log, pigeon', "Plug 'pigeon' of 'trove.notifiers'"),
        ('taskmanager', 'storage_strategy = swift', "Plug 'swift' of 'trove.storage'"),
    ],
)
def test_plug_that_is_named_and_missing_ends_who_needs_it(run, name, settings, told):
    code, last = run(name, f'{settings}\n')
    assert code == 1
    assert f'{told} cannot be used: it is not installed' in last


def test_extension_that_claims_what_is_ours_ends_the_api(run, tmp_path):
    vendor.Site(tmp_path).install(modules={'acme_mine': MINE}, trove__api__extensions={'acme': 'acme_mine:Acme'})
    code, told = run('api', '')
    assert code == 1
    claim = 'claims the route GET /instances/detail, and so does the API itself of trove 1.0.0'
    assert told.endswith(f'acme_mine:Acme of acme-trove 1.2 {claim}')


def test_plugins_of_the_database_are_no_matter_of_the_guest():
    # The samples hold all options. Asking the daemons' modules would patch this process.
    samples = pathlib.Path(__file__).parents[2] / 'etc' / 'trove'
    assert '\n#db_plugins' in (samples / 'trove.conf.sample').read_text(encoding='utf-8')
    assert 'db_plugins' not in (samples / 'trove-guestagent.conf.sample').read_text(encoding='utf-8')
