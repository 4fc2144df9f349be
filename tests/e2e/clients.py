"""What tenants do with their databases: each engine's own client library, one question at a time."""

import contextlib
from collections.abc import Callable
from typing import Any

import pg8000
import pg8000.native
import pymysql
import redis
from redis import backoff, retry

CONNECT_SECONDS = 10
STARTING = '57P03'
"""SQLSTATE of PostgreSQL while it does not take connections yet."""

Ask = Callable[..., Any]


def ask_mariadb(address: str, user: str, password: str, statement: str, database: str | None = None) -> Any:
    """Run a statement and return its rows."""
    connection = pymysql.connect(
        host=address, user=user, password=password, database=database, autocommit=True, connect_timeout=CONNECT_SECONDS
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()]


def ask_postgresql(address: str, user: str, password: str, statement: str, database: str | None = None) -> Any:
    """Run a statement and return its rows."""
    try:
        connection = pg8000.native.Connection(
            user, host=address, database=database or 'postgres', password=password, timeout=CONNECT_SECONDS
        )
    except pg8000.DatabaseError as error:
        if error.args[0].get('C') == STARTING:
            raise ConnectionRefusedError('the engine is starting up') from error
        raise
    with contextlib.closing(connection):
        return connection.run(statement) or []


def ask_redis(address: str, password: str, *command: str) -> Any:
    """Run a command and return its answer."""
    # Unasked, the library would try a refused password again and again.
    client = redis.Redis(
        host=address,
        password=password or None,
        socket_timeout=CONNECT_SECONDS,
        protocol=2,
        retry=retry.Retry(backoff.NoBackoff(), 0),
    )
    with contextlib.closing(client):
        answer = client.execute_command(*command)
        return answer.decode() if isinstance(answer, bytes) else answer


ASK: dict[str, Ask] = {'mariadb': ask_mariadb, 'postgresql': ask_postgresql}

REFUSALS = (
    pymysql.err.OperationalError,
    pymysql.err.ProgrammingError,
    pg8000.DatabaseError,
    pg8000.InterfaceError,
    redis.AuthenticationError,
)

AWAY = (OSError, pymysql.err.OperationalError, pg8000.InterfaceError, redis.ConnectionError)
"""What clients raise while an engine is not up; PyMySQL has no word of its own for it."""


def is_refused(ask: Ask, *question: Any) -> bool:
    """Return whether an engine refuses; other failures, such as a dead engine, are no refusal."""
    try:
        ask(*question)
    except REFUSALS as error:
        return _is_about_rights(error)
    return False


def _is_about_rights(error: Exception) -> bool:
    if isinstance(error, pymysql.MySQLError):
        # Access denied to: database, server, command, table.
        return error.args[0] in (1044, 1045, 1142, 1227, 1698)
    if isinstance(error, redis.AuthenticationError):
        return True
    # Invalid password, invalid authorization, insufficient privilege.
    return any(code in str(error) for code in ('28P01', '28000', '42501'))
