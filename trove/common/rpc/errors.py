"""Errors that a guest may answer with: names out of one table, and nothing that a name could reach beyond it."""

from typing import Any

from trove.common import exception

KINDS: dict[str, type[exception.TroveError]] = {
    kind.__name__: kind
    for kind in (
        exception.BadRequest,
        exception.ConfigurationError,
        exception.DatabaseExists,
        exception.DatabaseNotFound,
        exception.DatastoreOperationNotSupported,
        exception.GuestError,
        exception.ReservedName,
        exception.UserExists,
        exception.UserNotFound,
    )
}
"""What the guests' datastores raise. Any other error is a ``GuestError`` for who asked."""

MOST_TEXT = 2000


def pack(error: exception.TroveError) -> dict[str, str]:
    """Return an error as it travels: ``{"error": name, "message": text}``."""
    name = next((kind.__name__ for kind in type(error).__mro__ if KINDS.get(kind.__name__) is kind), None)
    return {'error': name or exception.GuestError.__name__, 'message': str(error)[:MOST_TEXT]}


def unpack(values: dict[str, Any]) -> exception.TroveError:
    """Return the error that ``pack`` made the values of; a ``GuestError`` for a name that is not in the table."""
    kind = KINDS.get(str(values.get('error')), exception.GuestError)
    return kind(str(values.get('message'))[:MOST_TEXT])
