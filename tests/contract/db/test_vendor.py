"""A vendor's tables beside ours on each database: their migrations, their plugin and their records."""

import itertools
import secrets
import sys

import pytest
import sqlalchemy as sa

from tests.fixtures import vendor
from trove.cmd import common, manage
from trove.common import exception
from trove.db import base, get_db_api, models
from trove.db.sqlalchemy import mappers, migration, session, tables
from trove.testing import db_plugins

FIRST = """
    import sqlalchemy as sa

    metadata = sa.MetaData()
    parts = sa.Table(
        'acme_parts',
        metadata,
        sa.Column('id', sa.String(36), primary_key=True),
        sa.Column('name', sa.String(64), nullable=False, unique=True),
        sa.Column('count', sa.Integer, nullable=False, server_default='1'),
        mysql_engine='InnoDB',
        mysql_collate='utf8mb4_bin',
    )

    def upgrade(migrate_engine):
        metadata.create_all(migrate_engine, checkfirst=True)
"""
SECOND = """
    import pathlib

    import sqlalchemy as sa

    metadata = sa.MetaData()
    numbered = sa.Table('acme_numbers', metadata, sa.Column('number', sa.Integer, primary_key=True))

    def upgrade(migrate_engine):
        metadata.create_all(migrate_engine, checkfirst=True)
        if pathlib.Path(__file__).with_name('broken').exists():
            raise sa.exc.InvalidRequestError('half of it is done')
"""

metadata = sa.MetaData()
parts = sa.Table(
    'acme_parts',
    metadata,
    sa.Column('id', sa.String(36), primary_key=True),
    sa.Column('name', sa.String(64), nullable=False),
    sa.Column('count', sa.Integer, nullable=False, default=1),
)
numbers = sa.Table('acme_numbers', metadata, sa.Column('number', sa.Integer, primary_key=True))


class Part(base.Model):
    """A vendor's record with a key of text."""


class Number(base.Model):
    """A vendor's record with a key that is a number."""


class Mapper:
    def map(self, engine):
        mappers.map_record(Part, parts)
        mappers.map_record(Number, numbers)


class Plugin:
    """What ``db_plugins`` names."""

    mapper = Mapper()


PATH = f'{__name__}.Plugin'


@pytest.fixture
def repository(tmp_path):
    return vendor.make_repository(tmp_path / 'acme_repository', FIRST, SECOND)


@pytest.fixture
def rows(control_database, tmp_path_factory, repository):
    """A control database with the vendor's tables, which this process is connected to."""
    migration.db_sync(control_database.url, repo_path=repository)
    control_database.conf.register_opts(common.OPTS)
    control_database.conf.set_override('db_plugins', [PATH])
    common.connect_database(control_database.conf)
    yield control_database
    with get_db_api().transaction() as writer:
        writer.execute(sa.delete(parts))
        writer.execute(sa.delete(numbers))


# -- migrations --------------------------------------------------------------------------


def content(url, table):
    """Return the rows of a table, or None when there is no such table."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, future=True)
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(table):
            return None
        return connection.execute(sa.text(f'SELECT repository_id, version FROM {table}')).all()


@pytest.mark.parametrize('is_vendor_first', [False, True])
def test_either_order_and_no_version_table_is_touched_by_the_other(empty_database, repository, is_vendor_first):
    order = [repository, None] if is_vendor_first else [None, repository]
    newest = {path: migration.db_sync(empty_database, repo_path=path) for path in order}
    expected = {'migrate_version': [('trove', newest[None])], 'acme_version': [('acme', 2)]}
    for path in itertools.chain(order, order):
        assert {table: content(empty_database, table) for table in expected} == expected
        assert migration.db_sync(empty_database, repo_path=path) == newest[path]
        assert migration.db_version(empty_database, path) == newest[path]


def test_ours_alone_makes_no_table_of_theirs_and_the_reverse(empty_database, repository):
    migration.db_sync(empty_database, 1, repository)
    assert content(empty_database, 'migrate_version') is None
    assert (migration.db_version(empty_database), migration.db_version(empty_database, repository)) == (0, 1)
    migration.db_sync(empty_database)
    assert content(empty_database, 'acme_version') == [('acme', 1)]


def test_half_failed_migration_is_run_again(empty_database, repository, tmp_path):
    ours = migration.db_sync(empty_database)
    broken = tmp_path / 'acme_repository' / 'versions' / 'broken'
    broken.touch()
    for _ in range(2):
        with pytest.raises(migration.MigrationError, match='repository acme: half of it is done; mend the cause'):
            migration.db_sync(empty_database, repo_path=repository)
        assert migration.db_version(empty_database, repository) == 1
        assert content(empty_database, 'migrate_version') == [('trove', ours)]
    broken.unlink()
    assert migration.db_sync(empty_database, repo_path=repository) == 2
    assert migration.db_version(empty_database) == ours


def test_the_tool_brings_it_up_and_tells_its_version(sqlite_server, repository, tmp_path, capsys):
    url = sqlite_server.make_database('tool')
    (tmp_path / 'trove.conf').write_text(f'[database]\nconnection = {url}\n')
    config = f'--config-file={tmp_path / "trove.conf"}'
    for command, told in (('db_version', '0\n'), ('db_sync', 'The database is at version 2.\n'), ('db_version', '2\n')):
        assert manage.main([config, command, f'--repo_path={repository}']) == 0
        assert capsys.readouterr().out == told
    assert manage.main([config, 'db_version']) == 0
    assert capsys.readouterr().out == '0\n'


# -- the plugin --------------------------------------------------------------------------


def test_loading_again_does_no_harm(rows):
    Part(id='one', name='first').save()
    rows.conf.set_override('db_plugins', [PATH, PATH])
    common.connect_database(rows.conf)
    common.connect_database(rows.conf)
    assert Part.find_by(id='one').name == 'first'


@pytest.fixture
def refusal(sqlite_control_database, tmp_path):
    """Installs a package with a plugin of this source; returns what keeps a process from starting."""
    conf = sqlite_control_database.conf
    conf.register_opts(common.OPTS)

    def connect(source, name='acme'):
        site.install(modules={'acme_tables': source}, trove__db_plugins={'acme': 'acme_tables:Plugin'})
        conf.set_override('db_plugins', [name])
        with pytest.raises(exception.PlugError) as caught:
            common.connect_database(conf)
        assert isinstance(caught.value, common.CANNOT_START)
        return str(caught.value)

    with vendor.site(tmp_path) as site:
        yield connect


MAPPING = """
    class Plugin:
        class mapper:
            def map(engine):
                {}
"""


@pytest.mark.parametrize(
    ('source', 'cause'),
    [
        ('import nowhere', "cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
        ('x = 1', 'cannot be imported (AttributeError:'),
        ('class Plugin:\n    def __init__(self, more): pass', 'cannot be made (TypeError:'),
        ('class Plugin: pass', 'has no mapper with a method map(engine)'),
        ('class Plugin:\n    mapper = 7', 'has no mapper with a method map(engine)'),
        ('class Plugin:\n    @property\n    def mapper(self): raise OSError("gone")', 'cannot be made (OSError: gone)'),
        (MAPPING.format('engine.nothing'), 'cannot map its tables (AttributeError:'),
        (
            MAPPING.format('import sqlalchemy as sa; sa.Table("acme_gone", sa.MetaData(), autoload_with=engine)'),
            'cannot map its tables (NoSuchTableError: acme_gone)',
        ),
        (
            'class AcmeError(Exception): pass\n'
            'class Mapper:\n    def map(self, engine): raise AcmeError("no licence")\n'
            'class Plugin: mapper = Mapper()',
            'cannot map its tables (AcmeError: no licence)',
        ),
    ],
)
def test_plugin_that_cannot_be_used_is_told_with_package_and_cause(refusal, source, cause):
    told = refusal(source)
    assert told.startswith("Plug 'acme' of 'trove.db_plugins' cannot be used: acme_tables:Plugin of acme-trove 1.2 ")
    assert cause in told


def test_plugin_that_a_dotted_path_names_is_told_too(refusal):
    assert 'acme_tables.Other cannot be imported (AttributeError' in refusal('class Plugin: pass', 'acme_tables.Other')


def test_plugin_that_is_not_installed_is_told(refusal):
    assert "Plug 'nosuch' of 'trove.db_plugins' cannot be used: it is not installed (installed: acme)" in refusal(
        'class Plugin: pass', 'nosuch'
    )


def test_plugin_may_be_an_object_of_a_module(sqlite_control_database, tmp_path):
    source = """
        class Mapper:
            engines = []

            def map(self, engine):
                self.engines.append(engine)

        mapper = Mapper()
    """
    conf = sqlite_control_database.conf
    conf.register_opts(common.OPTS)
    with vendor.site(tmp_path) as site:
        site.install(modules={'acme_module': source}, trove__db_plugins={'acme.tables': 'acme_module'})
        conf.set_override('db_plugins', ['acme.tables'])
        common.connect_database(conf)
        assert sys.modules['acme_module'].mapper.engines == [session.get_engine()]


# -- records -----------------------------------------------------------------------------


def test_a_record_is_saved_changed_and_deleted(rows):
    part = Part(id='one', name='first')
    part.save()
    assert part.count == 1
    part.name = 'other'
    part.save()
    assert [(found.id, found.name) for found in Part.find_all()] == [('one', 'other')]
    assert part.delete()
    assert not part.delete()
    assert Part.find_all() == []
    with pytest.raises(exception.NotFound, match='Part could not be found'):
        Part.find_by(id='one')


def test_only_what_was_changed_is_written(rows):
    Part(id='one', name='first').save()
    one, other = Part.find_by(id='one'), Part.find_by(name='first')
    one.count = 5
    one.save()
    other.name = 'second'
    other.save()
    assert (other.name, other.count) == ('second', 5)


def test_a_record_that_was_deleted_meanwhile_is_told(rows):
    part = Part(id='one', name='first')
    part.save()
    Part.find_by(id='one').delete()
    part.name = 'other'
    with pytest.raises(exception.NotFound):
        part.save()
    assert part.name == 'other'


def test_a_constraint_is_told_and_the_record_keeps_its_values(rows):
    Part(id='one', name='first').save()
    twin = Part(id='two', name='first', count=7)
    with pytest.raises(exception.Conflict) as caught:
        twin.save()
    assert 'first' not in str(caught.value)
    assert (twin.id, twin.name, twin.count) == ('two', 'first', 7)
    twin.name = 'second'
    twin.save()
    assert Part.find_by(name='second').count == 7


def test_all_in_one_transaction_with_records_of_ours(rows):
    with pytest.raises(LookupError), get_db_api().transaction() as writer:
        Part(id='one', name='first').save(writer)
        writer.add(models.Datastore(id='d', name='acme'))
        assert Part.find_by(writer, id='one').name == 'first'
        raise LookupError
    assert Part.find_all() == []
    with get_db_api().transaction() as writer:
        Part(id='one', name='first').save(writer)
        writer.add(models.Datastore(id='d', name='acme'))
    with get_db_api().transaction() as writer:
        part = Part.find_by(writer, id='one')
        assert part.delete(writer)
        assert writer.execute(sa.select(tables.datastores.c.id)).scalars().all() == ['d']
    assert Part.find_all() == []


def test_pages(rows):
    for number in range(5):
        Part(id=f'id-{number}', name=f'name {number}', count=number % 2).save()
    page, marker = Part.find_page(2)
    assert ([part.id for part in page], marker) == (['id-0', 'id-1'], 'id-1')
    page, marker = Part.find_page(3, marker)
    assert ([part.id for part in page], marker) == (['id-2', 'id-3', 'id-4'], None)
    page, marker = Part.find_page(2, None, None, count=0)
    assert ([part.id for part in page], marker) == (['id-0', 'id-2'], 'id-2')
    assert Part.find_page(2, 'zzz') == ([], None)


def test_pages_by_numbers(rows):
    for number in (2, 10, 9):
        Number(number=number).save()
    page, marker = Number.find_page(2)
    assert ([one.number for one in page], marker) == ([2, 9], '9')
    assert [one.number for one in Number.find_page(2, marker)[0]] == [10]
    for bad in ('one', '', '-1', '9' * 19, '٣'):
        with pytest.raises(exception.BadRequest):
            Number.find_page(2, bad)


# -- the suite ---------------------------------------------------------------------------


class Suite(db_plugins.DatabasePluginContract):
    name = PATH

    @pytest.fixture
    def any_repository(self, tmp_path):
        return vendor.make_repository(tmp_path / 'acme_repository', FIRST, SECOND)


class TestParts(Suite):
    """On each of our databases."""

    @pytest.fixture
    def url(self, empty_database):
        yield empty_database
        session.dispose()

    @classmethod
    def make_record(cls, number):
        return Part(id=f'id-{number}', name=f'name {number}')


class TestNumbers(Suite):
    """On the two that a vendor tries: SQLite and one that is given."""

    @pytest.fixture
    def given_url(self, postgresql_server):
        return postgresql_server.make_database(f'suite_{secrets.token_hex(6)}')

    @classmethod
    def make_record(cls, number):
        return Number(number=8 + number)
