"""What changes a server as a whole: resize, migration and rebuild."""

import logging
from typing import Any

from trove.common import exception, states
from trove.compute import base
from trove.compute.nova import birth, clients, errors, toolbox

LOG = logging.getLogger(__name__)

_Status = states.ServerStatus
_MOVING = (_Status.RESIZE, _Status.VERIFY_RESIZE)


class Moves(base.Moves):
    """Asks Nova for a move unless it is made or on its way."""

    tools: toolbox.Toolbox

    def resize_server(self, instance_id: str, flavor: base.Flavor) -> base.Server:
        server = self._require(instance_id)
        if server.flavor['id'] != flavor.id and server.status not in _MOVING:
            with errors.told('Resizing the server'):
                self.tools.cloud.nova(clients.WRITING).servers.resize(server.id, flavor.id)
            LOG.info('The server of instance %s is resized', instance_id)
        return self.tools.look(instance_id)

    def migrate_server(self, instance_id: str, host: str | None = None) -> base.Server:
        server = self._require(instance_id)
        is_there = host is not None and getattr(server, 'OS-EXT-SRV-ATTR:host', None) == host
        if server.status not in _MOVING and not is_there:
            with errors.told('Migrating the server'):
                self.tools.cloud.nova(clients.WRITING).servers.migrate(server.id, host=host)
            LOG.info('The server of instance %s is migrated', instance_id)
        return self.tools.look(instance_id)

    def confirm_move(self, instance_id: str) -> base.Server:
        server = self._require(instance_id)
        if server.status == _Status.VERIFY_RESIZE:
            with errors.told('Confirming the move'):
                self.tools.cloud.nova().servers.confirm_resize(server.id)
        return self.tools.look(instance_id)

    def revert_move(self, instance_id: str) -> base.Server:
        server = self._require(instance_id)
        if server.status == _Status.VERIFY_RESIZE:
            with errors.told('Reverting the move'):
                self.tools.cloud.nova().servers.revert_resize(server.id)
        return self.tools.look(instance_id)

    def rebuild_server(self, request: base.ServerRequest) -> base.Server:
        if request.image is None:
            raise exception.ComputeError(reason='no image is named; ask the operator to register one')
        server = self._require(request.instance_id)
        if server.status != _Status.REBUILD:
            version = clients.WRITING if server.image else clients.REBUILDING_VOLUMES
            with errors.told('Rebuilding the server'):
                self.tools.cloud.nova(version).servers.rebuild(
                    server.id,
                    request.image.id,
                    meta=birth.metadata(request),
                    userdata=birth.guest_data(self.tools.settings, request),
                )
            LOG.info('The server of instance %s is rebuilt', request.instance_id)
        return self.tools.look(request.instance_id)

    def _require(self, instance_id: str) -> Any:
        return self.tools.finder.require(instance_id).server
