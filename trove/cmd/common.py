"""What all processes of the server half share: their configuration, and the database with its plugins."""

import sys
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import exception

LOG = logging.getLogger(__name__)

DB_PLUGINS_GROUP = 'trove.db_plugins'
DB_PLUGINS_OPTION = 'db_plugins'
OPTS = [
    cfg.ListOpt(
        'db_plugins',
        default=[],
        help="Plugins that add tables to the database: names of entry points in 'trove.db_plugins' "
        'or dotted class paths. One that cannot be used keeps a process from starting.',
    ),
]


CANNOT_START = (exception.ConfigurationError, exception.PlugError)
"""What a daemon ends with, in one clear line, because starting it again will not help."""


def configure(program: str, arguments: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """Read configuration and set up logging. One global configuration, because oslo.messaging insists on it."""
    trove_cfg.read(cfg.CONF, program, sys.argv[1:] if arguments is None else arguments)
    return cfg.CONF


def connect_database(conf: cfg.ConfigOpts) -> None:
    """Connect to the database and map the tables of all ``db_plugins``; ``PlugError`` when one cannot be used."""
    from trove.db import get_db_api
    from trove.db.sqlalchemy import session

    trove_cfg.register(conf, OPTS)
    trove_cfg.register(conf, session.OPTS, group=session.GROUP)
    # A name that is written twice is one plugin.
    plugins = [DatabasePlugin(name) for name in dict.fromkeys(conf.db_plugins)]
    get_db_api().configure_db(conf, *plugins)
    _check_tables()


class DatabasePlugin:
    """One of ``db_plugins``: an object, or a class of objects, with a ``mapper`` whose ``map(engine)`` adds tables.

    Whatever its code raises becomes a ``PlugError`` that names it.
    """

    def __init__(self, name: str) -> None:
        from trove.common import plugs

        if name in plugs.names(DB_PLUGINS_GROUP) or '.' not in name:
            found = plugs.load(DB_PLUGINS_GROUP, name)
            self._plug = plugs.find(DB_PLUGINS_GROUP, name)
        else:
            found = plugs.load_path(DB_PLUGINS_OPTION, name, name)
            self._plug = plugs.Plug(DB_PLUGINS_OPTION, name, name)
        with plugs.blamed(self._plug, 'cannot be made'):
            made = found() if isinstance(found, type) else found
            self._mapper: Any = getattr(made, 'mapper', None)
            is_complete = callable(getattr(self._mapper, 'map', None))
        if not is_complete:
            plugs.refuse(self._plug, 'has no mapper with a method map(engine)')
        self.mapper = self

    def map(self, engine: Any) -> None:
        """Add its tables."""
        from trove.common import plugs

        with plugs.blamed(self._plug, 'cannot map its tables'):
            self._mapper.map(engine)


def _check_tables() -> None:
    """Raise ``ConfigurationError`` when the database has no tables; one that is away may come."""
    import sqlalchemy as sa
    from sqlalchemy import exc

    from trove.db.sqlalchemy import session, tables

    try:
        is_there = sa.inspect(session.get_engine()).has_table(tables.operations.name)
    except exc.DBAPIError as error:
        LOG.warning('The database is not available yet (%s); it is used as soon as it is', type(error.orig).__name__)
        return
    if not is_there:
        raise exception.ConfigurationError(reason='the database has no tables; run "trove-manage db_sync" first')
