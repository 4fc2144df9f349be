"""Our own connection to an engine of the MySQL family, and what its errors mean."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql

from trove.common import exception
from trove.guestagent.system import sockets

ERROR_DATABASE_EXISTS = 1007
ERROR_DATABASE_MISSING = 1008
ERROR_NO_SUCH_THREAD = 1094
ERROR_CANNOT_USER = 1396

TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 120


class EngineRefused(exception.GuestError):
    """The engine refused a statement; ``number`` is its error code. Its text is left out, as it may quote secrets."""

    def __init__(self, number: int) -> None:
        super().__init__(reason=f'the engine refused the statement with error {number}')
        self.number = number


class Client:
    """Logs in as our own account over the engine's socket."""

    def __init__(self, socket_path: str, user: str, password: str) -> None:
        self._socket_path = socket_path
        self._user = user
        self._password = password
        self._probe: Any = None

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement in a session of its own and return its rows."""
        with self.session() as session:
            return session.query(statement, parameters)

    @contextlib.contextmanager
    def session(self) -> Iterator['Session']:
        """Open a session for several statements; each commits by itself."""
        connection = self._connect(STATEMENT_TIMEOUT_SECONDS)
        try:
            yield Session(connection)
        finally:
            connection.close()

    def ping(self) -> None:
        """Ask something by a connection that stays open between the pings; ``GuestError`` without an answer."""
        if self._probe is None:
            # Nobody may listen here, and then PyMySQL would leave a socket to the garbage collector.
            sockets.connect(self._socket_path, TIMEOUT_SECONDS).close()
            self._probe = self._connect(TIMEOUT_SECONDS)
        try:
            Session(self._probe).query('SELECT 1')
        except exception.GuestError:
            self.forget()
            raise

    def forget(self) -> None:
        """Close the connection of the pings."""
        probe, self._probe = self._probe, None
        if probe is not None:
            with contextlib.suppress(pymysql.Error):
                probe.close()

    def _connect(self, read_timeout_seconds: int) -> Any:
        try:
            return pymysql.connect(
                unix_socket=self._socket_path,
                user=self._user,
                password=self._password,
                charset='utf8mb4',
                autocommit=True,
                connect_timeout=TIMEOUT_SECONDS,
                read_timeout=read_timeout_seconds,
                write_timeout=read_timeout_seconds,
            )
        except (pymysql.Error, OSError) as error:
            raise exception.GuestError(reason=f'the engine does not answer ({_number(error)})') from None


class Session:
    """One open connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; values go in as parameters, names through ``quote_name``."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(parameters) or None)
                return list(cursor.fetchall())
        except (pymysql.Error, OSError) as error:
            raise EngineRefused(_number(error)) from None


def quote_name(name: str) -> str:
    """Return a name as an identifier."""
    return '`' + name.replace('`', '``') + '`'


def quote_pattern(name: str) -> str:
    """Return a database name for GRANT, where ``_`` and ``%`` would stand for other characters."""
    return quote_name(escape_pattern(name))


def escape_pattern(name: str) -> str:
    """Return a database name as the grant tables hold it."""
    return name.replace('\\', '\\\\').replace('_', '\\_').replace('%', '\\%')


def unescape_pattern(pattern: str) -> str:
    """Return the database name of a row in the grant tables."""
    return re.sub(r'\\(.)', r'\1', pattern)


def _number(error: BaseException) -> int:
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0
