"""Extension: what administrators do across projects."""

from oslo_config import cfg

from trove.common import extensions
from trove.extensions.mgmt import service

INSTANCE = {'member_name': 'instance', 'collection_name': 'mgmt/instances'}


class Mgmt(extensions.ExtensionDescriptor):
    """Quotas of projects, and who enabled root."""

    def get_name(self) -> str:
        return 'Mgmt'

    def get_description(self) -> str:
        return 'Quotas of projects, and the history of root.'

    def get_namespace(self) -> str:
        return 'https://docs.openstack.org/trove/ext/mgmt'

    def get_updated(self) -> str:
        return '2011-08-24T00:00:00Z'

    def get_resources(self) -> list[extensions.ResourceExtension]:
        conf = cfg.CONF
        return [
            extensions.ResourceExtension('quotas', service.QuotaController(conf), path_prefix='mgmt'),
            extensions.ResourceExtension('root', service.RootHistoryController(), parent=INSTANCE),
        ]
