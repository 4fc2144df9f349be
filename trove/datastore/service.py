"""Datastores and their versions over HTTP."""

from trove.common import policy, wsgi
from trove.datastore import models, views


class DatastoreController(wsgi.Controller):
    """Datastores, by name or id."""

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List datastores with their versions."""
        policy.authorize(req.context, 'datastore:index')
        return wsgi.Result({'datastores': [views.datastore(req, d) for d in models.list_datastores(req.context)]})

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show one datastore with its active versions."""
        policy.authorize(req.context, 'datastore:show')
        return wsgi.Result({'datastore': views.datastore(req, models.get_datastore(id))})

    def delete(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Remove a datastore without versions."""
        policy.authorize(req.context, 'datastore:delete')
        models.delete_datastore(id)
        return wsgi.Result(None, 202)


class VersionController(wsgi.Controller):
    """Versions of datastores."""

    def index(self, req: wsgi.Request, tenant_id: str, datastore: str) -> wsgi.Result:
        """List the versions of a datastore."""
        policy.authorize(req.context, 'datastore:version_index')
        found = models.list_versions(req.context, datastore)
        return wsgi.Result({'versions': [views.version_detail(req, version) for version in found]})

    def show(self, req: wsgi.Request, tenant_id: str, datastore: str, id: str) -> wsgi.Result:
        """Show a version of a datastore."""
        policy.authorize(req.context, 'datastore:version_show')
        return wsgi.Result({'version': views.version_detail(req, models.get_version(datastore, id))})

    def show_by_id(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show a version by its id alone."""
        policy.authorize(req.context, 'datastore:version_show_by_uuid')
        return wsgi.Result({'version': views.version_detail(req, models.get_version_by_id(id))})

    def volume_types(self, req: wsgi.Request, tenant_id: str, datastore: str, id: str) -> wsgi.Result:
        """List the volume types that a version is limited to: none, since no provider has types yet."""
        policy.authorize(req.context, 'datastore:list_associated_volume_types')
        models.get_version_by_id(id)
        return wsgi.Result({'volume_types': []})


def routes(mapper: wsgi.Mapper) -> None:
    """Add the routes of this room."""
    datastores = wsgi.Resource(DatastoreController())
    versions = wsgi.Resource(VersionController())
    mapper.add('/datastores', datastores, {'GET': 'index'}, takes_suffix=True)
    mapper.add('/datastores/{id}', datastores, {'GET': 'show', 'DELETE': 'delete'}, takes_suffix=True)
    mapper.add('/datastores/versions/{id}', versions, {'GET': 'show_by_id'})
    mapper.add('/datastores/{datastore}/versions', versions, {'GET': 'index'}, takes_suffix=True)
    mapper.add('/datastores/{datastore}/versions/{id}', versions, {'GET': 'show'})
    mapper.add('/datastores/{datastore}/versions/{id}/volume-types', versions, {'GET': 'volume_types'})
