"""Rules of datastores and their versions: who sees which, and which one a name means."""

import dataclasses
from collections.abc import Sequence

import sqlalchemy as sa
from oslo_utils import uuidutils
from sqlalchemy import exc, orm

from trove.common import context as trove_context
from trove.common import exception
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables


@dataclasses.dataclass(frozen=True)
class Datastore:
    """A datastore with those of its versions that are shown."""

    record: models.Datastore
    versions: Sequence[models.DatastoreVersion]


@dataclasses.dataclass(frozen=True)
class Version:
    """A version and the datastore that it is of."""

    record: models.DatastoreVersion
    datastore: models.Datastore


def list_datastores(context: trove_context.TroveContext) -> list[Datastore]:
    """Return all datastores for administrators, for others those with an active version and only such versions."""
    with get_db_api().reading() as session:
        records = session.scalars(sa.select(models.Datastore).order_by(tables.datastores.c.name)).all()
        versions = _versions(session, None, only_active=not context.is_admin)
    found = [Datastore(record, [v for v in versions if v.datastore_id == record.id]) for record in records]
    return [datastore for datastore in found if datastore.versions or context.is_admin]


def get_datastore(reference: str) -> Datastore:
    """Return a datastore by name or id with its active versions; ``DatastoreNotFound``."""
    with get_db_api().reading() as session:
        record = find_datastore(session, reference)
        return Datastore(record, _versions(session, record.id, only_active=True))


def delete_datastore(reference: str) -> None:
    """Remove a datastore that has no version; ``BadRequest`` when it has one."""
    with get_db_api().transaction() as session:
        record = find_datastore(session, reference)
        try:
            session.delete(record)
            session.flush()
        except exc.IntegrityError as error:
            raise exception.BadRequest(f"Datastore '{reference}' has versions; remove them first.") from error


def list_versions(context: trove_context.TroveContext, reference: str) -> list[Version]:
    """Return the versions of a datastore, the inactive ones to administrators only."""
    with get_db_api().reading() as session:
        record = find_datastore(session, reference)
        versions = _versions(session, record.id, only_active=not context.is_admin)
    return [Version(version, record) for version in versions]


def get_version(datastore: str, reference: str) -> Version:
    """Return a version of a datastore by name or id, active or not.

    Raises ``DatastoreVersionUnknownId`` for an id, ``DatastoreVersionNotFound`` for a name.
    """
    with get_db_api().reading() as session:
        record = find_datastore(session, datastore)
        found = _versions_named(session, record.id, reference, None)
    if not found and uuidutils.is_uuid_like(reference):
        raise exception.DatastoreVersionUnknownId(version=reference)
    return Version(_the_one(found, reference), record)


def get_version_by_id(version_id: str) -> Version:
    """Return a version by its id; ``DatastoreVersionNotFound``."""
    with get_db_api().reading() as session:
        row = session.execute(
            sa.select(models.DatastoreVersion, models.Datastore)
            .join(models.Datastore, tables.datastores.c.id == tables.datastore_versions.c.datastore_id)
            .where(tables.datastore_versions.c.id == version_id)
        ).one_or_none()
    if row is None:
        raise exception.DatastoreVersionNotFound(version=version_id)
    return Version(row.DatastoreVersion, row.Datastore)


def find_datastore(session: orm.Session, reference: str) -> models.Datastore:
    """Return a datastore by name or id; ``DatastoreNotFound``. An id wins over a name that reads like it."""
    table = tables.datastores.c
    query = sa.select(models.Datastore).where(sa.or_(table.id == reference, table.name == reference))
    found = sorted(session.scalars(query), key=lambda record: record.id != reference)
    if not found:
        raise exception.DatastoreNotFound(datastore=reference)
    first: models.Datastore = found[0]
    return first


def find_version(
    session: orm.Session, datastore: str | None, reference: str | None, number: str | None = None
) -> Version:
    """Return the active version that a new instance is to have.

    ``datastore`` and ``reference`` are names or ids; without a reference it is the
    datastore's default version. ``number`` chooses among versions of one name.
    """
    if not datastore:
        raise exception.NoDefaultDatastore()
    record = find_datastore(session, datastore)
    if reference is None:
        reference = record.default_version_id
    if not reference:
        raise exception.NoDefaultDatastoreVersion(datastore=record.name)
    version = _the_one(_versions_named(session, record.id, reference, number), reference)
    if not version.is_active:
        raise exception.DatastoreVersionInactive(version=reference)
    return Version(version, record)


def _versions(session: orm.Session, datastore_id: str | None, only_active: bool) -> list[models.DatastoreVersion]:
    table = tables.datastore_versions.c
    query = sa.select(models.DatastoreVersion).order_by(table.name, table.version)
    if datastore_id is not None:
        query = query.where(table.datastore_id == datastore_id)
    if only_active:
        query = query.where(table.is_active.is_(True))
    return list(session.scalars(query))


def _versions_named(
    session: orm.Session, datastore_id: str, reference: str, number: str | None
) -> list[models.DatastoreVersion]:
    table = tables.datastore_versions.c
    query = sa.select(models.DatastoreVersion).where(
        table.datastore_id == datastore_id, sa.or_(table.id == reference, table.name == reference)
    )
    if number is not None:
        query = query.where(table.version == number)
    return list(session.scalars(query))


def _the_one(found: list[models.DatastoreVersion], reference: str) -> models.DatastoreVersion:
    by_id = [version for version in found if version.id == reference]
    candidates = by_id or found
    if not candidates:
        raise exception.DatastoreVersionNotFound(version=reference)
    if len(candidates) > 1:
        raise exception.DatastoreVersionNotUnique(version=reference)
    return candidates[0]
