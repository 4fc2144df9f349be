"""Sessions and engines: what is committed, what is tried again, what is told when the database is away."""

import concurrent.futures
import pathlib
import threading
import types

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from tests.fixtures import databases
from trove.common import clock as trove_clock
from trove.common import exception
from trove.db import get_db_api, models
from trove.db.sqlalchemy import mappers, session, tables

AWAY = {
    'sqlite': 'sqlite:////nowhere/at/all.sqlite',
    'mariadb': 'mysql+pymysql://trove:secret@127.0.0.1:1/control',
    'postgresql': 'postgresql+psycopg2://trove:secret@127.0.0.1:1/control',
}


def names():
    with get_db_api().reading() as reader:
        return sorted(reader.execute(sa.select(tables.datastores.c.name)).scalars())


def add(writer, name):
    writer.add(models.Datastore(id=name, name=name))
    writer.flush()


def test_transaction_is_committed_at_its_end(control_database):
    with get_db_api().transaction() as writer:
        add(writer, 'acme')
        assert names() == []
    assert names() == ['acme']


def test_transaction_is_rolled_back_by_an_exception(control_database):
    with pytest.raises(exception.NotFound), get_db_api().transaction() as writer:
        add(writer, 'acme')
        raise exception.NotFound()
    assert names() == []


def test_what_was_read_outlives_its_session(control_database):
    get_db_api().run(lambda writer: add(writer, 'acme'))
    with get_db_api().reading() as reader:
        datastore = reader.get(models.Datastore, 'acme')
    assert (datastore.name, datastore.default_version_id) == ('acme', None)


def test_names_that_differ_in_case_differ(control_database):
    for name in ('acme', 'Acme'):
        get_db_api().run(lambda writer, name=name: add(writer, name))
    assert names() == ['Acme', 'acme']


def test_breach_of_a_constraint_is_the_callers_affair(control_database):
    version = models.DatastoreVersion(id='v', datastore_id='nobody', name='1', version='1', manager='mysql')
    with pytest.raises(exc.IntegrityError), get_db_api().transaction() as writer:
        writer.add(version)


def test_values_come_back_as_they_were_written(control_database):
    value = {'text': 'ä€😀', 'number': 12345678901, 'list': [1.5, None, True]}
    operation = {
        'id': 'one', 'kind': 'make', 'subject_id': 's', 'state': 'PENDING', 'step': 'begin', 'spec': value, 'memo': {},
        'deadline_at': 1_763_700_000.123456, 'is_cancelled': False,
        'created': trove_clock.utcnow(), 'updated': trove_clock.utcnow(),
    }  # fmt: skip
    get_db_api().run(lambda writer: writer.add(models.Operation(**operation)))
    with get_db_api().reading() as reader:
        record = reader.get(models.Operation, 'one')
    assert {name: getattr(record, name) for name in operation} == operation


def test_null_and_empty_json_are_told_apart(control_database):
    get_db_api().run(lambda writer: add(writer, 'acme'))

    def change(writer):
        writer.add(models.DatastoreVersion(id='v', datastore_id='acme', name='1', version='1', manager='mysql'))
        writer.flush()
        for identifier, charge in (('one', None), ('two', {})):
            writer.add(
                models.Instance(
                    id=identifier, name=identifier, project_id='p', datastore_version_id='v', flavor_id='1',
                    task_code=1, quota_charge=charge, created=trove_clock.utcnow(), updated=trove_clock.utcnow(),
                )
            )  # fmt: skip

    get_db_api().run(change)
    with get_db_api().reading() as reader:
        query = sa.select(tables.instances.c.id).where(tables.instances.c.quota_charge.is_(sa.null()))
        assert reader.execute(query).scalars().all() == ['one']
        assert reader.get(models.Instance, 'two').quota_charge == {}


# -- conflicts -------------------------------------------------------------------


def test_transactions_that_lock_each_other_out_are_run_again(served_control_database):
    """SQLite has one writer at a time and cannot come to this."""
    for name in ('a', 'b'):
        get_db_api().run(lambda writer, name=name: add(writer, name))
    barrier = threading.Barrier(2)
    attempts = []

    def change(order):
        is_first = order not in attempts

        def lock(writer, name):
            table = tables.datastores
            writer.execute(sa.update(table).where(table.c.id == name).values(default_version_id=order))

        def work(writer):
            attempts.append(order)
            lock(writer, order[0])
            if attempts.count(order) == 1:
                barrier.wait(30)
            lock(writer, order[1])

        assert is_first
        get_db_api().run(work, pause=lambda _seconds: None)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(change, ['ab', 'ba']))
    # PostgreSQL lets who gave way have the row before the other one is awake, and they collide once more.
    assert len(attempts) >= 3


def test_busy_sqlite_is_tried_again(sqlite_control_database):
    database = sqlite_control_database
    database.conf.set_override('busy_timeout', 1, group=session.GROUP)
    session.configure(database.conf)
    blocker = sa.create_engine(database.url, poolclass=sa.pool.NullPool).raw_connection()
    blocker.isolation_level = None
    blocker.execute('BEGIN IMMEDIATE')
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        blocker.rollback()

    get_db_api().run(lambda writer: add(writer, 'acme'), pause=pause)
    blocker.close()
    assert names() == ['acme']
    assert len(pauses) == 1


def test_endless_conflict_is_told(control_database):
    attempts = []

    def collide(_writer):
        attempts.append(1)
        raise session.TransactionConflict()

    with pytest.raises(session.TransactionConflict):
        get_db_api().run(collide, pause=lambda _seconds: None)
    assert len(attempts) == session.MAX_ATTEMPTS


def test_other_errors_are_not_tried_again(control_database):
    attempts = []

    def fail(_writer):
        attempts.append(1)
        raise exception.ServiceUnavailable()

    with pytest.raises(exception.ServiceUnavailable):
        get_db_api().run(fail)
    assert len(attempts) == 1


# -- away ------------------------------------------------------------------------


@pytest.mark.parametrize('kind', AWAY)
def test_database_that_is_away_is_told_without_its_password(kind, caplog):
    databases.connect(AWAY[kind])
    for scope in (get_db_api().transaction, get_db_api().reading):
        with pytest.raises(exception.ServiceUnavailable) as caught, scope() as current:
            current.execute(sa.select(tables.datastores))
        assert 'secret' not in str(caught.value)
    assert caplog.messages
    assert 'secret' not in caplog.text


def test_connections_that_the_server_cut_are_replaced(served_control_database):
    get_db_api().run(lambda writer: add(writer, 'acme'))
    _cut_all_others(served_control_database)
    assert names() == ['acme']


def test_connection_cut_within_a_transaction_is_told(served_control_database):
    with pytest.raises(exception.ServiceUnavailable), get_db_api().transaction() as writer:
        add(writer, 'acme')
        _cut_all_others(served_control_database)
        add(writer, 'other')
    assert names() == []


def _cut_all_others(database):
    engine = sa.create_engine(database.url, poolclass=sa.pool.NullPool, future=True)
    with engine.connect() as connection:
        if database.kind == 'postgresql':
            others = 'pid != pg_backend_pid() AND datname = current_database()'
            connection.exec_driver_sql(f'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}')
            return
        query = 'SELECT id FROM information_schema.processlist WHERE id != connection_id() AND db = database()'
        for identifier in connection.exec_driver_sql(query).scalars().all():
            connection.exec_driver_sql(f'KILL {identifier}')


def test_exhausted_pool_is_told(control_database):
    for name, value in (('max_pool_size', 1), ('max_overflow', 0), ('pool_timeout', 1)):
        control_database.conf.set_override(name, value, group=session.GROUP)
    session.configure(control_database.conf)
    with get_db_api().reading() as reader:
        reader.execute(sa.select(tables.datastores))
        with pytest.raises(exception.ServiceUnavailable):
            names()


# -- set-up ----------------------------------------------------------------------


def test_sqlite_is_set_up_for_several_processes(sqlite_control_database):
    with get_db_api().reading() as reader:
        settings = {
            name: reader.execute(sa.text(f'PRAGMA {name}')).scalar()
            for name in ('journal_mode', 'busy_timeout', 'synchronous', 'foreign_keys')
        }
    assert settings == {'journal_mode': 'wal', 'busy_timeout': 10_000, 'synchronous': 2, 'foreign_keys': 1}
    assert pathlib.Path(sqlite_control_database.url.removeprefix('sqlite:///')).exists()


def test_sqlite_writer_holds_the_lock_from_its_beginning(sqlite_control_database):
    sqlite_control_database.conf.set_override('busy_timeout', 1, group=session.GROUP)
    session.configure(sqlite_control_database.conf)
    with get_db_api().transaction() as writer:
        writer.execute(sa.select(tables.datastores))
        with pytest.raises(session.TransactionConflict), get_db_api().transaction() as other:
            other.execute(sa.select(tables.datastores))


class Part(models.Record):
    """A vendor's record."""


class VendorMapper:
    """Adds a table, as a vendor's plugin does."""

    def map(self, engine):
        metadata = sa.MetaData()
        table = sa.Table('vendor_parts', metadata, sa.Column('id', sa.String(36), primary_key=True))
        metadata.create_all(engine)
        if not mappers.mapping_exists(Part):
            mappers.registry.map_imperatively(Part, table)


def test_plugin_maps_its_own_tables(control_database):
    plugin = types.SimpleNamespace(mapper=VendorMapper())
    get_db_api().configure_db(control_database.conf, plugin)
    get_db_api().run(lambda writer: writer.add(Part(id='one')))
    with get_db_api().reading() as reader:
        assert reader.get(Part, 'one').id == 'one'
    get_db_api().run(lambda writer: writer.execute(sa.text('DROP TABLE vendor_parts')))


def test_mapping_exists_once_a_class_is_mapped(sqlite_control_database):
    assert mappers.mapping_exists(models.Operation)
    assert not mappers.mapping_exists(types.SimpleNamespace)


def test_use_before_configuration_is_told(monkeypatch):
    monkeypatch.setattr(session._State, 'engine', None)
    with pytest.raises(exception.ConfigurationError), get_db_api().reading():
        pass
