"""What all processes of the server half share: their configuration, and the database with its plugins."""

import sys
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log as logging

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
