"""Databases in an engine of the MySQL family."""

import contextlib
from typing import Any

from trove.common import exception
from trove.guestagent.datastore import abilities, paging
from trove.guestagent.datastore.mysql import client, options


class Databases(abilities.DatabaseStore):
    """Databases by the engine's own catalogue."""

    def __init__(self, engine: client.Client) -> None:
        self._engine = engine

    def create(self, databases: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for database in databases:
                if _exists(session, database['name']):
                    raise exception.DatabaseExists(name=database['name'])
            for database in databases:
                _create(session, database)

    def ensure(self, databases: list[dict[str, Any]]) -> None:
        with self._engine.session() as session:
            for database in databases:
                _ensure(session, database)

    def delete(self, name: str) -> None:
        with self._engine.session() as session:
            if not _exists(session, name):
                raise exception.DatabaseNotFound(name=name)
            session.query(f'DROP DATABASE {client.quote_name(name)}')
            # MySQL would keep the grants for a later database of the same name.
            session.query('DELETE FROM mysql.db WHERE Db IN (%s, %s)', (name, client.escape_pattern(name)))
            session.query('FLUSH PRIVILEGES')

    def list_page(self, page: paging.Request) -> paging.Page:
        comparison = '>=' if page.include_marker else '>'
        statement = (
            'SELECT schema_name FROM information_schema.schemata'
            f' WHERE LOWER(schema_name) NOT IN %s AND CAST(schema_name AS BINARY) {comparison} CAST(%s AS BINARY)'
            ' ORDER BY CAST(schema_name AS BINARY) LIMIT %s'
        )
        rows = self._engine.query(
            statement, (sorted(options.RESERVED_DATABASES), page.marker or '', page.limit_with_next)
        )
        return page.cut([{'name': row[0]} for row in rows], lambda database: str(database['name']))


def _exists(session: client.Session, name: str) -> bool:
    if name.lower() in options.RESERVED_DATABASES:
        return False
    return bool(session.query('SELECT 1 FROM information_schema.schemata WHERE schema_name = %s', (name,)))


def _ensure(session: client.Session, database: dict[str, Any]) -> None:
    if not _exists(session, database['name']):
        # The engine may be about to finish what an agent asked for that was killed.
        with contextlib.suppress(exception.DatabaseExists):
            _create(session, database)


def _create(session: client.Session, database: dict[str, Any]) -> None:
    # The names of sets and collations are parameters too: MySQL takes strings there.
    character_set = database.get('character_set') or options.DEFAULT_CHARACTER_SET
    collate = database.get('collate')
    if collate is None and character_set == options.DEFAULT_CHARACTER_SET:
        collate = options.DEFAULT_COLLATION
    statement = f'CREATE DATABASE {client.quote_name(database["name"]).replace("%", "%%")} CHARACTER SET %s'
    parameters = [character_set]
    if collate is not None:
        statement += ' COLLATE %s'
        parameters.append(collate)
    try:
        session.query(statement, parameters)
    except client.EngineRefused as error:
        if error.number == client.ERROR_DATABASE_EXISTS:
            raise exception.DatabaseExists(name=database['name']) from error
        raise
