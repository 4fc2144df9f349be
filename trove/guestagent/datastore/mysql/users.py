"""Users of an engine of the MySQL family, what they may use, and root."""

from typing import Any

from trove.common import exception
from trove.guestagent.datastore import abilities, paging
from trove.guestagent.datastore.mysql import client, options

_ACCOUNT = '%s@%s'


class Users(abilities.UserStore):
    """Accounts are ``name`` and ``host``; the reserved ones are never shown."""

    def __init__(self, engine: client.Client) -> None:
        self._engine = engine

    def create(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                if _exists(session, user['name'], _host(user)):
                    raise exception.UserExists(name=f'{user["name"]}@{_host(user)}')
            for user in users:
                _create(session, user)

    def ensure(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                if _exists(session, user['name'], _host(user)):
                    _set_password(session, user['name'], _host(user), user['password'])
                    _grant(session, user['name'], _host(user), _names(user))
                else:
                    _create(session, user)

    def delete(self, name: str, host: str) -> None:
        with self._engine.session() as session:
            _require(session, name, host)
            session.query(f'DROP USER {_ACCOUNT}', (name, host))
            _end_sessions(session, name)

    def get(self, name: str, host: str) -> dict[str, Any] | None:
        with self._engine.session() as session:
            if name in options.RESERVED_USERS or not _exists(session, name, host):
                return None
            return {'name': name, 'host': host, 'databases': _databases(session, name, host)}

    def list_page(self, page: paging.Request) -> paging.Page:
        comparison = '>=' if page.include_marker else '>'
        key = "CAST(CONCAT(User, '@', Host) AS BINARY)"
        # Roles are rows without a host.
        statement = (
            "SELECT User, Host FROM mysql.user WHERE Host <> '' AND User NOT IN %s"
            f' AND {key} {comparison} CAST(%s AS BINARY) ORDER BY {key} LIMIT %s'
        )
        with self._engine.session() as session:
            rows = session.query(statement, (sorted(options.RESERVED_USERS), page.marker or '', page.limit_with_next))
            users = [{'name': name, 'host': host} for name, host in rows]
            cut = page.cut(users, lambda user: f'{user["name"]}@{user["host"]}')
            for user in cut['items']:
                user['databases'] = _databases(session, user['name'], user['host'])
        return cut

    def update(self, name: str, host: str, attributes: dict[str, Any]) -> None:
        new_name = attributes.get('name') or name
        new_host = attributes.get('host') or host
        with self._engine.session() as session:
            _require(session, name, host)
            if (new_name, new_host) != (name, host):
                if _exists(session, new_name, new_host):
                    raise exception.UserExists(name=f'{new_name}@{new_host}')
                session.query(f'RENAME USER {_ACCOUNT} TO {_ACCOUNT}', (name, host, new_name, new_host))
            if attributes.get('password') is not None:
                _set_password(session, new_name, new_host, attributes['password'])

    def change_passwords(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                _require(session, user['name'], _host(user))
            for user in users:
                _set_password(session, user['name'], _host(user), user['password'])

    def grant(self, name: str, host: str, databases: list[str]) -> None:
        with self._engine.session() as session:
            _require(session, name, host)
            _grant(session, name, host, databases)

    def revoke(self, name: str, host: str, database: str) -> None:
        with self._engine.session() as session:
            _require(session, name, host)
            rows = session.query(
                'SELECT Db FROM mysql.db WHERE User = %s AND Host = %s AND Db IN (%s, %s)',
                (name, host, database, client.escape_pattern(database)),
            )
            if not rows:
                raise exception.DatabaseNotFound(name=database)
            for (pattern,) in rows:
                # Without this it would keep a row with GRANT OPTION alone, and the database with it.
                place = f'ON {client.quote_name(_text(pattern)).replace("%", "%%")}.* FROM {_ACCOUNT}'
                session.query(f'REVOKE GRANT OPTION {place}', (name, host))
                session.query(f'REVOKE ALL PRIVILEGES {place}', (name, host))

    def list_access(self, name: str, host: str) -> list[dict[str, Any]]:
        with self._engine.session() as session:
            _require(session, name, host)
            return _databases(session, name, host)


class Root(abilities.RootAccount):
    """``root`` from any host, with whatever the operator lets it do."""

    def __init__(self, engine: client.Client, privileges: str, may_pass_on: bool) -> None:
        self._engine = engine
        self._privileges = privileges
        self._suffix = ' WITH GRANT OPTION' if may_pass_on else ''

    def enable(self, password: str) -> None:
        with self._engine.session() as session:
            if _exists(session, 'root', abilities.ANY_HOST):
                _set_password(session, 'root', abilities.ANY_HOST, password)
            else:
                session.query(f'CREATE USER {_ACCOUNT} IDENTIFIED BY %s', ('root', abilities.ANY_HOST, password))
            session.query(f'GRANT {self._privileges} ON *.* TO {_ACCOUNT}{self._suffix}', ('root', abilities.ANY_HOST))

    def disable(self) -> None:
        with self._engine.session() as session:
            session.query(f'DROP USER IF EXISTS {_ACCOUNT}', ('root', abilities.ANY_HOST))
            _end_sessions(session, 'root')

    def is_enabled(self) -> bool:
        with self._engine.session() as session:
            return _exists(session, 'root', abilities.ANY_HOST)


def _host(user: dict[str, Any]) -> str:
    return user.get('host') or abilities.ANY_HOST


def _names(user: dict[str, Any]) -> list[str]:
    return [database['name'] for database in user.get('databases') or ()]


def _exists(session: client.Session, name: str, host: str) -> bool:
    return bool(session.query('SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s', (name, host)))


def _require(session: client.Session, name: str, host: str) -> None:
    if name in options.RESERVED_USERS or not _exists(session, name, host):
        raise exception.UserNotFound(name=f'{name}@{host}')


def _create(session: client.Session, user: dict[str, Any]) -> None:
    session.query(f'CREATE USER {_ACCOUNT} IDENTIFIED BY %s', (user['name'], _host(user), user['password']))
    _grant(session, user['name'], _host(user), _names(user))


def _set_password(session: client.Session, name: str, host: str, password: str) -> None:
    session.query(f'ALTER USER {_ACCOUNT} IDENTIFIED BY %s', (name, host, password))


def _grant(session: client.Session, name: str, host: str, databases: list[str]) -> None:
    for database in databases:
        pattern = client.quote_pattern(database).replace('%', '%%')
        session.query(f'GRANT ALL PRIVILEGES ON {pattern}.* TO {_ACCOUNT}', (name, host))


def _databases(session: client.Session, name: str, host: str) -> list[dict[str, Any]]:
    rows = session.query('SELECT Db FROM mysql.db WHERE User = %s AND Host = %s', (name, host))
    return [{'name': found} for found in sorted({client.unescape_pattern(_text(row[0])) for row in rows})]


def _end_sessions(session: client.Session, name: str) -> None:
    for (number,) in session.query('SELECT id FROM information_schema.processlist WHERE user = %s', (name,)):
        try:
            session.query(f'KILL {int(number)}')
        except client.EngineRefused as error:
            if error.number != client.ERROR_NO_SUCH_THREAD:
                raise


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
