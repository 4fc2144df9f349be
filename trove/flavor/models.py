"""Rules of flavors. The records are what the provider last told; no request asks the provider."""

import sqlalchemy as sa
from sqlalchemy import orm

from trove.common import exception
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables


def list_all() -> list[models.Flavor]:
    """Return all flavors, the smallest first."""
    with get_db_api().reading() as session:
        return _all(session)


def list_of_version(version_id: str) -> list[models.Flavor]:
    """Return the flavors that instances of a datastore version may have: all; ``DatastoreVersionUnknownId``."""
    with get_db_api().reading() as session:
        if session.get(models.DatastoreVersion, version_id) is None:
            raise exception.DatastoreVersionUnknownId(version=version_id)
        return _all(session)


def get(flavor_id: str) -> models.Flavor:
    """Return a flavor; ``FlavorUnknownId`` when the path names none."""
    with get_db_api().reading() as session:
        found = session.get(models.Flavor, flavor_id)
    if found is None:
        raise exception.FlavorUnknownId(flavor=flavor_id)
    return found


def find(session: orm.Session, flavor_id: str | None) -> models.Flavor:
    """Return the flavor that a body refers to; ``FlavorNotFound``."""
    found = session.get(models.Flavor, flavor_id) if flavor_id is not None else None
    if found is None:
        raise exception.FlavorNotFound(flavor=flavor_id)
    return found


def _all(session: orm.Session) -> list[models.Flavor]:
    table = tables.flavors.c
    return list(session.scalars(sa.select(models.Flavor).order_by(table.ram, table.vcpus, table.id)))
