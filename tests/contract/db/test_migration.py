"""The migrated schema is the one that the tables describe, on every database, however it came about."""

import itertools
import subprocess
import sys
import textwrap

import pytest
import sqlalchemy as sa

from trove.db.sqlalchemy import migration, tables

VERSION_TABLE = 'migrate_version'


def describe(url):
    """Everything that an inspector tells of a database's tables, in a comparable form."""
    with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
        inspector = sa.inspect(connection)
        return {name: _describe_table(inspector, name) for name in inspector.get_table_names() if name != VERSION_TABLE}


def _describe_table(inspector, name):
    return {
        'columns': [
            (column['name'], repr(column['type']), column['nullable'], column['default'])
            for column in inspector.get_columns(name)
        ],
        'primary_key': inspector.get_pk_constraint(name)['constrained_columns'],
        'foreign_keys': sorted(
            (key['name'], key['constrained_columns'], key['referred_table'], key['referred_columns'])
            for key in inspector.get_foreign_keys(name)
        ),
        'uniques': sorted((key['name'], key['column_names']) for key in inspector.get_unique_constraints(name)),
        'indexes': sorted(
            (index['name'], index['column_names'], bool(index['unique'])) for index in inspector.get_indexes(name)
        ),
        'checks': sorted(check['name'] or '' for check in inspector.get_check_constraints(name)),
    }


def test_migrated_schema_is_that_of_the_tables(empty_database, database_server):
    migration.db_sync(empty_database)
    direct = database_server.make_database(f'direct_{id(empty_database)}')
    tables.metadata.create_all(sa.create_engine(direct, poolclass=sa.pool.NullPool))
    assert describe(empty_database) == describe(direct)
    assert describe(direct).keys() == tables.metadata.tables.keys()


def test_sync_again_changes_nothing(empty_database):
    assert migration.db_version(empty_database) == 0
    newest = migration.db_sync(empty_database)
    assert newest >= 1
    assert migration.db_sync(empty_database) == newest == migration.db_version(empty_database)


# -- interrupted -----------------------------------------------------------------


class Interruption(Exception):
    """Stands for a process that died."""


def sync_until(url, count):
    """Migrate, but die before the statement of this number that changes the schema; return whether it died."""
    statements = itertools.count()

    def interrupt(_connection, _cursor, statement, *_):
        if statement.lstrip().upper().startswith(('CREATE', 'ALTER')) and next(statements) == count:
            raise Interruption()

    sa.event.listen(sa.engine.Engine, 'before_cursor_execute', interrupt)
    try:
        migration.db_sync(url)
    except Interruption:
        return True
    finally:
        sa.event.remove(sa.engine.Engine, 'before_cursor_execute', interrupt)
    return False


def test_migration_that_died_anywhere_can_be_run_again(sqlite_server):
    whole = sqlite_server.make_database('whole')
    migration.db_sync(whole)
    for count in itertools.count():
        url = sqlite_server.make_database(f'died_{count}')
        has_died = sync_until(url, count)
        migration.db_sync(url)
        assert describe(url) == describe(whole)
        if not has_died:
            break
    assert count > len(tables.metadata.tables)


def test_migration_that_dies_again_and_again_comes_to_its_end(empty_database, database_server):
    """Whether what was done is still there (MariaDB) or rolled back (PostgreSQL): the next run copes with it."""
    runs = sum(sync_until(empty_database, count) for count in range(0, 40, 6))
    whole = database_server.make_database(f'whole_{id(empty_database)}')
    migration.db_sync(whole)
    assert describe(empty_database) == describe(whole)
    assert runs >= 2


# -- vendors ---------------------------------------------------------------------

UPGRADES = """
    import sqlalchemy as sa

    metadata = sa.MetaData()
    parts = sa.Table('acme_parts', metadata, sa.Column('id', sa.String(36), primary_key=True))

    def upgrade(migrate_engine):
        metadata.create_all(migrate_engine, checkfirst=True)

    def downgrade(migrate_engine):
        metadata.drop_all(migrate_engine, checkfirst=True)
"""


def make_repository(folder, version_table='acme_version', config='migrate.cnf', script=UPGRADES):
    versions = folder / 'versions'
    versions.mkdir(parents=True)
    (folder / config).write_text(f'[db_settings]\nrepository_id=acme\nversion_table={version_table}\nrequired_dbs=[]\n')
    (versions / '001_acme_parts.py').write_text(textwrap.dedent(script))
    return str(folder)


@pytest.mark.parametrize('version_table', ['acme_version', VERSION_TABLE])
def test_vendors_repository_lives_beside_ours(empty_database, tmp_path, version_table):
    path = make_repository(tmp_path / 'acme', version_table)
    ours = migration.db_sync(empty_database)
    assert migration.db_version(empty_database, path) == 0
    assert migration.db_sync(empty_database, repo_path=path) == 1
    assert (migration.db_version(empty_database, path), migration.db_version(empty_database)) == (1, ours)
    names = describe(empty_database).keys()
    assert {'acme_parts', 'operations'} <= names
    assert migration.db_sync(empty_database, 0, path) == 0
    assert 'acme_parts' not in describe(empty_database)
    assert migration.db_version(empty_database) == ours


def test_vendors_repository_may_come_first(empty_database, tmp_path):
    path = make_repository(tmp_path / 'acme', VERSION_TABLE)
    migration.db_sync(empty_database, repo_path=path)
    assert migration.db_version(empty_database) == 0
    assert migration.db_sync(empty_database) >= 1


def test_librarys_own_name_of_the_configuration_is_taken_too(sqlite_server, tmp_path):
    url = sqlite_server.make_database('cfg')
    path = make_repository(tmp_path / 'acme', config='migrate.cfg')
    assert migration.db_sync(url, repo_path=path) == 1


def test_plain_sql_scripts_are_run(sqlite_server, tmp_path):
    url = sqlite_server.make_database('sql')
    path = make_repository(tmp_path / 'acme')
    script = 'CREATE TABLE acme_more (id VARCHAR(36) PRIMARY KEY);\n'
    (tmp_path / 'acme' / 'versions' / '002_more_sqlite_upgrade.sql').write_text(script)
    assert migration.db_sync(url, repo_path=path) == 2
    assert 'acme_more' in describe(url)


# -- errors ----------------------------------------------------------------------


def test_folder_that_is_no_repository_is_told(tmp_path):
    with pytest.raises(migration.MigrationError, match=f'{tmp_path} is no migration repository'):
        migration.db_sync('sqlite://', repo_path=str(tmp_path))


@pytest.mark.parametrize('version', [-1, 99])
def test_unknown_version_is_told(sqlite_server, version):
    url = sqlite_server.make_database('unknown')
    with pytest.raises(migration.MigrationError, match=f'no version {version} .its newest is'):
        migration.db_sync(url, version)


def test_way_back_that_does_not_exist_is_told(sqlite_server):
    url = sqlite_server.make_database('back')
    newest = migration.db_sync(url)
    with pytest.raises(migration.MigrationError, match='downgrade'):
        migration.db_sync(url, 0)
    assert migration.db_version(url) == newest


def test_script_that_fails_is_told_with_its_cause(sqlite_server, tmp_path):
    url = sqlite_server.make_database('fails')
    script = """
        def upgrade(migrate_engine):
            migrate_engine.execute('INSERT INTO nowhere VALUES (1)')
    """
    path = make_repository(tmp_path / 'acme', script=script)
    with pytest.raises(migration.MigrationError, match='repository acme: no such table: nowhere'):
        migration.db_sync(url, repo_path=path)
    assert migration.db_version(url, path) == 0


@pytest.mark.parametrize(
    'url',
    [
        'mysql+pymysql://trove:secret@127.0.0.1:1/control',
        'postgresql+psycopg2://trove:secret@127.0.0.1:1/control',
        'sqlite:////nowhere/at/all.sqlite',
        'acme://trove:secret@127.0.0.1/control',
        'mysql+acmedriver://trove:secret@127.0.0.1/control',
        'secret',
    ],
)
def test_database_that_cannot_be_reached_is_told_without_its_password(url):
    for function in (migration.db_sync, migration.db_version):
        with pytest.raises(migration.MigrationError) as caught:
            function(url)
        assert 'secret' not in str(caught.value)


def test_libraries_warn_nobody(tmp_path):
    program = f"""
        from trove.db.sqlalchemy import migration
        migration.db_sync('sqlite:///{tmp_path}/quiet.sqlite')
    """
    command = [sys.executable, '-W', 'always', '-c', textwrap.dedent(program)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('', '')
