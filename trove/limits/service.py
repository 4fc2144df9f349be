"""Limits of the caller's project over HTTP: its quotas, and how often it may ask."""

from oslo_config import cfg

from trove.common import limits as rate_limits
from trove.common import policy, wsgi
from trove.db import get_db_api
from trove.limits import views
from trove.quota import models as quota_models


class LimitsController(wsgi.Controller):
    """Absolute limits and rates."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List the absolute limits and then the rates."""
        policy.authorize(req.context, 'limits:index')
        with get_db_api().reading() as session:
            quotas = quota_models.list_quotas(session, tenant_id, self._conf)
        limiter: rate_limits.Limiter = req.environ[rate_limits.LIMITER_KEY]
        return wsgi.Result({'limits': [views.absolute(quotas), *limiter.describe(tenant_id)]})


def routes(mapper: wsgi.Mapper) -> None:
    """Add the routes of this room."""
    mapper.add('/limits', wsgi.Resource(LimitsController(cfg.CONF)), {'GET': 'index'})
