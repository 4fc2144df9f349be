"""Our own connection to PostgreSQL, and what its errors mean."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pg8000.exceptions
import pg8000.native

from trove.common import exception
from trove.guestagent.datastore.postgresql import options
from trove.guestagent.system import sockets

TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 120

# The second one when another session makes it at the same time.
STATES_DATABASE_EXISTS = ('42P04', '23505')
STATE_ROLE_EXISTS = '42710'
STATES_BAD_LOCALE = ('42809', '22023', '42704')

# The first message of a client that would like TLS: its length and its code.
_SSL_REQUEST = struct.pack('!ii', 8, 80877103)

quote_name = pg8000.native.identifier
quote_value = pg8000.native.literal


class EngineRefused(exception.GuestError):
    """The engine refused a statement; ``state`` is its SQLSTATE. Its text is left out, as it may quote secrets."""

    def __init__(self, state: str) -> None:
        super().__init__(reason=f'the engine refused the statement with SQLSTATE {state}')
        self.state = state


class Session:
    """One open connection to one database; each statement commits by itself."""

    def __init__(self, connection: pg8000.native.Connection, sock: socket.socket) -> None:
        self._connection = connection
        self._sock = sock

    def close(self) -> None:
        """Say good-bye and close, also when the engine is gone."""
        with contextlib.suppress(pg8000.exceptions.InterfaceError, OSError):
            self._connection.close()
        self._sock.close()

    def query(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """Run one statement; ``:name`` stands for a parameter. What takes none uses ``quote_name``, ``quote_value``."""
        try:
            return list(self._connection.run(statement, **parameters) or [])
        except pg8000.exceptions.DatabaseError as error:
            raise EngineRefused(_state(error)) from None
        except (pg8000.exceptions.InterfaceError, OSError) as error:
            raise exception.GuestError(reason=f'the engine does not answer ({type(error).__name__})') from None


class Client:
    """Logs in as our own account over the engine's socket."""

    def __init__(self, socket_path: str, user: str, password: str) -> None:
        self._socket_path = socket_path
        self._user = user
        self._password = password
        self._probe: Session | None = None

    @contextlib.contextmanager
    def session(self, database: str = options.MAINTENANCE_DATABASE) -> Iterator[Session]:
        """Open a session for several statements."""
        session = self._connect(database, STATEMENT_TIMEOUT_SECONDS)
        try:
            yield session
        finally:
            session.close()

    def ping(self) -> None:
        """Ask something by a connection that stays open between the pings; ``GuestError`` without an answer.

        An open connection goes on when the postmaster is stuck, so it is also
        seen whether a new one would be taken; logging in each time would cost
        more than all the rest of an idle agent.
        """
        if self._probe is None:
            self._probe = self._connect(options.MAINTENANCE_DATABASE, TIMEOUT_SECONDS)
        try:
            self._knock()
            self._probe.query('SELECT 1')
        except exception.GuestError:
            self.forget()
            raise

    def _knock(self) -> None:
        try:
            with sockets.connect(self._socket_path, TIMEOUT_SECONDS) as knocking:
                knocking.sendall(_SSL_REQUEST)
                answer = knocking.recv(1)
        except OSError as error:
            raise exception.GuestError(reason=f'the engine takes no client ({type(error).__name__})') from None
        if not answer:
            raise exception.GuestError(reason='the engine takes no client')

    def forget(self) -> None:
        """Close the connection of the pings."""
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.close()

    def _connect(self, database: str, timeout_seconds: int) -> Session:
        with contextlib.ExitStack() as undo:
            sock = undo.enter_context(sockets.connect(self._socket_path, timeout_seconds))
            try:
                connection = pg8000.native.Connection(
                    self._user,
                    password=self._password,
                    sock=sock,
                    ssl_context=False,
                    database=database,
                    application_name='trove-guestagent',
                )
            except pg8000.exceptions.DatabaseError as error:
                raise EngineRefused(_state(error)) from None
            except (pg8000.exceptions.InterfaceError, OSError) as error:
                raise exception.GuestError(reason=f'the engine does not answer ({type(error).__name__})') from None
            undo.pop_all()
            return Session(connection, sock)


def _state(error: pg8000.exceptions.DatabaseError) -> str:
    details = error.args[0] if error.args else {}
    return str(details.get('C', 'unknown')) if isinstance(details, dict) else 'unknown'
