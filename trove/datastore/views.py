"""Datastores and versions as JSON."""

from typing import Any

from trove.common import wsgi
from trove.datastore import models
from trove.db import models as records


def datastore(req: wsgi.Request, found: models.Datastore) -> dict[str, Any]:
    """Return a datastore with its versions; ``default_version`` only when it is one of them."""
    view = {
        'id': found.record.id,
        'name': found.record.name,
        'links': req.links('datastores', found.record.id),
        'versions': [version(req, record) for record in found.versions],
    }
    if found.record.default_version_id in [record.id for record in found.versions]:
        view['default_version'] = found.record.default_version_id
    return view


def version(req: wsgi.Request, record: records.DatastoreVersion) -> dict[str, Any]:
    """Return a version as it is shown inside its datastore; administrators see more of it."""
    view: dict[str, Any] = {
        'id': record.id,
        'name': record.name,
        'version': record.version,
        'links': req.links('datastores/versions', record.id),
    }
    if req.context.is_admin:
        view.update(
            active=bool(record.is_active),
            packages=record.packages or None,
            image=record.image_id,
            image_tags=split(record.image_tags),
            registry_ext=record.registry_ext,
            repl_strategy=record.repl_strategy,
        )
    return view


def version_detail(req: wsgi.Request, found: models.Version) -> dict[str, Any]:
    """Return a version that stands alone, with its datastore's id."""
    return {**version(req, found.record), 'datastore': found.datastore.id}


def split(text: str | None) -> list[str]:
    """Return the items of a comma list; no item for an empty one."""
    return [part for part in (text or '').split(',') if part]
