"""All that there is of all instances, in few calls."""

import datetime
import logging
from typing import Any

from trove.common import exception, states
from trove.compute import base
from trove.compute.nova import disks, finder, names, toolbox

LOG = logging.getLogger(__name__)


class Overview(base.Overview):
    """Lists what the service project has, and keeps what is named after an instance."""

    tools: toolbox.Toolbox

    def list_servers(self, changed_since: datetime.datetime | None = None) -> list[base.Server]:
        search = {'changes-since': f'{changed_since.isoformat()}Z'} if changed_since else {}
        servers = self.tools.finder.list_all(search)
        ports: dict[str, list[Any]] = {}
        for port in self.tools.ports.list_all():
            ports.setdefault(names.instance_of(port.name), []).append(port)
        floating = self.tools.floating.list_all() if self.tools.settings.public_network_id else []
        bound = {port.device_id for listed in ports.values() for port in listed}
        # Of several servers of an instance the one is told that find_server would tell.
        servers.sort(key=lambda server: (server.id not in bound, server.status == 'DELETED', server.created, server.id))
        told: dict[str, base.Server] = {}
        for server in servers:
            instance_id = names.instance_of(server.description)
            if not instance_id or instance_id in told:
                continue
            try:
                told[instance_id] = finder.describe(server, instance_id, ports.get(instance_id, ()), floating)
            except exception.ComputeBusy as error:
                LOG.warning('Nothing is known of a server: %s', error)
        return [told[instance_id] for instance_id in sorted(told)]

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


_DELETED = states.ServerStatus.DELETED
