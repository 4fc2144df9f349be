"""Servers of instances, from Nova: made, found, powered and deleted."""

import dataclasses
import logging
from collections.abc import Iterable
from typing import Any

from trove.common import exception, states
from trove.compute import base
from trove.compute.nova import birth, clients, errors, finder, toolbox

LOG = logging.getLogger(__name__)

_Status = states.ServerStatus
_TASK = 'OS-EXT-STS:task_state'


class Servers(base.Servers):
    """Makes servers with a tag that follows from the instance's id, one at a time by the instance's slot."""

    tools: toolbox.Toolbox

    def make_server(
        self, request: base.ServerRequest, addresses: Iterable[base.Address], volume: base.Volume | None
    ) -> base.Server:
        if volume is not None and not volume.is_ready:
            raise exception.ComputeBusy(reason=f'the volume of instance {request.instance_id} is not ready yet')
        found = self.tools.finder.find(request.instance_id)
        if found.server is None:
            body = birth.arguments(self.tools.settings, request, found.ports, volume)
            found = self._make(request, found, body)
        for server in found.surplus:
            LOG.warning('Server %s of instance %s is one too many', server.id, request.instance_id)
            self._delete(server)
        return self.tools.describe(found)

    def find_server(self, instance_id: str) -> base.Server | None:
        found = self.tools.finder.find(instance_id)
        if found.server is None:
            return None
        server = self.tools.describe(found)
        if server.status != _Status.ACTIVE:
            return server
        return dataclasses.replace(server, fault=self.tools.finder.failed_move(found.server))

    def start_server(self, instance_id: str) -> base.Server:
        found = self.tools.finder.require(instance_id)
        if found.server.status == _Status.SHUTOFF and not _task(found.server):
            with errors.told('Starting the server'):
                self.tools.cloud.nova().servers.start(found.server.id)
        return self.tools.look(instance_id)

    def stop_server(self, instance_id: str) -> base.Server:
        found = self.tools.finder.require(instance_id)
        if found.server.status != _Status.SHUTOFF and _task(found.server) != 'powering-off':
            with errors.told('Stopping the server'):
                self.tools.cloud.nova().servers.stop(found.server.id)
        return self.tools.look(instance_id)

    def reboot_server(self, instance_id: str, is_hard: bool = False) -> base.Server:
        found = self.tools.finder.require(instance_id)
        with errors.told('Rebooting the server'):
            # Nova refuses to reboot softly what does not run.
            if found.server.status == _Status.SHUTOFF and not is_hard:
                self.tools.cloud.nova().servers.start(found.server.id)
            else:
                self.tools.cloud.nova().servers.reboot(found.server.id, 'HARD' if is_hard else 'SOFT')
        return self.tools.look(instance_id)

    def rename_server(self, instance_id: str, name: str) -> None:
        found = self.tools.finder.require(instance_id)
        with errors.told('Renaming the server'):
            self.tools.cloud.nova().servers.update(found.server.id, name=name)

    def delete_server(self, instance_id: str) -> bool:
        found = self.tools.finder.find(instance_id)
        for server in found.servers:
            self._delete(server)
        if found.servers:
            return False
        if self.tools.slots.rest_seconds(instance_id):
            return False
        self.tools.server_groups.delete(instance_id)
        return True

    def guest_settings(self, instance_id: str) -> dict[str, str]:
        return {}

    def _make(self, request: base.ServerRequest, found: finder.Found, body: dict[str, Any]) -> finder.Found:
        with self.tools.slots.claimed(found.instance_id, found.first_port.network_id, 'server') as about_to_post:
            found = self.tools.finder.find(request.instance_id)
            if found.server is None:
                if request.locality:
                    group_id = self.tools.server_groups.make(request.instance_id, request.locality)
                    body['scheduler_hints'] = {'group': group_id}
                about_to_post()
                with errors.told('Making the server'):
                    self.tools.cloud.nova(clients.WRITING).servers.create(**body)
                LOG.info('The server of instance %s was made', request.instance_id)
        return self.tools.finder.require(request.instance_id)

    def _delete(self, server: Any) -> None:
        if _task(server) == 'deleting' and server.status != 'ERROR':
            return
        with errors.told('Deleting the server'), errors.missing_is_fine():
            if server.status == 'SOFT_DELETED':
                # The cloud keeps deleted servers for a while, and their ports and volumes with them.
                self.tools.cloud.nova().servers.force_delete(server.id)
            else:
                self.tools.cloud.nova().servers.delete(server.id)


def _task(server: Any) -> str:
    return getattr(server, _TASK, None) or ''
