"""Which record class stands for which table."""

import sqlalchemy as sa
from sqlalchemy import exc, orm

from trove.db import models
from trove.db.sqlalchemy import tables

registry = orm.registry(metadata=tables.metadata)

MAPPINGS: tuple[tuple[type[models.Record], sa.Table], ...] = (
    (models.Datastore, tables.datastores),
    (models.DatastoreVersion, tables.datastore_versions),
    (models.DatastoreParameter, tables.datastore_parameters),
    (models.Flavor, tables.flavors),
    (models.Instance, tables.instances),
    (models.ServiceStatus, tables.service_statuses),
    (models.GuestKey, tables.guest_keys),
    (models.GuestJob, tables.guest_jobs),
    (models.Quota, tables.quotas),
    (models.QuotaUsage, tables.quota_usages),
    (models.RootHistory, tables.root_histories),
    (models.Operation, tables.operations),
)


def mapping_exists(model: type) -> bool:
    """Return whether a class is mapped already; mapping it twice is an error of SQLAlchemy."""
    try:
        return orm.class_mapper(model, configure=False) is not None
    except exc.InvalidRequestError:
        return False


def map_record(model: type[models.Record], table: sa.Table) -> None:
    """Map a class onto a table, unless it is mapped; for the ``mapper`` of a vendor as much as for ours."""
    if not mapping_exists(model):
        registry.map_imperatively(model, table)


def map_records() -> None:
    """Map our records; a second call does no harm."""
    for model, table in MAPPINGS:
        map_record(model, table)
