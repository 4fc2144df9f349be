"""Notes over HTTP."""

from typing import Any

from trove.common import pagination, policy, wsgi

from acme_trove.notes import models, schema, views


class NoteController(wsgi.Controller):
    """The resource /acme-notes."""

    schemas = {'create': schema.CREATE, 'update': schema.UPDATE}

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List the project's notes."""
        policy.authorize(req.context, 'acme:note:index')
        page = pagination.read(req, self._page_size)
        found, next_marker = models.page(req.context, page.limit, page.marker)
        items = [views.note(one) for one in found]
        return wsgi.Result(pagination.paged(req, 'notes', items, page, next_marker))

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show one note."""
        policy.authorize(req.context, 'acme:note:index')
        return wsgi.Result({'note': views.note(models.get(req.context, id))})

    def create(self, req: wsgi.Request, body: dict[str, Any], tenant_id: str) -> wsgi.Result:
        """Write a note about an instance."""
        policy.authorize(req.context, 'acme:note:create')
        wanted = body['note']
        made = models.create(req.context, wanted['instance_id'], wanted['text'])
        return wsgi.Result({'note': views.note(made)}, 201)

    def update(self, req: wsgi.Request, body: dict[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        """Change the text of a note."""
        policy.authorize(req.context, 'acme:note:update')
        return wsgi.Result({'note': views.note(models.change(req.context, id, body['note']['text']))})

    def delete(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Delete a note."""
        policy.authorize(req.context, 'acme:note:delete')
        models.delete(req.context, id)
        return wsgi.Result(None, 204)


def touch(body: dict[str, Any], req: wsgi.Request, id: str) -> wsgi.Result:
    """Leave a note that an instance was looked at; the action acme_touch."""
    policy.authorize(req.context, 'acme:touch')
    # It raises for an instance that the caller may not see, as every action has to.
    models.create(req.context, id, body['acme_touch']['text'])
    return wsgi.Result(None, 202)


def add_count(req: wsgi.Request, response: Any) -> Any:
    """Say in the answer about an instance how many notes there are."""
    if response.status_int == 200:
        instance = response.json['instance']
        response.json = {'instance': {**instance, 'acme_notes': models.count(req.context, instance['id'])}}
    return response
