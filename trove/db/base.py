"""What the records of vendors stand on: rows that save, delete and find themselves, through our sessions.

A record class is mapped onto its table by the vendor's ``mapper``, see ``trove.db.sqlalchemy.mappers``.
Each method takes the session of a transaction that runs already; without one it is a transaction of its own.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc, orm

from trove.common import exception
from trove.db import models
from trove.db.sqlalchemy import session as sessions

Found = TypeVar('Found', bound='Model')


class Model(models.Record):
    """Base of a vendor's records; the attributes are the columns of the mapped table."""

    def save(self, session: orm.Session | None = None) -> None:
        """Write the row: a new one whole, a known one what was changed of it.

        Raises ``NotFound`` when the row was deleted meanwhile and ``Conflict`` when a constraint forbids it.
        """
        if session is not None:
            session.add(self)
            _flush(session, self)
            return
        written = sessions.run(self._write)
        if written is not self:
            for name in _columns(type(self)):
                orm.attributes.set_committed_value(self, name, getattr(written, name))

    def _write(self, session: orm.Session) -> 'Model':
        state: Any = sa.inspect(self)
        row: Any = self
        if state.key is None:
            session.add(self)
        else:
            # A copy is written, because a transaction that fails would leave this one without its values.
            row = session.get(type(self), state.identity)
            if row is None:
                raise exception.NotFound(f'{type(self).__name__} could not be found.')
            for name in _columns(type(self)):
                if state.attrs[name].history.has_changes():
                    setattr(row, name, getattr(self, name))
        _flush(session, row)
        session.refresh(row)
        return row

    def delete(self, session: orm.Session | None = None) -> bool:
        """Delete the row; return whether it was there. ``Conflict`` when others refer to it."""
        if session is None:
            return sessions.run(self.delete)
        state: Any = sa.inspect(self)
        row = session.get(type(self), state.identity) if state.identity else None
        if row is None:
            return False
        session.delete(row)
        _flush(session, self)
        return True

    @classmethod
    def find_by(cls: type[Found], session: orm.Session | None = None, /, **values: Any) -> Found:
        """Return the first row, by primary key, whose columns have these values; ``NotFound`` when there is none."""
        found = _read(_query(cls, values).limit(1), session)
        if not found:
            raise exception.NotFound(f'{cls.__name__} could not be found.')
        one: Found = found[0]
        return one

    @classmethod
    def find_all(cls: type[Found], session: orm.Session | None = None, /, **values: Any) -> list[Found]:
        """Return the rows whose columns have these values, by primary key."""
        return _read(_query(cls, values), session)

    @classmethod
    def find_page(
        cls: type[Found], limit: int, marker: str | None = None, session: orm.Session | None = None, /, **values: Any
    ) -> tuple[list[Found], str | None]:
        """Return a page of rows by primary key, which is one column of text or of numbers, and the next marker.

        ``marker`` is the key of the last row before the page; ``BadRequest`` when it cannot be one. The next marker
        is None on the last page.
        """
        (key,) = _key(cls)
        query = _query(cls, values).limit(limit + 1)
        if marker is not None:
            query = query.where(key > _parse(marker, key))
        found = _read(query, session)
        if len(found) <= limit:
            return found, None
        return found[:limit], str(getattr(found[limit - 1], key.key))


def _query(cls: type[Model], values: Mapping[str, Any]) -> Any:
    return sa.select(cls).filter_by(**values).order_by(*_key(cls))


def _key(cls: type[Model]) -> tuple[Any, ...]:
    mapper: Any = orm.class_mapper(cls)
    return tuple(getattr(cls, mapper.get_property_by_column(column).key) for column in mapper.primary_key)


def _columns(cls: type[Model]) -> list[str]:
    mapper: Any = orm.class_mapper(cls)
    return [attribute.key for attribute in mapper.column_attrs]


def _parse(marker: str, key: Any) -> str | int:
    if not isinstance(key.type, sa.Integer):
        return marker
    # A longer number means no row of any table.
    if not (marker.isascii() and marker.isdigit() and len(marker) <= 18):
        raise exception.BadRequest("The query parameter 'marker' names no item of this list.")
    return int(marker)


def _read(query: Any, session: orm.Session | None) -> list[Any]:
    if session is not None:
        return list(session.execute(query).scalars())
    with sessions.reading() as reader:
        return list(reader.execute(query).scalars())


def _flush(session: orm.Session, record: Model) -> None:
    try:
        session.flush()
    except exc.IntegrityError as error:
        # The text of the database quotes the values of the row.
        raise exception.Conflict(
            f'{type(record).__name__} cannot be written so: a constraint of the database forbids it.'
        ) from error
