"""The local provider: an instance is a folder, a loopback address and processes of this host."""

import dataclasses
import logging
from collections.abc import Iterable

from trove.compute import base
from trove.compute.local import locks, moves, overview, records, resources

LOG = logging.getLogger(__name__)

# What is deleted need not be given the time that a stop is given.
DELETE_PATIENCE_SECONDS = 2.0


class LocalProvider(resources.LocalResources, moves.LocalMoves, overview.LocalOverview, base.Provider):
    """Servers that are processes; they outlive this object and are found again by another one."""

    @locks.exclusive
    def make_server(
        self, request: base.ServerRequest, addresses: Iterable[base.Address], volume: base.Volume | None
    ) -> base.Server:
        place = self._home(request.instance_id)
        record = records.load(place.folder)
        if record is None or record.power == records.BUILDING:
            record = self._servers.lay_out(place, request)
        if record.power in (records.BUILDING, records.RUNNING):
            self._servers.bring_up(place, record)
        return self._servers.describe(place, self._servers.require(place))

    def find_server(self, instance_id: str) -> base.Server | None:
        place = self._home(instance_id)
        record = records.load(place.folder)
        return self._servers.describe(place, record) if record is not None else None

    @locks.exclusive
    def start_server(self, instance_id: str) -> base.Server:
        return self._servers.start(self._home(instance_id))

    @locks.exclusive
    def stop_server(self, instance_id: str) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.require(place)
        if record.power != records.STOPPED:
            record = self._servers.want(place, records.STOPPED)
        self._servers.end(place, record, self._settings.stop_timeout_seconds)
        return self._servers.describe(place, record)

    @locks.exclusive
    def reboot_server(self, instance_id: str, is_hard: bool = False) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.want(place, records.REBOOTING)
        self._servers.bring_down(place, record, 0.0 if is_hard else None)
        return self._servers.start(place)

    @locks.exclusive
    def rename_server(self, instance_id: str, name: str) -> None:
        place = self._home(instance_id)
        records.save(place.folder, dataclasses.replace(self._servers.require(place), name=name))

    @locks.exclusive
    def delete_server(self, instance_id: str) -> bool:
        place = self._home(instance_id)
        record = records.load(place.folder)
        if record is not None and record.power != records.DELETING:
            record = self._servers.want(place, records.DELETING)
        if not self._servers.end(place, record, DELETE_PATIENCE_SECONDS):
            return False
        place.remove_server(has_volume=records.load_volume(place.folder) is not None)
        if record is not None:
            LOG.info('The server of instance %s was deleted', instance_id)
        return True

    def guest_settings(self, instance_id: str) -> dict[str, str]:
        return self._servers.guest_settings(self._home(instance_id))
