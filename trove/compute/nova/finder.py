"""Servers: found by their tag and by the port that they use, and described."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from trove.common import exception, states
from trove.compute import base
from trove.compute.nova import clients, errors, faults, names, ports

_Status = states.ServerStatus

STATUS = {
    'HARD_REBOOT': _Status.REBOOT,
    'PASSWORD': _Status.ACTIVE,
    'MIGRATING': _Status.ACTIVE,
    'PAUSED': _Status.SHUTOFF,
    'SUSPENDED': _Status.SHUTOFF,
    'RESCUE': _Status.SHUTOFF,
    'SHELVED': _Status.SHUTOFF,
    'SHELVED_OFFLOADED': _Status.SHUTOFF,
    'SOFT_DELETED': _Status.DELETED,
}
"""Nova's words that are none of ours; MIGRATING is a live migration, in which the server goes on."""
_MOVES = ('resize', 'migrate')
KNOWN = {value for name, value in vars(_Status).items() if name.isupper()}


@dataclasses.dataclass(frozen=True)
class Found:
    """What there is of an instance: its servers, the one that counts first, and its ports."""

    instance_id: str
    servers: list[Any]
    ports: list[Any]

    @property
    def server(self) -> Any:
        """The instance's server: the one that its port is bound to; or None."""
        return self.servers[0] if self.servers else None

    @property
    def first_port(self) -> Any:
        """The instance's first port; or None."""
        return next((port for port in self.ports if ports.is_first(port, self.instance_id)), None)

    @property
    def surplus(self) -> list[Any]:
        """Servers that are one too many: a port is bound to another one of them."""
        if self.first_port is None or not self.servers or self.servers[0].id != self.first_port.device_id:
            return []
        return self.servers[1:]


class Finder:
    """Looks for servers; it changes nothing."""

    def __init__(self, cloud: clients.Clients, instance_ports: ports.Ports) -> None:
        self._cloud = cloud
        self._ports = instance_ports

    def find(self, instance_id: str) -> Found:
        """Return what there is of an instance."""
        tag = names.of_instance(instance_id)
        listed = self._ports.find(instance_id)
        bound = next((port.device_id for port in listed if port.device_id), '')
        with errors.told('Looking for the server'):
            servers = list(self._cloud.nova().servers.list(search_opts={'tags': tag}))
        if not servers and bound:
            # Lists lack the servers of a cell that is down; whoever asks for one of those hears so.
            servers = self._get(bound)
        servers.sort(key=lambda server: (server.id != bound, server.created, server.id))
        return Found(instance_id, servers, listed)

    def require(self, instance_id: str) -> Found:
        """Return what there is of an instance; ``ComputeError`` when it has no server."""
        found = self.find(instance_id)
        if found.server is None:
            raise exception.ComputeError(
                reason=f'there is no server of instance {instance_id}; delete the instance and create it again'
            )
        return found

    def failed_move(self, server: Any) -> str:
        """Return why the last thing that was asked of a server, a resize or a migration, came to nothing; or nothing.

        When no host has room, Nova leaves the server as it was and says so nowhere else.
        """
        with errors.told('Looking for the last action'), errors.missing_is_fine():
            actions = self._cloud.nova(clients.WRITING).instance_action
            last = next(iter(actions.list(server.id, limit=1)), None)
            if last is None or last.action not in _MOVES or last.message != 'Error':
                return ''
            events = actions.get(server.id, last.request_id).events
            return faults.move_fault(event.get('traceback') or '' for event in events)
        return ''

    def list_all(self, search: dict[str, Any]) -> list[Any]:
        """Return the servers of all instances."""
        with errors.told('Listing servers'):
            return list(self._cloud.nova().servers.list(search_opts=search, limit=-1))

    def _get(self, server_id: str) -> list[Any]:
        with errors.told('Looking for the server'), errors.missing_is_fine():
            return [self._cloud.nova().servers.get(server_id)]
        return []


def describe(
    server: Any, instance_id: str, server_ports: Iterable[Any] = (), floating: Iterable[Any] = ()
) -> base.Server:
    """Return a server as providers tell of it; ``ComputeBusy`` while Nova itself does not know."""
    status = STATUS.get(server.status, server.status)
    if status not in KNOWN:
        raise exception.ComputeBusy(
            reason=f'Nova says {server.status} of the server of instance {instance_id}; the operator may know why'
        )
    return base.Server(
        id=server.id,
        status=status,
        addresses=ports.addresses_of(server_ports, floating),
        fault=faults.fault_of(server),
        instance_id=instance_id,
        flavor_id=str((getattr(server, 'flavor', None) or {}).get('id', '')),
        host=getattr(server, 'OS-EXT-SRV-ATTR:host', None) or '',
    )
