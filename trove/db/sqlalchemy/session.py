"""The engine and its sessions: one transaction for writing, plain ones for reading."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import sqlalchemy as sa
from oslo_config import cfg
from oslo_log import log as logging
from sqlalchemy import event, exc, orm

from trove.common import exception

LOG = logging.getLogger(__name__)

GROUP = 'database'
OPTS = [
    cfg.StrOpt(
        'connection',
        secret=True,
        default='sqlite:////var/lib/trove/trove.sqlite',
        help='SQLAlchemy URL of the control database: sqlite, mysql+pymysql or postgresql+psycopg2.',
    ),
    cfg.IntOpt('max_pool_size', default=20, min=1, help='Connections that a process keeps open at most.'),
    cfg.IntOpt('max_overflow', default=40, min=0, help='Connections beyond the pool under a burst of requests.'),
    cfg.IntOpt(
        'pool_timeout',
        default=3,
        min=1,
        help='Seconds that a request waits for a free connection before it is answered 503.',
    ),
    cfg.IntOpt(
        'connect_timeout', default=5, min=1, help='Seconds that the server of the database has to take a connection.'
    ),
    cfg.IntOpt(
        'answer_timeout',
        default=60,
        min=1,
        help='Seconds without an answer after which a server of the database counts as away. Longer than any lock is '
        'waited for.',
    ),
    cfg.IntOpt('connection_recycle_time', default=3600, help='Seconds after which an idle connection is replaced.'),
    cfg.IntOpt('busy_timeout', default=10, min=1, help='Seconds SQLite waits for another writer.'),
]

Result = TypeVar('Result')

MAX_ATTEMPTS = 8


class _State:
    """The engine and the two session factories of this process, and the engine of one connection that probes use."""

    engine: sa.engine.Engine | None = None
    probe: sa.engine.Engine | None = None
    writers: orm.sessionmaker | None = None
    readers: orm.sessionmaker | None = None


def configure(conf: cfg.ConfigOpts) -> sa.engine.Engine:
    """Make the engine from ``[database]``; a later call replaces it."""
    dispose()
    settings = conf[GROUP]
    engine = create_engine(settings.connection, settings)
    _State.engine = engine
    _State.probe = create_engine(settings.connection, settings, pool_size=1, max_overflow=0)
    _State.writers = orm.sessionmaker(bind=engine.execution_options(is_write=True), future=True, expire_on_commit=False)
    _State.readers = orm.sessionmaker(bind=engine, future=True, expire_on_commit=False)
    return engine


def create_engine(url: str, settings: Any, **changes: Any) -> sa.engine.Engine:
    """Return an engine for one of the three databases, set up as we need it but for ``changes``."""
    options: dict[str, Any] = {
        'future': True,
        # An error is logged with its statement; the values in it may be secrets.
        'hide_parameters': True,
        'poolclass': sa.pool.QueuePool,
        'pool_size': settings.max_pool_size,
        'max_overflow': settings.max_overflow,
        'pool_timeout': settings.pool_timeout,
        **changes,
    }
    if url.startswith('sqlite'):
        engine = sa.create_engine(url, connect_args={'check_same_thread': False}, **options)
        event.listen(engine, 'connect', _sqlite_connected(settings.busy_timeout))
        event.listen(engine, 'begin', _sqlite_began)
        return engine
    return sa.create_engine(
        url,
        isolation_level='READ COMMITTED',
        pool_pre_ping=True,
        pool_recycle=settings.connection_recycle_time,
        connect_args=_patience(url, settings),
        **options,
    )


def _patience(url: str, settings: Any) -> dict[str, int]:
    """Return how long the driver waits for its server."""
    if url.startswith('mysql'):
        seconds = settings.answer_timeout
        return {'connect_timeout': settings.connect_timeout, 'read_timeout': seconds, 'write_timeout': seconds}
    return {'connect_timeout': settings.connect_timeout, 'tcp_user_timeout': settings.answer_timeout * 1000}


def _sqlite_connected(busy_timeout_seconds: int) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        # Transactions are begun by us, see _sqlite_began; the driver's own idea of them is switched off.
        connection.isolation_level = None
        connection.execute(f'PRAGMA busy_timeout={busy_timeout_seconds * 1000}')
        connection.execute('PRAGMA journal_mode=WAL')
        connection.execute('PRAGMA synchronous=FULL')
        connection.execute('PRAGMA foreign_keys=ON')

    return prepare


def _sqlite_began(connection: sa.engine.Connection) -> None:
    # A writer takes the write lock at once: a reader that turns writer would fail when another one wrote meanwhile.
    is_write = connection.get_execution_options().get('is_write')
    connection.exec_driver_sql('BEGIN IMMEDIATE' if is_write else 'BEGIN')


def get_engine() -> sa.engine.Engine:
    """Return the engine; ``ConfigurationError`` when none was configured."""
    if _State.engine is None:
        raise exception.ConfigurationError(reason='the database was not configured')
    return _State.engine


def dispose() -> None:
    """Close all connections, for example after a fork."""
    for engine in (_State.engine, _State.probe):
        if engine is not None:
            engine.dispose()


@contextlib.contextmanager
def probing() -> Iterator[sa.engine.Connection]:
    """A connection of its own for who asks how the database is; a full pool of the others tells nothing of that."""
    get_engine()
    assert _State.probe is not None
    with _State.probe.connect() as connection:
        yield connection


@contextlib.contextmanager
def transaction() -> Iterator[orm.Session]:
    """A session whose work is committed at the end, or rolled back by an exception.

    Raises ``ServiceUnavailable`` when the database is away.
    """
    get_engine()
    assert _State.writers is not None
    with _translated(), _State.writers.begin() as session:
        yield session


@contextlib.contextmanager
def reading() -> Iterator[orm.Session]:
    """A session for reading only; what it read may be used after it is closed."""
    get_engine()
    assert _State.readers is not None
    with _translated(), _State.readers() as session:
        yield session


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        if is_conflict(error):
            LOG.debug('A transaction gave way to another one: %s', type(error.__cause__ or error).__name__)
            raise TransactionConflict() from error
        LOG.error('The database could not be used: %s', type(error.__cause__ or error).__name__)
        raise exception.ServiceUnavailable('The database is not available at the moment; try again.') from error


class TransactionConflict(exception.ServiceUnavailable):
    """Two transactions stood in each other's way; the same one may work when tried again."""


def is_conflict(error: Exception) -> bool:
    """Return whether the database gave up a transaction in favour of another one."""
    text = str(getattr(error, 'orig', error)).lower()
    return any(word in text for word in ('deadlock', 'lock wait timeout', 'could not serialize', 'database is locked'))


def run(function: Callable[[orm.Session], Result], pause: Callable[[float], object] = time.sleep) -> Result:
    """Run a function in a transaction, again when it collided with another one.

    The function must change nothing but the session, because it may run several times.
    """
    for attempt in range(MAX_ATTEMPTS - 1):
        try:
            with transaction() as session:
                return function(session)
        except TransactionConflict:
            pause(random.uniform(0, 0.02 * 2**attempt))
    with transaction() as session:
        return function(session)
