"""The local provider with a label: what it makes and deletes is told in the log under a name of the operator's."""

import logging
from collections.abc import Iterable

from oslo_config import cfg
from trove.compute import base
from trove.compute.local import provider

LOG = logging.getLogger(__name__)

GROUP = 'acme_local'
OPTS = [
    cfg.StrOpt('label', default='acme', help='What the servers of this deployment are called in the log.'),
]


class AcmeLocal(provider.LocalProvider):
    """Servers that are processes of this host, counted."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        conf.register_opts(OPTS, group=GROUP)
        self._label: str = conf[GROUP].label

    def make_server(
        self, request: base.ServerRequest, addresses: Iterable[base.Address], volume: base.Volume | None
    ) -> base.Server:
        made = super().make_server(request, addresses, volume)
        self._tell('made', request.instance_id)
        return made

    def delete_server(self, instance_id: str) -> bool:
        is_there = self.find_server(instance_id) is not None
        is_gone = super().delete_server(instance_id)
        if is_there and is_gone:
            self._tell('deleted', instance_id)
        return is_gone

    def _tell(self, what: str, instance_id: str) -> None:
        LOG.info('%s: the server of %s was %s; there are %d', self._label, instance_id, what, len(self.list_servers()))
