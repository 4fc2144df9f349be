"""Extension: databases, users and root of an instance. Named after the first datastore that had them."""

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import extensions
from trove.extensions.mysql import options, service
from trove.guestagent import api as guest_api
from trove.instance import guest_doors

INSTANCE = {'member_name': 'instance', 'collection_name': 'instances'}
USER = {'member_name': 'user', 'collection_name': 'instances/{instance_id}/users'}


class Mysql(extensions.ExtensionDescriptor):
    """Serves every datastore that has databases, users or root."""

    def get_name(self) -> str:
        return 'Mysql'

    def get_description(self) -> str:
        return 'Databases, users, their access and root of an instance.'

    def get_namespace(self) -> str:
        return 'https://docs.openstack.org/trove/ext/mysql'

    def get_updated(self) -> str:
        return '2011-01-22T13:25:27-06:00'

    def get_resources(self) -> list[extensions.ResourceExtension]:
        conf = cfg.CONF
        for known in (options.OPTS, guest_api.OPTS):
            trove_cfg.register(conf, known)
        gate = service.Gate(conf, guest_doors.Doors.of_conf(conf))
        return [
            extensions.ResourceExtension('databases', service.DatabaseController(conf, gate), parent=INSTANCE),
            extensions.ResourceExtension(
                'users',
                service.UserController(conf, gate),
                parent=INSTANCE,
                actions={**extensions.STANDARD_ACTIONS, '': {'GET': 'index', 'POST': 'create', 'PUT': 'update_all'}},
            ),
            extensions.ResourceExtension(
                'databases',
                service.UserAccessController(gate),
                parent=USER,
                actions={'': {'GET': 'index', 'PUT': 'update'}, '/{id}': {'DELETE': 'delete'}},
            ),
            extensions.ResourceExtension(
                'root',
                service.RootController(gate),
                parent=INSTANCE,
                actions={'': {'GET': 'index', 'POST': 'create', 'DELETE': 'delete'}},
            ),
        ]
