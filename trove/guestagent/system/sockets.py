"""Sockets that engines listen on."""

import contextlib
import socket

from trove.common import exception


def connect(path: str, timeout_seconds: float) -> socket.socket:
    """Return a connection to a local socket; ``GuestError`` when nobody takes it.

    Made by us and not by a client library, as those leave the socket of a
    connection that failed to the garbage collector.
    """
    with contextlib.ExitStack() as undo:
        connection = undo.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(timeout_seconds)
        try:
            connection.connect(path)
        except OSError as error:
            raise exception.GuestError(reason=f'the engine takes no client ({type(error).__name__})') from None
        undo.pop_all()
        return connection
