"""Instances and quotas of all projects and the history of root over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg
from sqlalchemy import orm

from trove.common import exception, pagination, policy, wsgi
from trove.db import get_db_api
from trove.extensions.mgmt import schema, views
from trove.extensions.mysql import models as root_models
from trove.guestagent import api as guest_api
from trove.instance import changes
from trove.instance import models as instance_models
from trove.quota import models as quota_models


class QuotaController(wsgi.Controller):
    """Quotas of any project; one's own may be seen by everybody."""

    schemas = {'update': schema.QUOTAS}

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show limits and use of a project."""
        if id != tenant_id and not req.context.is_admin:
            raise exception.Forbidden('The quotas of another project are shown to administrators only.')
        with get_db_api().reading() as session:
            quotas = quota_models.list_quotas(session, id, self._conf)
        return wsgi.Result({'quotas': [views.quota(quota) for quota in quotas]})

    def update(self, req: wsgi.Request, body: dict[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        """Set limits of a project; null leaves one as it is."""
        policy.require_admin(req.context)
        if len(id) > schema.PROJECT_ID_LENGTH:
            raise exception.BadRequest('The project id is too long.')
        wanted = {resource: limit for resource, limit in body['quotas'].items() if limit is not None}

        def work(session: orm.Session) -> None:
            for resource, limit in sorted(wanted.items()):
                quota_models.set_limit(session, id, resource, limit)

        get_db_api().run(work)
        return wsgi.Result({'quotas': wanted})


class RootHistoryController(wsgi.Controller):
    """Who enabled root of an instance."""

    def index(self, req: wsgi.Request, tenant_id: str, instance_id: str) -> wsgi.Result:
        """Tell who enabled root last, and when."""
        policy.require_admin(req.context)
        found = root_models.last_enabled(req.context, instance_id)
        return wsgi.Result({'root_history': views.root_history(instance_id, found)})


class InstanceController(wsgi.Controller):
    """Instances of all projects; reads ask neither the cloud nor a guest."""

    schemas = {'action': schema.INSTANCE_ACTION}

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        changing: changes.AdminChanges,
        guest_door: Callable[[str, cfg.ConfigOpts], guest_api.API],
    ) -> None:
        self._conf = conf
        self._changes = changing
        self._guest_door = guest_door

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List instances; ``deleted`` and ``project_id`` choose, a missing one takes all."""
        policy.require_admin(req.context)
        page = pagination.read(req, self._conf.instances_page_size, is_capped=False)
        wanted = instance_models.Filter(_flag(req, 'deleted'), req.GET.get('project_id'))
        found, next_marker = instance_models.page_of_all(wanted, page.limit, page.offset())
        items = [views.instance(req, one, instance_models.service_of(self._conf, one)) for one in found]
        return wsgi.Result(pagination.paged(req, 'instances', items, page, next_marker))

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show one instance, a deleted one when ``deleted`` says so."""
        policy.require_admin(req.context)
        found = instance_models.get_any(id, with_deleted=bool(_flag(req, 'deleted')))
        service = instance_models.service_of(self._conf, found)
        return wsgi.Result({'instance': views.instance_detail(req, found, service, root_models.enabled_root(id))})

    def action(self, req: wsgi.Request, body: Mapping[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        """Act on an instance of whatever project."""
        policy.require_admin(req.context)
        name, value = next(iter(body.items()))
        match name:
            case 'stop':
                self._changes.stop(req.context, id)
            case 'reboot':
                self._changes.reboot(req.context, id)
            case 'migrate':
                self._changes.migrate(req.context, id, value.get('host'))
            case 'rebuild':
                self._changes.rebuild(req.context, id, value['image_id'])
            case 'rotate-guest-key':
                self._changes.rotate_guest_key(req.context, id)
            case _:
                self._changes.reset_task(req.context, id)
        return wsgi.Result(None, 202)

    def rpc_ping(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Ask the guest whether it answers; ``GuestTimeout`` when it is silent."""
        policy.require_admin(req.context)
        instance_models.get_any(id, with_deleted=False)
        self._guest_door(id, self._conf).rpc_ping(req.context)
        return wsgi.Result(None, 204)


def _flag(req: wsgi.Request, name: str) -> bool | None:
    text = req.GET.get(name)
    if text is None:
        return None
    if text.lower() not in ('true', 'false'):
        raise exception.BadRequest(f"The query parameter '{name}' must be true or false.")
    return bool(text.lower() == 'true')
