"""What the control plane knows of a datastore: ports, abilities, names, template, parameters."""

import abc
import inspect
import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from trove.common import exception


class Description(abc.ABC):
    """One datastore as the server half sees it; the guest reads the same names from it.

    The class attributes are the defaults of the options of the same name in
    the group that bears the datastore's name.
    """

    name: ClassVar[str]
    tcp_ports: ClassVar[tuple[str, ...]]
    """Ports or ranges (``'11209-11211'``) that clients use; the first one is the engine's main port."""
    udp_ports: ClassVar[tuple[str, ...]] = ()
    mount_point: ClassVar[str]
    service_user: ClassVar[str]
    """User that the engine runs as when the agent is root."""
    has_volume: ClassVar[bool] = True
    has_databases: ClassVar[bool] = True
    has_users: ClassVar[bool] = True
    has_user_hosts: ClassVar[bool] = True
    """Whether users of one name may differ by the host they come from."""
    has_root: ClassVar[bool] = True
    root_user_name: ClassVar[str]
    root_on_create: ClassVar[bool] = False
    """Whether an instance is of no use without root's password, so that create shows one."""
    usage_timeout: ClassVar[int] = 1800
    backup_strategy: ClassVar[str] = ''
    replication_strategy: ClassVar[str] = ''
    engine_programs: ClassVar[tuple[str, ...]] = ()
    """Names or patterns of paths by which ``trove-standalone`` looks for the engine on its host; empty: it does not."""
    engine_version: ClassVar[str] = r'(\d+[\d.]*)'
    """Pattern of what such a program prints for ``--version``, when it is this engine; its group is the version."""
    reserved_databases: ClassVar[frozenset[str]] = frozenset()
    reserved_users: ClassVar[frozenset[str]] = frozenset()

    @property
    def port(self) -> int:
        """The port that the engine listens on."""
        return int(self.tcp_ports[0])

    def server_options(self) -> list[cfg.Opt]:
        """Return what API and taskmanager need, for the group of the datastore's name."""
        return [
            cfg.ListOpt('tcp_ports', default=list(self.tcp_ports), help='TCP ports that are opened for clients.'),
            cfg.ListOpt('udp_ports', default=list(self.udp_ports), help='UDP ports that are opened for clients.'),
            cfg.BoolOpt('volume_support', default=self.has_volume, help='Whether an instance gets a volume.'),
            cfg.BoolOpt(
                'root_on_create',
                default=self.root_on_create,
                help="Whether create enables root and shows root's password.",
            ),
            cfg.IntOpt(
                'usage_timeout',
                default=self.usage_timeout,
                min=1,
                help='Seconds that a new instance may take to serve.',
            ),
            cfg.IntOpt(
                'default_password_length',
                default=36,
                min=8,
                help='Length of the passwords that are generated for root.',
            ),
        ]

    def guest_options(self) -> list[cfg.Opt]:
        """Return what the guest needs, for the group of the datastore's name."""
        return [
            cfg.StrOpt('mount_point', default=self.mount_point, help='Where the volume is mounted in the guest.'),
            cfg.StrOpt(
                'service_user',
                default=self.service_user,
                help='User that runs the engine when the agent is root; otherwise it runs as the agent does.',
            ),
            *self._strategy_options(),
        ]

    def _strategy_options(self) -> list[cfg.Opt]:
        return [
            cfg.StrOpt(
                'backup_strategy',
                default=self.backup_strategy,
                help="How the engine is backed up: an entry point in 'trove.guestagent.backups', or a class in "
                'backup_namespace. Empty means that it is not.',
            ),
            cfg.StrOpt('backup_namespace', default='', help='Module with the class, as a dotted path.'),
            cfg.StrOpt(
                'restore_namespace',
                default='',
                help='Module with a class of the same name that restores, as a dotted path, if it is another one.',
            ),
            cfg.StrOpt(
                'replication_strategy',
                default=self.replication_strategy,
                help="How engines replicate: an entry point in 'trove.guestagent.replications', the dotted path of a "
                'class, or a class in replication_namespace. Empty means that they do not.',
            ),
            cfg.StrOpt('replication_namespace', default='', help='Module with the class, as a dotted path.'),
        ]

    @abc.abstractmethod
    def validate_database(self, database: Mapping[str, Any]) -> None:
        """Raise ``BadRequest`` unless ``{"name", "character_set"?, "collate"?}`` can be created.

        Only the keys that are there are looked at; a reserved name raises ``ReservedName``.
        """

    @abc.abstractmethod
    def validate_user(self, user: Mapping[str, Any]) -> None:
        """Raise ``BadRequest`` unless ``{"name"?, "password"?, "host"?, "databases"?}`` can be used.

        Only the keys that are there are looked at; a reserved name raises ``ReservedName``.
        """

    def template(self) -> str:
        """Return the Jinja2 source of the engine's tunables.

        It is rendered with ``{"flavor": {"ram": MB, "vcpus": n}, "datastore": {"name", "version"}}``;
        the guest adds folders, address and port.
        """
        return self._read('config.template')

    def parameters(self) -> list[dict[str, Any]]:
        """Return what a tenant may configure: ``{"name", "type", "min"?, "max"?, "restart_required"}``."""
        entries: list[dict[str, Any]] = json.loads(self._read('parameters.json'))['configuration-parameters']
        kept = [entry for entry in entries if self.name in entry.get('datastores', [self.name])]
        return [{key: value for key, value in entry.items() if key != 'datastores'} for entry in kept]

    def _read(self, file_name: str) -> str:
        # Beside the class, so that a vendor's datastore brings its own files.
        folder = os.path.dirname(inspect.getfile(type(self)))
        with open(os.path.join(folder, file_name), encoding='utf-8') as stream:
            return stream.read()

    def _refuse_reserved(self, name: str, reserved: frozenset[str]) -> None:
        if name in reserved:
            raise exception.ReservedName(name=name)
