"""Redis as the control plane sees it."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.guestagent.datastore import description
from trove.guestagent.datastore.redis import options


class Redis(description.Description):
    """No databases and no users; every client needs root's password, so create shows one."""

    name = 'redis'
    tcp_ports = (options.TCP_PORT, options.CLUSTER_PORT)
    mount_point = options.MOUNT_POINT
    service_user = options.SERVICE_USER
    has_databases = False
    has_users = False
    root_user_name = '-'
    root_on_create = True
    usage_timeout = 450
    engine_programs = ('redis-server',)
    engine_version = r'Redis server v=(\d+[\d.]*)'

    def guest_options(self) -> list[cfg.Opt]:
        return [*super().guest_options(), *options.GUEST_OPTS]

    def validate_database(self, database: Mapping[str, Any]) -> None:
        raise exception.DatastoreOperationNotSupported(datastore=self.name, operation='create_database')

    def validate_user(self, user: Mapping[str, Any]) -> None:
        raise exception.DatastoreOperationNotSupported(datastore=self.name, operation='create_user')
