"""Flavors over HTTP."""

from trove.common import policy, wsgi
from trove.flavor import models, views


class FlavorController(wsgi.Controller):
    """Sizes that an instance may have."""

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List all flavors."""
        policy.authorize(req.context, 'flavor:index')
        return wsgi.Result({'flavors': [views.flavor(req, record) for record in models.list_all()]})

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show one flavor."""
        policy.authorize(req.context, 'flavor:show')
        return wsgi.Result({'flavor': views.flavor(req, models.get(id))})

    def index_of_version(self, req: wsgi.Request, tenant_id: str, datastore: str, version_id: str) -> wsgi.Result:
        """List the flavors that an instance of a version may have; the datastore's name is not looked at."""
        policy.authorize(req.context, 'datastore:list_associated_flavors')
        flavors = models.list_of_version(version_id)
        return wsgi.Result({'flavors': [views.flavor(req, record) for record in flavors]})


def routes(mapper: wsgi.Mapper) -> None:
    """Add the routes of this room."""
    resource = wsgi.Resource(FlavorController())
    mapper.add('/flavors', resource, {'GET': 'index'})
    mapper.add('/flavors/{id}', resource, {'GET': 'show'})
    mapper.add('/datastores/{datastore}/versions/{version_id}/flavors', resource, {'GET': 'index_of_version'})
