"""Extension: what administrators do across projects."""

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import extensions
from trove.extensions.mgmt import service
from trove.instance import changes, guest_doors
from trove.instance import options as instance_options
from trove.taskmanager import api as taskmanager_api

INSTANCE_ACTIONS = {
    '': {'GET': 'index'},
    '/{id}': {'GET': 'show'},
    '/{id}/action': {'POST': 'action'},
    '/{id}/rpc_ping': {'GET': 'rpc_ping'},
}
INSTANCE = {'member_name': 'instance', 'collection_name': 'mgmt/instances'}


class Mgmt(extensions.ExtensionDescriptor):
    """Instances and quotas of all projects, and who enabled root."""

    def get_name(self) -> str:
        return 'Mgmt'

    def get_description(self) -> str:
        return 'Instances and quotas of all projects, and the history of root.'

    def get_namespace(self) -> str:
        return 'https://docs.openstack.org/trove/ext/mgmt'

    def get_updated(self) -> str:
        return '2011-08-24T00:00:00Z'

    def get_resources(self) -> list[extensions.ResourceExtension]:
        conf = cfg.CONF
        trove_cfg.register(conf, [*instance_options.API_OPTS, *taskmanager_api.OPTS])
        changing = changes.AdminChanges(conf, taskmanager_api.API(conf.taskmanager_queue))
        instances = service.InstanceController(conf, changing, guest_doors.Doors.of_conf(conf))
        return [
            extensions.ResourceExtension('instances', instances, path_prefix='mgmt', actions=INSTANCE_ACTIONS),
            extensions.ResourceExtension('quotas', service.QuotaController(conf), path_prefix='mgmt'),
            extensions.ResourceExtension('root', service.RootHistoryController(), parent=INSTANCE),
        ]
