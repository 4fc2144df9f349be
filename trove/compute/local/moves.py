"""Resize and rebuild on one host: a restart, and a record of what may be undone."""

from trove.common import exception
from trove.compute import base
from trove.compute.local import home, locks, parts, records

IDLE = (records.RUNNING, records.STOPPED)


class LocalMoves(parts.Parts, base.Moves):
    """Flavors size the engine's configuration only, so that a resize is another flavor in the record and a restart."""

    @locks.exclusive
    def resize_server(self, instance_id: str, flavor: base.Flavor) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.require(place)
        is_new = record.flavor_id != flavor.id
        if is_new and record.old_flavor_id is not None:
            raise exception.ComputeError(
                reason=f'instance {instance_id} was resized to flavor {record.flavor_id}; confirm or revert that first'
            )
        if is_new:
            _refuse_busy(instance_id, record)
            changes = {'flavor_id': flavor.id, 'old_flavor_id': record.flavor_id}
            # What is stopped needs no restart and stays stopped.
            power = records.STOPPED if record.power == records.STOPPED else records.RESIZING
            record = self._servers.want(place, power, **changes)
        return self._finish(place, record)

    def migrate_server(self, instance_id: str, host: str | None = None) -> base.Server:
        self._servers.require(self._home(instance_id))
        raise exception.ComputeError(
            reason=f'instance {instance_id} cannot be moved: the local provider has no other host than '
            f'{self._settings.host}; move it with a backup'
        )

    @locks.exclusive
    def confirm_move(self, instance_id: str) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.require(place)
        if record.old_flavor_id is not None:
            _refuse_busy(instance_id, record)
            record = self._servers.want(place, record.power, old_flavor_id=None)
        return self._servers.describe(place, record)

    @locks.exclusive
    def revert_move(self, instance_id: str) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.require(place)
        if record.old_flavor_id is not None:
            power = records.STOPPED if record.power == records.STOPPED else records.REVERTING
            record = self._servers.want(place, power, flavor_id=record.old_flavor_id, old_flavor_id=None)
        return self._finish(place, record)

    @locks.exclusive
    def rebuild_server(self, request: base.ServerRequest) -> base.Server:
        # This host is the image, so that only what the request brings can be made anew. What agent and
        # engine remember stays beside the volume: without one, the data lie in the server's own folders.
        place = self._home(request.instance_id)
        record = self._servers.require(place)
        if record.power != records.REBUILDING:
            record = self._servers.want(place, records.REBUILDING)
        self._servers.bring_down(place, record)
        self._servers.lay_out_anew(place, request)
        return self._servers.start(place)

    def _finish(self, place: home.Home, record: records.ServerRecord) -> base.Server:
        if record.power not in (records.RESIZING, records.REVERTING):
            return self._servers.describe(place, record)
        self._servers.bring_down(place, record)
        return self._servers.start(place)


def _refuse_busy(instance_id: str, record: records.ServerRecord) -> None:
    if record.power not in IDLE and record.power != records.DELETING:
        raise exception.ComputeBusy(reason=f'the server of instance {instance_id} is {record.power}')
