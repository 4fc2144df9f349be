"""Databases, users, their access and root of an instance over HTTP."""

from typing import Any

from oslo_config import cfg

from trove.common import exception, pagination, policy, wsgi
from trove.extensions.mysql import models, schema, views

Gate = models.Gate
Body = dict[str, Any]


def _authorize(req: wsgi.Request, name: str) -> None:
    policy.authorize(req.context, f'instance:extension:{name}')


class DatabaseController(wsgi.Controller):
    """Databases of an instance."""

    schemas = {'create': schema.DATABASES}

    def __init__(self, conf: cfg.ConfigOpts, gate: Gate) -> None:
        self._conf = conf
        self._gate = gate

    def index(self, req: wsgi.Request, tenant_id: str, instance_id: str) -> wsgi.Result:
        """List databases."""
        _authorize(req, 'database:index')
        page = pagination.read(req, self._conf.databases_page_size)
        ready = self._gate.enter(req.context, instance_id, 'databases')
        items, next_marker = models.list_databases(ready, page)
        shown = [views.database(item) for item in items]
        return wsgi.Result(pagination.paged(req, 'databases', shown, page, next_marker))

    def create(self, req: wsgi.Request, body: Body, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Create databases."""
        _authorize(req, 'database:create')
        ready = self._gate.enter(req.context, instance_id, 'databases')
        models.create_databases(ready, body['databases'])
        return wsgi.Result(None, 202)

    def show(self, req: wsgi.Request, tenant_id: str, instance_id: str, id: str) -> wsgi.Result:
        """Showing one database never was supported; the list tells all there is."""
        _authorize(req, 'database:show')
        self._gate.enter(req.context, instance_id, 'databases')
        raise exception.NotImplementedHere('A single database cannot be shown; list the databases.')

    def delete(self, req: wsgi.Request, tenant_id: str, instance_id: str, id: str) -> wsgi.Result:
        """Drop a database."""
        _authorize(req, 'database:delete')
        models.delete_database(self._gate.enter(req.context, instance_id, 'databases'), id)
        return wsgi.Result(None, 202)


class UserController(wsgi.Controller):
    """Users of an instance."""

    schemas = {'create': schema.USERS, 'update_all': schema.PASSWORDS, 'update': schema.USER_UPDATE}

    def __init__(self, conf: cfg.ConfigOpts, gate: Gate) -> None:
        self._conf = conf
        self._gate = gate

    def _enter(self, req: wsgi.Request, instance_id: str, name: str) -> models.Ready:
        _authorize(req, f'user:{name}')
        return self._gate.enter(req.context, instance_id, 'users')

    def index(self, req: wsgi.Request, tenant_id: str, instance_id: str) -> wsgi.Result:
        """List users."""
        page = pagination.read(req, self._conf.users_page_size)
        items, next_marker = models.list_users(self._enter(req, instance_id, 'index'), page)
        shown = [views.user(item) for item in items]
        return wsgi.Result(pagination.paged(req, 'users', shown, page, next_marker))

    def create(self, req: wsgi.Request, body: Body, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Create users."""
        models.create_users(self._enter(req, instance_id, 'create'), body['users'])
        return wsgi.Result(None, 202)

    def update_all(self, req: wsgi.Request, body: Body, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Change passwords of several users."""
        models.change_passwords(self._enter(req, instance_id, 'update_all'), body['users'])
        return wsgi.Result(None, 202)

    def show(self, req: wsgi.Request, tenant_id: str, instance_id: str, id: str) -> wsgi.Result:
        """Show one user."""
        found = models.get_user(self._enter(req, instance_id, 'show'), models.UserId.parse(id))
        return wsgi.Result({'user': views.user(found)})

    def update(self, req: wsgi.Request, body: Body, tenant_id: str, instance_id: str, id: str) -> wsgi.Result:
        """Change name, password or host of one user."""
        models.update_user(self._enter(req, instance_id, 'update'), models.UserId.parse(id), body['user'])
        return wsgi.Result(None, 202)

    def delete(self, req: wsgi.Request, tenant_id: str, instance_id: str, id: str) -> wsgi.Result:
        """Drop one user."""
        models.delete_user(self._enter(req, instance_id, 'delete'), models.UserId.parse(id))
        return wsgi.Result(None, 202)


class UserAccessController(wsgi.Controller):
    """Databases that a user may use."""

    schemas = {'update': schema.ACCESS}

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def _enter(self, req: wsgi.Request, instance_id: str, name: str) -> models.Ready:
        _authorize(req, f'user_access:{name}')
        return self._gate.enter(req.context, instance_id, 'users')

    def index(self, req: wsgi.Request, tenant_id: str, instance_id: str, user_id: str) -> wsgi.Result:
        """List the databases of a user."""
        found = models.list_access(self._enter(req, instance_id, 'index'), models.UserId.parse(user_id))
        return wsgi.Result({'databases': [views.database(item) for item in found]})

    def update(self, req: wsgi.Request, body: Body, tenant_id: str, instance_id: str, user_id: str) -> wsgi.Result:
        """Let a user use more databases."""
        ready = self._enter(req, instance_id, 'update')
        models.grant_access(ready, models.UserId.parse(user_id), body['databases'])
        return wsgi.Result(None, 202)

    def delete(self, req: wsgi.Request, tenant_id: str, instance_id: str, user_id: str, id: str) -> wsgi.Result:
        """Take a database from a user."""
        models.revoke_access(self._enter(req, instance_id, 'delete'), models.UserId.parse(user_id), id)
        return wsgi.Result(None, 202)


class RootController(wsgi.Controller):
    """The root user of an instance."""

    schemas = {'create': schema.ROOT}

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def _enter(self, req: wsgi.Request, instance_id: str, name: str) -> models.Ready:
        _authorize(req, f'root:{name}')
        return self._gate.enter(req.context, instance_id, 'root')

    def index(self, req: wsgi.Request, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Tell whether root is enabled."""
        ready = self._enter(req, instance_id, 'index')
        return wsgi.Result({'rootEnabled': models.is_root_enabled(ready.instance_id)})

    def create(
        self, req: wsgi.Request, tenant_id: str, instance_id: str, body: dict[str, Any] | None = None
    ) -> wsgi.Result:
        """Enable root; the password is shown this once."""
        ready = self._enter(req, instance_id, 'create')
        return wsgi.Result({'user': models.enable_root(ready, (body or {}).get('password'))})

    def delete(self, req: wsgi.Request, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Disable root."""
        models.disable_root(self._enter(req, instance_id, 'delete'))
        return wsgi.Result(None, 204)
