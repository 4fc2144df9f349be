"""The contract of plugins of the database, as tests.

A vendor's test module subclasses ``DatabasePluginContract`` and names the plug, the migration repository and how a
record is made. All of it runs on SQLite, and on the database that the fixture ``given_url`` returns.
"""

import configparser
import contextlib
import itertools
import pathlib
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import orm

from trove.cmd import common
from trove.common import exception
from trove.db import base
from trove.db.sqlalchemy import mappers, migration, session, tables

VERSION_TABLE = 'migrate_version'
"""Table of versions of our own repository."""
OUR_ID = 'trove'

Schema = dict[str, Any]


@contextlib.contextmanager
def _inspected(url: str) -> Iterator[tuple[sa.engine.Connection, Any]]:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, future=True)
    with engine.begin() as connection:
        yield connection, sa.inspect(connection)


def describe(url: str) -> Schema:
    """Return what a database says of each of its tables, in a comparable form."""
    with _inspected(url) as (_connection, inspector):
        return {
            name: (
                [(column['name'], repr(column['type']), column['nullable']) for column in inspector.get_columns(name)],
                inspector.get_pk_constraint(name)['constrained_columns'],
                sorted(index['name'] for index in inspector.get_indexes(name)),
                sorted(str(one['column_names']) for one in inspector.get_unique_constraints(name)),
                sorted((one['constrained_columns'], one['referred_table']) for one in inspector.get_foreign_keys(name)),
            )
            for name in inspector.get_table_names()
        }


def versions(url: str, table: str) -> list[tuple[str, int]] | None:
    """Return the rows of a table of versions, or None when there is no such table."""
    with _inspected(url) as (connection, inspector):
        if not inspector.has_table(table):
            return None
        found = connection.execute(sa.text(f'SELECT repository_id, version FROM {table}'))
        return [(row.repository_id, row.version) for row in found]


def names_of(repository: str) -> tuple[str, str]:
    """Return the id and the version table that the configuration of a repository gives it."""
    parser = configparser.ConfigParser()
    parser.read([f'{repository}/migrate.cfg', f'{repository}/migrate.cnf'])
    settings = parser['db_settings']
    return settings.get('repository_id', ''), settings.get('version_table', '')


def _drop_all(url: str) -> None:
    with _inspected(url) as (connection, _inspector):
        found = sa.MetaData()
        found.reflect(connection)
        found.drop_all(connection)


class Databases:
    """What the parts of the contract start from; the subclass names its plug."""

    name: ClassVar[str]
    """Name of the plug in ``trove.db_plugins``, or the dotted path that an operator may write instead."""
    repo_path: ClassVar[str | None] = None
    """Path of the migration repository; None when the plugin brings none."""

    @classmethod
    def make_record(cls, number: int) -> base.Model | None:
        """Return a new record that was not saved; those of other numbers have other keys. None: it has no records."""
        return None

    @pytest.fixture
    def given_url(self) -> str | None:
        """URL of one more database, which must be empty and is emptied again; None: SQLite will do."""
        return None

    @pytest.fixture(params=['sqlite', 'given'])
    def url(self, request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
        """URL of a database without any table."""
        if request.param == 'sqlite':
            yield f'sqlite:///{tmp_path}/control.sqlite'
            return
        given: str | None = request.getfixturevalue('given_url')
        if given is None:
            pytest.skip('no other database is given')
        assert describe(given) == {}, 'the tests empty this database, so nothing may be in it'
        yield given
        session.dispose()
        _drop_all(given)

    @pytest.fixture
    def any_repository(self) -> str | None:
        """Path of the plugin's migration repository, or None."""
        return self.repo_path

    @pytest.fixture
    def repository(self, any_repository: str | None) -> str:
        """Path of the plugin's migration repository."""
        if any_repository is None:
            pytest.skip('it brings no migrations')
        return any_repository

    @pytest.fixture
    def conf(self, url: str, any_repository: str | None, tmp_path: pathlib.Path) -> Iterator[cfg.ConfigOpts]:
        """The configuration of a server whose database was brought up and which is connected to it."""
        migration.db_sync(url)
        if any_repository is not None:
            migration.db_sync(url, repo_path=any_repository)
        path = tmp_path / 'trove.conf'
        # A name that is written twice is one plugin.
        escaped = url.replace('$', '$$')
        path.write_text(f'[DEFAULT]\ndb_plugins = {self.name},{self.name}\n[database]\nconnection = {escaped}\n')
        conf = cfg.ConfigOpts()
        conf([], project='trove', default_config_files=[str(path)], default_config_dirs=[])
        common.connect_database(conf)
        yield conf
        session.dispose()


class MigratingContract(Databases):
    """The plugin's tables beside ours."""

    def test_its_names_are_its_own(self, repository: str) -> None:
        repository_id, version_table = names_of(repository)
        assert repository_id not in ('', OUR_ID)
        assert version_table not in ('', VERSION_TABLE, *tables.metadata.tables)

    def test_it_comes_up_and_a_second_time_changes_nothing(self, url: str, repository: str) -> None:
        assert migration.db_version(url, repository) == 0
        newest = migration.db_sync(url, repo_path=repository)
        assert newest == migration.newest_version(repository) >= 1
        before = describe(url)
        assert migration.db_sync(url, repo_path=repository) == newest == migration.db_version(url, repository)
        assert describe(url) == before

    def test_each_version_leads_to_the_next(self, url: str, repository: str) -> None:
        for number in range(1, migration.newest_version(repository) + 1):
            assert migration.db_sync(url, number, repository) == number

    @pytest.mark.parametrize('is_theirs_first', [False, True])
    def test_either_order_and_no_version_table_is_touched_by_the_other(
        self, url: str, repository: str, is_theirs_first: bool
    ) -> None:
        order = [repository, None] if is_theirs_first else [None, repository]
        newest = {path: migration.db_sync(url, repo_path=path) for path in order}
        their_id, their_table = names_of(repository)
        expected = {VERSION_TABLE: [(OUR_ID, newest[None])], their_table: [(their_id, newest[repository])]}
        for path in itertools.chain(order, order):
            assert {table: versions(url, table) for table in expected} == expected
            assert migration.db_sync(url, repo_path=path) == newest[path] == migration.db_version(url, path)

    def test_its_migrations_leave_our_tables_as_they_are(self, url: str, repository: str) -> None:
        migration.db_sync(url)
        ours = describe(url)
        migration.db_sync(url, repo_path=repository)
        both = describe(url)
        assert {name: both.get(name) for name in ours} == ours
        assert names_of(repository)[1] in both

    def test_alone_it_makes_nothing_of_ours(self, url: str, repository: str) -> None:
        migration.db_sync(url, repo_path=repository)
        assert set(describe(url)) & {VERSION_TABLE, *tables.metadata.tables} == set()
        assert migration.db_version(url) == 0


class MappingContract(Databases):
    """The plugin's records through our sessions."""

    @pytest.fixture
    def records(self, conf: cfg.ConfigOpts) -> Iterator[list[base.Model]]:
        """Five new records; what a test saves of them is deleted."""
        made = [record for record in map(self.make_record, range(5)) if record is not None]
        if not made:
            pytest.skip('it says of no record how it is made')
        yield made
        for row in type(made[0]).find_all():
            row.delete()

    @staticmethod
    def content(record: base.Model) -> dict[str, Any]:
        """Return the values of all columns."""
        mapper: Any = orm.class_mapper(type(record))
        return {attribute.key: getattr(record, attribute.key) for attribute in mapper.column_attrs}

    @staticmethod
    def key(record: base.Model) -> dict[str, Any]:
        """Return the values of the primary key."""
        mapper: Any = orm.class_mapper(type(record))
        names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        return {name: getattr(record, name) for name in names}

    def test_it_loads(self) -> None:
        assert callable(common.DatabasePlugin(self.name).mapper.map)

    def test_mapping_again_does_no_harm(self, conf: cfg.ConfigOpts) -> None:
        for _ in range(2):
            common.connect_database(conf)
        common.DatabasePlugin(self.name).mapper.map(session.get_engine())

    def test_our_records_stay_mapped_as_they_are(self, conf: cfg.ConfigOpts) -> None:
        for model, table in mappers.MAPPINGS:
            assert orm.class_mapper(model).local_table is table

    def test_its_tables_are_those_of_its_migrations(self, url: str, records: list[base.Model]) -> None:
        table: Any = orm.class_mapper(type(records[0])).local_table
        found = describe(url)
        assert table.name in found, 'no migration makes it'
        columns, keys, *_ = found[table.name]
        assert {column.name for column in table.columns} <= {column for column, _type, _is_nullable in columns}
        assert [column.name for column in table.primary_key] == keys
        assert table.name not in tables.metadata.tables

    def test_a_record_is_saved_found_and_deleted(self, records: list[base.Model]) -> None:
        kind = type(records[0])
        for record in records:
            record.save()
            assert self.content(kind.find_by(**self.key(record))) == self.content(record)
            record.save()
        assert len(kind.find_all()) == len(records)
        assert records[0].delete()
        assert not records[0].delete()
        with pytest.raises(exception.NotFound):
            kind.find_by(**self.key(records[0]))
        assert len(kind.find_all()) == len(records) - 1

    def test_one_key_is_one_record(self, records: list[base.Model]) -> None:
        records[0].save()
        twin = self.make_record(0)
        assert twin is not None
        for name, value in self.key(records[0]).items():
            setattr(twin, name, value)
        with pytest.raises(exception.Conflict):
            twin.save()

    def test_pages(self, records: list[base.Model]) -> None:
        kind = type(records[0])
        if len(self.key(records[0])) > 1:
            pytest.skip('what has a key of several columns is not paged')
        for record in records:
            record.save()
        everything = [self.key(one) for one in kind.find_all()]
        seen: list[dict[str, Any]] = []
        marker: str | None = None
        for size in (2, 2, 1):
            page, marker = kind.find_page(2, marker)
            assert len(page) == size
            seen += map(self.key, page)
        assert (seen, marker) == (everything, None)


class DatabasePluginContract(MigratingContract, MappingContract):
    """Held against one plugin; the subclass names it."""
