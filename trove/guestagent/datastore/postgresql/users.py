"""Users of PostgreSQL, what they may use, and root. Hosts have no meaning here and are shown as ``%``."""

from typing import Any

from trove.common import exception
from trove.guestagent.datastore import abilities, paging
from trove.guestagent.datastore.postgresql import client, databases, options, verifiers

ROOT = 'postgres'
_OBJECTS = ('TABLES', 'SEQUENCES', 'ROUTINES')


class Users(abilities.UserStore):
    """Roles that can log in."""

    def __init__(self, engine: client.Client) -> None:
        self._engine = engine

    def create(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                if _exists(session, user['name']):
                    raise exception.UserExists(name=user['name'])
                _require_databases(session, _names(user))
            for user in users:
                _create(session, user)
                self._grant(session, user['name'], _names(user))

    def ensure(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                _require_databases(session, _names(user))
                if _exists(session, user['name']):
                    _set_password(session, user['name'], user['password'])
                else:
                    _create(session, user)
                self._grant(session, user['name'], _names(user))

    def delete(self, name: str, host: str) -> None:
        with self._engine.session() as session:
            _require(session, name)
            role = client.quote_name(name)
            session.query(f'ALTER ROLE {role} NOLOGIN')
            _end_sessions(session, name)
            # A role that owns things or has grants cannot be dropped, and each
            # database knows only its own things.
            for database in _all_databases(session):
                with self._engine.session(database) as inside:
                    inside.query(f'REASSIGN OWNED BY {role} TO CURRENT_USER')
                    inside.query(f'DROP OWNED BY {role}')
            session.query(f'DROP ROLE {role}')

    def get(self, name: str, host: str) -> dict[str, Any] | None:
        with self._engine.session() as session:
            if not _exists(session, name):
                return None
            return _view(name, _databases(session, [name]))

    def list_page(self, page: paging.Request) -> paging.Page:
        comparison = '>=' if page.include_marker else '>'
        key = """(rolname::text || '@%') COLLATE "C\""""
        statement = (
            "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND rolname !~ '^pg_'"
            f' AND rolname::text <> ALL(:reserved) AND {key} {comparison} :marker ORDER BY {key} LIMIT :limit'
        )
        with self._engine.session() as session:
            rows = session.query(
                statement,
                reserved=sorted(options.RESERVED_USERS),
                marker=page.marker or '',
                limit=page.limit_with_next,
            )
            names = [row[0] for row in rows]
            used = _databases(session, names)
        users = [_view(name, used) for name in names]
        return page.cut(users, lambda user: f'{user["name"]}@{user["host"]}')

    def update(self, name: str, host: str, attributes: dict[str, Any]) -> None:
        new_name = attributes.get('name') or name
        with self._engine.session() as session:
            _require(session, name)
            if new_name != name:
                if _exists(session, new_name):
                    raise exception.UserExists(name=new_name)
                session.query(f'ALTER ROLE {client.quote_name(name)} RENAME TO {client.quote_name(new_name)}')
            if attributes.get('password') is not None:
                _set_password(session, new_name, attributes['password'])

    def change_passwords(self, users: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for user in users:
                _require(session, user['name'])
            for user in users:
                _set_password(session, user['name'], user['password'])

    def grant(self, name: str, host: str, databases: list[str]) -> None:
        with self._engine.session() as session:
            _require(session, name)
            _require_databases(session, databases)
            self._grant(session, name, databases)

    def revoke(self, name: str, host: str, database: str) -> None:
        with self._engine.session() as session:
            _require(session, name)
            if {'name': database} not in _databases(session, [name]).get(name, []):
                raise exception.DatabaseNotFound(name=database)
            role = client.quote_name(name)
            with self._engine.session(database) as inside:
                inside.query(f'REVOKE ALL ON SCHEMA public FROM {role}')
                for kind in _OBJECTS:
                    inside.query(f'REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {role}')
            session.query(f'REVOKE ALL ON DATABASE {client.quote_name(database)} FROM {role}')
            _end_sessions(session, name, database)

    def list_access(self, name: str, host: str) -> list[dict[str, Any]]:
        with self._engine.session() as session:
            _require(session, name)
            return _databases(session, [name]).get(name, [])

    def _grant(self, session: client.Session, name: str, databases: list[str]) -> None:
        role = client.quote_name(name)
        for database in databases:
            session.query(f'GRANT ALL ON DATABASE {client.quote_name(database)} TO {role}')
            # Since version 15 nobody but the owner may make tables in the schema public.
            with self._engine.session(database) as inside:
                inside.query(f'GRANT ALL ON SCHEMA public TO {role}')
                for kind in _OBJECTS:
                    inside.query(f'GRANT ALL ON ALL {kind} IN SCHEMA public TO {role}')


class Root(abilities.RootAccount):
    """``postgres``, a superuser beside ours; disabled it stays, as it may own things, but cannot log in."""

    def __init__(self, engine: client.Client) -> None:
        self._engine = engine

    def enable(self, password: str) -> None:
        verifier = client.quote_value(verifiers.make_verifier(password))
        with self._engine.session() as session:
            verb = 'ALTER' if _role_exists(session, ROOT) else 'CREATE'
            session.query(
                f'{verb} ROLE {ROOT} SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN PASSWORD {verifier}'
            )

    def disable(self) -> None:
        with self._engine.session() as session:
            if _role_exists(session, ROOT):
                session.query(f'ALTER ROLE {ROOT} NOLOGIN PASSWORD NULL')
                _end_sessions(session, ROOT)

    def is_enabled(self) -> bool:
        with self._engine.session() as session:
            return bool(session.query('SELECT 1 FROM pg_roles WHERE rolname = :name AND rolcanlogin', name=ROOT))


def _names(user: dict[str, Any]) -> list[str]:
    return [database['name'] for database in user.get('databases') or ()]


def _view(name: str, used: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {'name': name, 'host': abilities.ANY_HOST, 'databases': used.get(name, [])}


def _role_exists(session: client.Session, name: str) -> bool:
    return bool(session.query('SELECT 1 FROM pg_roles WHERE rolname = :name', name=name))


def _exists(session: client.Session, name: str) -> bool:
    is_reserved = name in options.RESERVED_USERS or name.startswith(options.RESERVED_PREFIX)
    return not is_reserved and _role_exists(session, name)


def _require(session: client.Session, name: str) -> None:
    if not _exists(session, name):
        raise exception.UserNotFound(name=name)


def _require_databases(session: client.Session, names: list[str]) -> None:
    for name in names:
        if not databases.exists(session, name):
            raise exception.DatabaseNotFound(name=name)


def _create(session: client.Session, user: dict[str, Any]) -> None:
    verifier = client.quote_value(verifiers.make_verifier(user['password']))
    try:
        session.query(f'CREATE ROLE {client.quote_name(user["name"])} LOGIN PASSWORD {verifier}')
    except client.EngineRefused as error:
        if error.state == client.STATE_ROLE_EXISTS:
            raise exception.UserExists(name=user['name']) from error
        raise


def _set_password(session: client.Session, name: str, password: str) -> None:
    verifier = client.quote_value(verifiers.make_verifier(password))
    session.query(f'ALTER ROLE {client.quote_name(name)} PASSWORD {verifier}')


def _databases(session: client.Session, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the databases that each of the users was granted, by user."""
    rows = session.query(
        'SELECT r.rolname::text, d.datname::text FROM pg_database d, aclexplode(d.datacl) a'
        ' JOIN pg_roles r ON r.oid = a.grantee'
        " WHERE a.privilege_type = 'CONNECT' AND r.rolname::text = ANY(:names) AND d.datname::text <> ALL(:reserved)"
        ' ORDER BY d.datname::text COLLATE "C"',
        names=names,
        reserved=sorted(options.RESERVED_DATABASES),
    )
    used: dict[str, list[dict[str, Any]]] = {}
    for name, database in rows:
        used.setdefault(name, []).append({'name': database})
    return used


def _all_databases(session: client.Session) -> list[str]:
    return [row[0] for row in session.query('SELECT datname::text FROM pg_database WHERE datallowconn')]


def _end_sessions(session: client.Session, name: str, database: str | None = None) -> None:
    condition = 'usename = :name' + (' AND datname = :database' if database else '')
    parameters = {'name': name, **({'database': database} if database else {})}
    session.query(f'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}', **parameters)
