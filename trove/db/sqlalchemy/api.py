"""The database API: configuration with plugins, and the sessions that all rooms use."""

from typing import Any

from oslo_config import cfg

from trove.db.sqlalchemy import mappers, session

transaction = session.transaction
reading = session.reading
run = session.run


def configure_db(options: cfg.ConfigOpts, *plugins: Any) -> None:
    """Connect to the database and map our records, then those of every plugin.

    A plugin is an object with a ``mapper`` whose ``map(engine)`` adds its tables.
    """
    engine = session.configure(options)
    mappers.map_records()
    for plugin in plugins:
        plugin.mapper.map(engine)
