"""trove-manage as an operator runs it: in a process of its own."""

import json
import re
import secrets
import subprocess
import sys

import pytest
import sqlalchemy as sa

from tests.fixtures import databases
from trove.cmd import manage
from trove.db import get_db_api, models
from trove.db.sqlalchemy import migration, session

IMPORT = re.compile(r'^import time:.*\| +(\w+)', re.MULTILINE)


def run_process(*words):
    """Run the tool as an operator does; return stdout and stderr."""
    command = [sys.executable, '-m', 'trove.cmd.manage', *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.stdout, done.stderr


def imported(*words):
    """Return the packages that the tool imports when an operator runs it."""
    command = [sys.executable, '-X', 'importtime', '-m', 'trove.cmd.manage', *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return set(IMPORT.findall(done.stderr))


@pytest.fixture
def run(capsys):
    """Runs the tool in this process; returns exit code, stdout and stderr."""

    def run(*words):
        code = manage.main(words)
        return code, *capsys.readouterr()

    yield run
    session.dispose()


@pytest.fixture
def one_line(run):
    """Runs a command that must fail; returns the one line that it tells."""

    def one_line(*words):
        code, shown, errors = run(*words)
        assert (code, shown, errors.count('\n')) == (1, '', 1)
        assert errors.startswith('trove-manage: ')
        return errors

    return one_line


@pytest.fixture
def empty_file(sqlite_server):
    """The URL of an empty database; what differs between databases is tested without the tool."""
    return sqlite_server.make_database(f'manage_{secrets.token_hex(4)}')


@pytest.fixture
def config(empty_file, tmp_path):
    """The option that names a configuration file with an empty database."""
    path = tmp_path / 'trove.conf'
    path.write_text(f'[DEFAULT]\nsecrets_key_file = {tmp_path}/secrets.key\n[database]\nconnection = {empty_file}\n')
    return f'--config-file={path}'


def test_help_is_quiet_and_imports_little():
    shown, errors = run_process('--help')
    assert ('db_sync' in shown, errors) == (True, '')
    found = imported('--help')
    assert 'trove' in found
    assert not found & {'oslo_config', 'sqlalchemy', 'stevedore'}


def test_sync_of_an_empty_sqlite_is_quiet_and_imports_no_daemon(config):
    shown, errors = run_process(config, 'db_sync')
    assert (shown, errors) == (f'The database is at version {migration.newest_version()}.\n', '')
    found = imported(config, 'db_sync')
    assert 'sqlalchemy' in found
    assert not found & {'eventlet', 'oslo_messaging', 'webob'}


def test_registration_is_quiet(config):
    run_process(config, 'db_sync')
    shown, errors = run_process(config, 'datastore_update', 'acme', '')
    assert (shown.count('\n'), errors) == (1, '')
    shown, errors = run_process(config, 'datastore_version_update', 'nosuch', '1', 'mysql', '', '', '1')
    assert (shown, errors) == ('', "trove-manage: Datastore 'nosuch' could not be found.\n")


def test_datastore_is_registered_from_nothing(run, config, empty_file, tmp_path):
    parameters = tmp_path / 'parameters.json'
    entry = {'name': 'max_connections', 'restart_required': False, 'type': 'integer', 'min': 1, 'max': 100}
    parameters.write_text(json.dumps({'configuration-parameters': [entry]}))
    commands = [
        ('db_sync',),
        ('db_version',),
        ('datastore_update', 'acme', ''),
        ('datastore_version_update', 'acme', '10.11', 'mariadb', '', '', '1'),
        ('datastore_update', 'acme', '10.11'),
        ('db_load_datastore_config_parameters', 'acme', '10.11', str(parameters)),
        ('make_secrets_key',),
    ]
    for command in commands:
        code, shown, errors = run(config, *command)
        assert (code, errors) == (0, '')
        assert shown
    databases.connect(empty_file)
    with get_db_api().reading() as reader:
        (version,) = reader.execute(sa.select(models.DatastoreVersion)).scalars()
        (datastore,) = reader.execute(sa.select(models.Datastore)).scalars()
        (parameter,) = reader.execute(sa.select(models.DatastoreParameter)).scalars()
    assert (datastore.name, datastore.default_version_id) == ('acme', version.id)
    assert (version.name, version.manager, version.image_id, version.is_active) == ('10.11', 'mariadb', None, True)
    assert (parameter.name, parameter.min_size, parameter.max_size) == ('max_connections', '1', '100')
    assert (tmp_path / 'secrets.key').stat().st_mode & 0o777 == 0o600


def test_errors_are_one_line(run, one_line, config, tmp_path):
    assert 'db_sync' in one_line(config, 'datastore_update', 'acme', '')
    assert 'no version 99' in one_line(config, 'db_sync', '--version', '99')
    assert 'no migration repository' in one_line(config, 'db_sync', f'--repo_path={tmp_path}')
    assert run(config, 'db_sync')[0] == 0
    assert "'acme' could not be found" in one_line(
        config, 'datastore_version_update', 'acme', '10.11', 'mariadb', '', '', '1'
    )
    assert run(config, 'datastore_update', 'acme', '')[0] == 0
    assert 'is not known' in one_line(config, 'datastore_version_update', 'acme', '10.11', 'nosuch', '', '', '1')
    assert "'8.0' could not be found" in one_line(config, 'datastore_update', 'acme', '8.0')
    load = ('db_load_datastore_config_parameters', 'acme', '10.11')
    assert 'No such file' in one_line(config, *load, str(tmp_path / 'nowhere.json'))
    (tmp_path / 'bad.json').write_text('[{]')
    assert 'no JSON' in one_line(config, *load, str(tmp_path / 'bad.json'))


def test_missing_configuration_and_database_that_is_away_are_one_line(one_line, tmp_path):
    assert 'nowhere.conf' in one_line(f'--config-file={tmp_path}/nowhere.conf', 'db_sync')
    path = tmp_path / 'trove.conf'
    path.write_text('[database]\nconnection = mysql+pymysql://trove:secret@127.0.0.1:1/control\n')
    for command in (('db_sync',), ('db_version',), ('datastore_update', 'acme', '')):
        assert 'secret' not in one_line(f'--config-file={path}', *command)


def test_unexpected_error_shows_where_it_comes_from(run, config, sqlite_server, tmp_path):
    versions = tmp_path / 'acme' / 'versions'
    versions.mkdir(parents=True)
    (tmp_path / 'acme' / 'migrate.cnf').write_text('[db_settings]\nrepository_id=acme\nversion_table=acme\n')
    (versions / '001_broken.py').write_text('def upgrade(migrate_engine):\n    raise RuntimeError("of the vendor")\n')
    code, _, errors = run(config, 'db_sync', f'--repo_path={tmp_path / "acme"}')
    assert code == 1
    assert 'Traceback' in errors
    assert errors.endswith('trove-manage: of the vendor\n')
