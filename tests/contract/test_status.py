"""trove-status tells what does not fit, in words and by its exit code, and shows no secret."""

import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from oslo_config import cfg

from tests.fixtures import api as api_fixture
from tests.fixtures import databases
from trove.cmd import status
from trove.common import clock, crypto
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import migration, session, tables
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = 'canary-of-the-bus'
TITLES = [
    'Database',
    'Plugins of the database',
    'Key of secrets',
    'Paste file',
    'Policies',
    'Message bus',
    'Compute provider',
    'Datastore versions',
    'Operations',
]


class Deployment:
    """A configuration and what it names, all of it in one folder."""

    def __init__(self, folder: pathlib.Path, bus: str) -> None:
        self.folder = folder
        self.url = f'sqlite:///{folder / "control.sqlite"}'
        self.file = api_fixture.write_configuration(folder, self.url)
        self.set('fake://', bus)
        migration.db_sync(self.url)
        databases.connect(self.url)
        with get_db_api().transaction() as writer:
            api_fixture.seed(writer)

    def set(self, old: str, new: str) -> None:
        """Replace a text of the configuration file."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new, 1))

    def add(self, line: str) -> None:
        """Add an option to [DEFAULT]."""
        self.set('[DEFAULT]', f'[DEFAULT]\n{line}')

    def submit(self, kind: str, sealed: str | None = None) -> None:
        """Write an operation."""
        get_db_api().run(
            lambda session: ledger.submit(
                session, ledger.Submission(kind, f'subject of {kind}', 'first', 60.0, sealed=sealed), clock.Clock()
            )
        )


def parse(output: str) -> dict[str, tuple[str, str]]:
    """Return result and details by the title of the check."""
    found: dict[str, tuple[str, str]] = {}
    for block in output.split('+---')[2:]:
        text = ' '.join(line.strip('|').strip() for line in block.splitlines()[1:])
        if text:
            head, _, details = text.removeprefix('Check: ').partition(' Details: ')
            title, _, result = head.partition(' Result: ')
            found[title] = (result, details)
    return found


@pytest.fixture
def served(tmp_path: pathlib.Path, shared_broker: broker.Broker) -> Iterator[Deployment]:
    """A deployment where all is well."""
    yield Deployment(tmp_path, shared_broker.url)
    session.dispose()
    cfg.CONF.reset()


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str]):
    def run(deployment: Deployment, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
        capsys.readouterr()
        code = status.main(['--config-file', str(deployment.file), 'upgrade', 'check', *options])
        shown = capsys.readouterr()
        assert shown.err == ''
        for secret in (SECRET, api_fixture.PASSWORD, (deployment.folder / 'secrets.key').read_text().strip()):
            assert not secret or secret not in shown.out
        return code, parse(shown.out)

    return run


def test_all_is_well(served: Deployment, look) -> None:
    code, found = look(served)
    assert list(found) == TITLES
    assert {title: result for title, (result, _) in found.items() if result != 'Success'} == {}
    assert code == 0
    assert found['Database'][1] == f'It is at version {migration.newest_version()}.'


def test_it_runs_as_a_program(served: Deployment) -> None:
    command = [sys.executable, '-m', 'trove.cmd.status', '--config-file', str(served.file), 'upgrade', 'check']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    assert list(parse(done.stdout)) == TITLES


def test_a_database_without_tables(served: Deployment, look) -> None:
    session.dispose()
    (served.folder / 'control.sqlite').unlink()
    code, found = look(served)
    assert code == 2
    assert found['Database'][0] == 'Failure' and 'trove-manage db_sync' in found['Database'][1]
    assert found['Operations'] == ('Warning', 'Not looked at, because the database could not be read.')
    assert not (served.folder / 'control.sqlite').exists()


def test_a_database_that_is_older_and_one_that_is_newer(served: Deployment, look) -> None:
    newest = migration.newest_version()
    for version, words in ((newest - 1, f'the newest is {newest}; run "trove-manage db_sync"'), (99, 'newer release')):
        with session.get_engine().begin() as connection:
            connection.execute(sa.text('UPDATE migrate_version SET version = :version'), {'version': version})
        code, found = look(served)
        assert (code, found['Database'][0]) == (2, 'Failure')
        assert words in found['Database'][1]


def test_a_database_server_that_is_away(served: Deployment, look) -> None:
    port = broker.free_ports(1)[0]
    served.set(served.url, f'mysql+pymysql://trove:{SECRET}@127.0.0.1:{port}/trove')
    code, found = look(served)
    assert (code, found['Database'][0], found['Operations'][0]) == (2, 'Failure', 'Warning')


def test_repositories_of_vendors_and_plugins(served: Deployment, look, tmp_path: pathlib.Path) -> None:
    vendor = tmp_path / 'vendor'
    (vendor / 'versions').mkdir(parents=True)
    (vendor / 'migrate.cnf').write_text('[db_settings]\nrepository_id=acme\nversion_table=acme_version\n')
    (vendor / 'versions' / '001_tables.py').write_text('def upgrade(engine):\n    pass\n')
    code, found = look(served, '--repo_path', str(vendor))
    assert (code, found[f'Tables of {vendor}'][0]) == (2, 'Failure')
    assert f'--repo_path={vendor}' in found[f'Tables of {vendor}'][1]
    migration.db_sync(served.url, repo_path=str(vendor))
    assert look(served, '--repo_path', str(vendor))[0] == 0

    served.add('db_plugins = nosuch')
    code, found = look(served)
    assert (code, found['Plugins of the database'][0]) == (2, 'Failure')


def test_the_key_of_secrets(served: Deployment, look) -> None:
    key = served.folder / 'secrets.key'
    key.chmod(0o644)
    code, found = look(served)
    assert (code, found['Key of secrets'][0]) == (1, 'Warning')
    assert 'chmod 600' in found['Key of secrets'][1]
    key.write_text('no key\n')
    assert look(served)[1]['Key of secrets'][0] == 'Failure'
    key.write_text('')
    assert look(served)[1]['Key of secrets'][0] == 'Failure'


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ('auth_strategy', 'auth_strategy = nosuch', "no pipeline 'nosuch' in [composite:api]"),
        ('tenant_check', '', 'no [filter:tenant_check]'),
        ('app:rooms', '', 'no [app:rooms]'),
        ('trove.common.limits', 'trove.common.nosuch', 'cannot be loaded'),
    ],
)
def test_the_paste_file(served: Deployment, look, old: str, new: str, words: str) -> None:
    text = api_fixture.PASTE_FILE.read_text()
    if old == 'auth_strategy':
        served.add(new)
    elif new:
        text = text.replace(old, new)
    else:
        text = text.replace(f'[filter:{old}]', '[filter:other]').replace(f'[{old}]', '[app:other]')
    own = served.folder / 'api-paste.ini'
    own.write_text(text)
    served.set(str(api_fixture.PASTE_FILE), str(own))
    code, found = look(served)
    assert (code, found['Paste file'][0]) == (2, 'Failure')
    assert words in found['Paste file'][1]


@pytest.mark.parametrize(
    ('text', 'result', 'words'),
    [
        ('instance:create: role:admin\nmine: role:ops\ninstance:delete: rule:mine\n', 'Success', '3 rules'),
        ('{"instance:create": "role:admin"}', 'Success', '1 rules'),
        ('instance:crate: role:admin\n', 'Warning', 'instance:crate'),
        ('instance:create: role admin\n', 'Failure', 'instance:create'),
        ('instance:create: rule:nosuch\n', 'Failure', 'cannot be used'),
        ('instance:create: [\n', 'Failure', 'cannot be used'),
        ('instance:create: "!"\n', 'Success', '1 rules'),
    ],
)
def test_the_policy_file(served: Deployment, look, text: str, result: str, words: str) -> None:
    (served.folder / 'policy.yaml').write_text(text)
    code, found = look(served)
    assert found['Policies'][0] == result, found['Policies']
    assert words in found['Policies'][1]
    assert code == {'Success': 0, 'Warning': 1, 'Failure': 2}[result]


def test_a_bus_that_is_away_or_refuses(served: Deployment, look, shared_broker: broker.Broker) -> None:
    settings = shared_broker.settings
    served.set(settings.password, SECRET)
    code, found = look(served)
    assert (code, found['Message bus'][0]) == (2, 'Failure')
    assert 'AccessRefused for user trove and virtual host /' in found['Message bus'][1]
    served.set(SECRET, settings.password)
    served.set(f':{settings.port}/', f':{settings.port}/nosuch')
    assert 'virtual host nosuch' in look(served)[1]['Message bus'][1]
    served.set(f':{settings.port}/nosuch', f':{broker.free_ports(1)[0]}/')
    assert 'takes connections' in look(served)[1]['Message bus'][1]


def test_the_compute_provider_and_images(served: Deployment, look) -> None:
    with get_db_api().transaction() as writer:
        writer.execute(
            sa.update(tables.datastore_versions)
            .where(tables.datastore_versions.c.name == '7.0')
            .values(image_tags='', image_id=None)
        )
    assert look(served)[0] == 0
    served.add('compute_provider = nova')
    code, found = look(served)
    assert found['Compute provider'][0] == 'Success', found
    assert (code, found['Datastore versions'][0]) == (1, 'Warning')
    assert found['Datastore versions'][1].endswith('redis 7.0.')
    served.set('compute_provider = nova', 'compute_provider = nosuch')
    assert look(served)[1]['Compute provider'][0] == 'Failure'


def test_managers_of_datastores(served: Deployment, look) -> None:
    with get_db_api().transaction() as writer:
        writer.execute(
            sa.update(tables.datastore_versions)
            .where(tables.datastore_versions.c.name == '7.0')
            .values(manager='nosuch')
        )
    code, found = look(served)
    assert (code, found['Datastore versions'][0]) == (2, 'Failure')
    assert 'redis 7.0 (nosuch)' in found['Datastore versions'][1]
    with get_db_api().transaction() as writer:
        writer.execute(sa.update(tables.datastore_versions).values(is_active=False))
    assert look(served)[1]['Datastore versions'][0] == 'Warning'


def test_operations(served: Deployment, look) -> None:
    sealed = crypto.Sealer.from_file(str(served.folder / 'secrets.key')).seal('canary')
    served.submit('create_instance', sealed)
    code, found = look(served)
    assert (code, found['Operations']) == (0, ('Success', '1 are under way.'))
    served.submit('migrate_moon')
    code, found = look(served)
    assert (code, found['Operations'][0]) == (2, 'Failure')
    assert 'migrate_moon' in found['Operations'][1]


def test_secrets_that_no_key_of_ours_opens(served: Deployment, look) -> None:
    other = served.folder / 'other.key'
    crypto.make_key_file(str(other))
    served.submit('create_instance', crypto.Sealer.from_file(str(other)).seal('canary'))
    code, found = look(served)
    assert (code, found['Operations'][0]) == (2, 'Failure')
    assert 'The secrets of 1 operations' in found['Operations'][1]


def test_what_cannot_be_checked(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    code = status.main(['--config-file', str(tmp_path / 'nowhere.conf'), 'upgrade', 'check'])
    assert code == 255
    shown = capsys.readouterr()
    assert shown.out == ''
    assert shown.err.startswith('trove-status: ') and shown.err.count('\n') == 1
