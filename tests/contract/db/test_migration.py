"""The migrated schema is the one that the tables describe, on every database, however it came about."""

import sqlalchemy as sa

from trove.db.sqlalchemy import migration, tables

VERSION_TABLE = 'migrate_version'


def describe(url):
    """Everything that an inspector tells of a database's tables, in a comparable form."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    inspector = sa.inspect(engine)
    return {
        name: {
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
        for name in inspector.get_table_names()
        if name != VERSION_TABLE
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
