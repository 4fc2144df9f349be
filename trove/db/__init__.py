"""The socket of the database: which implementation stands behind it."""

from types import ModuleType

from trove.db.sqlalchemy import api


def get_db_api() -> ModuleType:
    """Return the database API that this installation uses."""
    return api
