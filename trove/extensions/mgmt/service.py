"""Quotas of projects and the history of root over HTTP."""

from typing import Any

from oslo_config import cfg
from sqlalchemy import orm

from trove.common import exception, policy, wsgi
from trove.db import get_db_api
from trove.extensions.mgmt import schema, views
from trove.extensions.mysql import models as root_models
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
