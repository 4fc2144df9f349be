"""Memcached as the control plane sees it."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from trove.common import exception
from trove.guestagent.datastore import description

from acme_trove.memcached import options


class Memcached(description.Description):
    """A cache in memory: no volume, no databases and no accounts at all."""

    name = 'memcached'
    tcp_ports = (options.TCP_PORT,)
    mount_point = options.MOUNT_POINT
    service_user = options.SERVICE_USER
    has_volume = False
    has_databases = False
    has_users = False
    has_root = False
    root_user_name = ''
    usage_timeout = 300
    engine_programs = ('memcached',)
    engine_version = r'memcached (\d+[\d.]*)'

    def guest_options(self) -> list[cfg.Opt]:
        return [*super().guest_options(), *options.GUEST_OPTS]

    def validate_database(self, database: Mapping[str, Any]) -> None:
        raise exception.DatastoreOperationNotSupported(datastore=self.name, operation='create_database')

    def validate_user(self, user: Mapping[str, Any]) -> None:
        raise exception.DatastoreOperationNotSupported(datastore=self.name, operation='create_user')
