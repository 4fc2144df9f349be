"""Databases in PostgreSQL."""

import contextlib
from typing import Any

from trove.common import exception
from trove.guestagent.datastore import abilities, paging
from trove.guestagent.datastore.postgresql import client, options


class Databases(abilities.DatabaseStore):
    """Databases by the engine's own catalogue; our own account owns them."""

    def __init__(self, engine: client.Client) -> None:
        self._engine = engine

    def create(self, databases: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for database in databases:
                if exists(session, database['name']):
                    raise exception.DatabaseExists(name=database['name'])
            for database in databases:
                _create(session, database)

    def ensure(self, databases: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for database in databases:
                _ensure(session, database)

    def delete(self, name: str) -> None:
        with self._engine.session() as session:
            if not exists(session, name):
                raise exception.DatabaseNotFound(name=name)
            session.query(f'DROP DATABASE {client.quote_name(name)} WITH (FORCE)')

    def list_page(self, page: paging.Request) -> paging.Page:
        comparison = '>=' if page.include_marker else '>'
        statement = (
            'SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname::text <> ALL(:reserved)'
            f' AND datname::text COLLATE "C" {comparison} :marker'
            ' ORDER BY datname::text COLLATE "C" LIMIT :limit'
        )
        with self._engine.session() as session:
            rows = session.query(
                statement,
                reserved=sorted(options.RESERVED_DATABASES),
                marker=page.marker or '',
                limit=page.limit_with_next,
            )
        return page.cut([{'name': row[0]} for row in rows], lambda database: str(database['name']))


def exists(session: client.Session, name: str) -> bool:
    """Return whether a tenant's database of this name is there."""
    if name in options.RESERVED_DATABASES:
        return False
    return bool(session.query('SELECT 1 FROM pg_database WHERE datname = :name', name=name))


def _ensure(session: client.Session, database: dict[str, Any]) -> None:
    if not exists(session, database['name']):
        # The engine may be about to finish what an agent asked for that was killed.
        with contextlib.suppress(exception.DatabaseExists):
            _create(session, database)
    _close_to_others(session, database['name'])


def _create(session: client.Session, database: dict[str, Any]) -> None:
    statement = [f'CREATE DATABASE {client.quote_name(database["name"])} TEMPLATE template0']
    if database.get('character_set'):
        statement.append(f'ENCODING {client.quote_value(database["character_set"])}')
    if database.get('collate'):
        locale = client.quote_value(database['collate'])
        statement.append(f'LC_COLLATE {locale} LC_CTYPE {locale}')
    try:
        session.query(' '.join(statement))
    except client.EngineRefused as error:
        if error.state in client.STATES_DATABASE_EXISTS:
            raise exception.DatabaseExists(name=database['name']) from error
        if error.state in client.STATES_BAD_LOCALE:
            reason = 'the engine does not know its character set or collation, or they do not go together'
            raise exception.BadRequest(f"Database '{database['name']}' cannot be created: {reason}.") from error
        raise
    _close_to_others(session, database['name'])


def _close_to_others(session: client.Session, name: str) -> None:
    """Let in only those users who are granted it; by default PostgreSQL lets in everybody."""
    session.query(f'REVOKE ALL ON DATABASE {client.quote_name(name)} FROM PUBLIC')
