"""What all daemons share: configuration, database with its plugins, the bus, and the loop that serves.

This folder is the only place that names eventlet; a daemon patches first and imports afterwards.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service as oslo_service

from trove.common import cfg as trove_cfg
from trove.common import exception

LOG = logging.getLogger(__name__)

DB_PLUGINS_GROUP = 'trove.db_plugins'
OPTS = [
    cfg.ListOpt(
        'db_plugins',
        default=[],
        help="Plugins that add tables to the database: names of entry points in 'trove.db_plugins' "
        'or dotted class paths.',
    ),
]


CANNOT_START = (exception.ConfigurationError, exception.PlugError)
"""What a daemon ends with, in one clear line, because starting it again will not help."""


class Part(Protocol):
    """Something that a daemon runs."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def configure(program: str, arguments: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """Read configuration and set up logging. One global configuration, because oslo.messaging insists on it."""
    trove_cfg.read(cfg.CONF, program, sys.argv[1:] if arguments is None else arguments)
    return cfg.CONF


def connect_database(conf: cfg.ConfigOpts) -> None:
    """Connect to the database and map the tables of all ``db_plugins``; ``PlugError`` when one cannot be loaded."""
    from oslo_utils import importutils

    from trove.common import plugs
    from trove.db import get_db_api
    from trove.db.sqlalchemy import session

    trove_cfg.register(conf, OPTS)
    trove_cfg.register(conf, session.OPTS, group=session.GROUP)
    plugins = []
    for name in conf.db_plugins:
        try:
            found = importutils.import_class(name) if '.' in name else plugs.load(DB_PLUGINS_GROUP, name)
        except ImportError as error:
            raise exception.PlugError(group=DB_PLUGINS_GROUP, name=name, reason=str(error)) from error
        plugins.append(found() if isinstance(found, type) else found)
    get_db_api().configure_db(conf, *plugins)
    _check_tables()


def _check_tables() -> None:
    """Raise ``ConfigurationError`` when the database has no tables; one that is away may come."""
    import sqlalchemy as sa
    from sqlalchemy import exc

    from trove.db.sqlalchemy import session, tables

    try:
        is_there = sa.inspect(session.get_engine()).has_table(tables.operations.name)
    except exc.DBAPIError as error:
        LOG.warning('The database is not available yet: %s', type(error.orig).__name__)
        return
    if not is_there:
        raise exception.ConfigurationError(reason='the database has no tables; run "trove-manage db_sync" first')


class Daemon(oslo_service.ServiceBase):
    """Builds its parts where it runs (after a fork) and stops them in the reverse order."""

    def __init__(self, build: Callable[[], Sequence[Part]]) -> None:
        self._build = build
        self._parts: list[Part] = []

    def start(self) -> None:
        try:
            for part in self._build():
                part.start()
                self._parts.append(part)
        except CANNOT_START as error:
            LOG.error('Cannot start: %s', error)
            raise SystemExit(f'{sys.argv[0]}: {error}') from error
        LOG.info('Started')

    def stop(self) -> None:
        # The launcher also stops the copy in the parent process, which never started.
        while self._parts:
            self._parts.pop().stop()

    def wait(self) -> None:
        return

    def reset(self) -> None:
        return


def serve(conf: cfg.ConfigOpts, build: Callable[[], Sequence[Part]], workers: int = 1) -> None:
    """Run the parts in so many processes until SIGTERM; what runs then is finished first."""
    launcher: Any = oslo_service.launch(conf, Daemon(build), workers=workers, restart_method='mutate')
    launcher.wait()


def run(main: Callable[[], None]) -> None:
    """Run a daemon's main function; a configuration that cannot work ends in one clear line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except CANNOT_START as error:
        sys.exit(f'{sys.argv[0]}: {error}')


class RpcServer:
    """A part that serves an RPC topic; the server is made when it starts, because it declares queues then."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._server: Any = None

    def start(self) -> None:
        self._server = self._make()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
