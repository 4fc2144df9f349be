"""All that there is of all instances, in few calls."""

import datetime
import logging
from typing import Any

from trove.common import exception, states
from trove.compute import base
from trove.compute.nova import disks, finder, names, toolbox

LOG = logging.getLogger(__name__)

_DELETED = states.ServerStatus.DELETED


class Overview(base.Overview):
    """Lists what the service project has, and keeps what is named after an instance."""

    tools: toolbox.Toolbox

    def list_servers(self, changed_since: datetime.datetime | None = None) -> list[base.Server]:
        search = {'changes-since': f'{changed_since.isoformat()}Z'} if changed_since else {}
        servers = [one for one in self.tools.finder.list_all(search) if names.instance_of(one.description)]
        if not servers:
            return []
        ports: dict[str, list[Any]] = {}
        for port in self.tools.ports.list_all():
            ports.setdefault(names.instance_of(port.name), []).append(port)
        bound = {port.device_id for own in ports.values() for port in own}
        # Without a public network nobody has one.
        floating = self.tools.floating.list_all() if self.tools.settings.public_network_id else []
        told = []
        for instance_id, server in _chosen(servers, bound).items():
            try:
                told.append(finder.describe(server, instance_id, ports.get(instance_id, ()), floating))
            except exception.ComputeBusy as error:
                LOG.warning('A server is left out of the list: %s', error)
        return told

    def list_volumes(self) -> list[base.Volume]:
        found = sorted(self.tools.disks.list_all(), key=lambda one: (not one.attachments, one.created_at, one.id))
        told: dict[str, base.Volume] = {}
        for volume in found:
            told.setdefault(names.instance_of(volume.name), disks.describe(volume))
        return [told[instance_id] for instance_id in sorted(told)]

    def list_instance_ids(self) -> list[str]:
        servers = {server.instance_id for server in self.list_servers() if server.status != _DELETED}
        volumes = {volume.instance_id for volume in self.list_volumes()}
        ports = {names.instance_of(port.name) for port in self.tools.ports.list_all()}
        return sorted(servers | volumes | ports)

    def resume_servers(self) -> list[str]:
        # Nova minds that: resume_guests_state_on_host_boot.
        return []

    def tidy(self) -> None:
        self.tools.slots.tidy()


def _chosen(servers: list[Any], bound: set[str]) -> dict[str, Any]:
    """Return the server of each instance that ``find_server`` would find, or else one that was deleted."""
    chosen: dict[str, Any] = {}
    for server in sorted(servers, key=lambda one: (one.id not in bound, one.status == _DELETED, one.created, one.id)):
        chosen.setdefault(names.instance_of(server.description), server)
    return dict(sorted(chosen.items()))
