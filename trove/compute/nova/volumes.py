"""Data volumes of instances, from Cinder."""

import logging
from typing import Any

from trove.common import clock, exception
from trove.compute import base
from trove.compute.nova import disks, errors, names, toolbox

LOG = logging.getLogger(__name__)


class Volumes(base.Volumes):
    """Makes volumes under names that follow from the instance's id, one at a time by the instance's slot."""

    tools: toolbox.Toolbox

    def make_volume(self, request: base.ServerRequest) -> base.Volume | None:
        if request.volume_size is None:
            return None
        instance_id = request.instance_id
        found = self.tools.disks.find(instance_id)
        if not found:
            port = self.tools.ports.find_first(instance_id)
            if port is None:
                raise exception.ComputeError(reason=f'instance {instance_id} has no port yet; make its address first')
            with self.tools.slots.claimed(instance_id, port.network_id, 'volume') as about_to_post:
                found = self.tools.disks.find(instance_id)
                if not found:
                    about_to_post()
                    found = [self._create(request)]
        self.tools.disks.check(found[0])
        return disks.describe(found[0])

    def grow_volume(self, instance_id: str, size: int) -> base.Volume:
        volume = next(iter(self.tools.disks.find(instance_id)), None)
        if volume is None:
            raise exception.ComputeError(reason=f'instance {instance_id} has no volume')
        self.tools.disks.check(volume)
        if volume.size > size:
            raise exception.ComputeError(reason=f'a volume of {volume.size} GB cannot shrink to {size} GB')
        if volume.size < size and volume.status in disks.READY:
            with errors.told('Growing the volume'):
                self.tools.cloud.volume.extend_volume(volume, size)
            LOG.info('The volume of instance %s is grown to %d GB', instance_id, size)
            volume = next(iter(self.tools.disks.find(instance_id)), volume)
        return disks.describe(volume, size)

    def delete_volume(self, instance_id: str) -> bool:
        found = self.tools.disks.find(instance_id)
        if self.tools.finder.find(instance_id).servers:
            return False
        if not found:
            return not self.tools.slots.rest_seconds(instance_id)
        for volume in found:
            self._discard(volume)
        return not self.tools.disks.find(instance_id)

    def _discard(self, volume: Any) -> None:
        if volume.status == 'error_deleting':
            raise exception.ComputeError(
                reason='Cinder could not delete the volume; ask the operator to look at it and to reset its status'
            )
        is_lost = disks.is_lost(volume, self.tools.settings.lost_volume_seconds, clock.utcnow())
        if is_lost:
            LOG.warning('Volume %s has been %s for long and is deleted by force', volume.id, volume.status)
        if is_lost or volume.status in disks.DELETABLE:
            with errors.told('Deleting the volume'), errors.missing_is_fine():
                self.tools.cloud.volume.delete_volume(volume.id, ignore_missing=False, force=is_lost)

    def _create(self, request: base.ServerRequest) -> Any:
        settings = self.tools.settings
        zone = request.availability_zone if settings.enable_volume_az else None
        kind = request.volume_type or settings.cinder_volume_type
        with errors.told('Making the volume'):
            made = self.tools.cloud.volume.create_volume(
                name=names.of_instance(request.instance_id),
                description=f'Made by Trove for instance {request.instance_id}',
                size=request.volume_size,
                metadata={'trove_instance_id': request.instance_id, 'trove_project_id': request.project_id},
                **({'volume_type': kind} if kind else {}),
                **({'availability_zone': zone} if zone else {}),
            )
        LOG.info('The volume of instance %s was made', request.instance_id)
        return made
