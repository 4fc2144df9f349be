"""One question at a time, in memcached's own text protocol."""

import contextlib
import socket

from trove.common import exception

TIMEOUT_SECONDS = 5.0


def ask(address: str, port: int, command: str, last: str) -> list[str]:
    """Return the lines of an answer up to the one that begins with ``last``; ``GuestError`` when there is none."""
    lines = []
    try:
        with (
            contextlib.closing(socket.create_connection((address, port), TIMEOUT_SECONDS)) as connection,
            connection.makefile('rw', encoding='utf-8', newline='\r\n') as stream,
        ):
            # The stream makes the protocol's end of a line of this one.
            stream.write(f'{command}\n')
            stream.flush()
            while not (line := _read(stream.readline())).startswith(last):
                lines.append(line)
    except (OSError, ValueError) as error:
        reason = f'the engine did not answer {command.split(maxsplit=1)[0]} ({type(error).__name__}: {error})'
        raise exception.GuestError(reason=reason) from None
    return [*lines, line]


def _read(line: str) -> str:
    if not line.endswith('\r\n') or line.startswith(('ERROR', 'CLIENT_ERROR', 'SERVER_ERROR')):
        raise ValueError(line.strip() or 'the connection was closed')
    return line.removesuffix('\r\n')
