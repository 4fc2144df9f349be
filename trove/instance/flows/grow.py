"""Makes the volume of an instance larger while its database serves."""

from typing import ClassVar

from trove.compute import base as compute
from trove.instance.flows import guest_job, providing, records
from trove.quota import models as quota_models
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome, Wait

VOLUME_POLL_SECONDS = 1.0


class GrowInstance(vocabulary.Operation):
    """Grows a volume and the file system on it. Whatever happens, the quota is charged for what there is."""

    KIND: ClassVar[str] = 'grow_instance'
    STEPS: ClassVar[tuple[str, ...]] = ('grow_volume', 'grow_file_system', 'finish')
    MAX_ATTEMPTS: ClassVar[int] = 60

    def grow_volume(self) -> Outcome:
        size = self.claim.spec['size']
        volume = providing.attempt(lambda: self._provider.grow_volume(self.subject_id, size))
        if not volume.is_ready:
            return Wait(VOLUME_POLL_SECONDS)
        with self.write() as session:
            records.change(session, self.subject_id, volume_size=volume.size, volume_id=volume.id)
        return Next('grow_file_system')

    def grow_file_system(self) -> Outcome:
        waiting = guest_job.ask(self, 'resize_fs', lambda guest, job_id: guest.resize_fs(self.context, job_id))
        return waiting or Next('finish')

    def finish(self) -> Outcome:
        task_code = self.claim.spec['task_code']
        with self.write() as session:
            records.change(session, self.subject_id, task_code=task_code, **records.NO_FAULT)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault, and charge for the size that the volume has."""
        volume = self._find_volume()
        if volume is not None and not volume.is_ready:
            return Wait(VOLUME_POLL_SECONDS)
        size = volume.size if volume is not None else self.claim.spec['old_size']
        if size < self.claim.spec['size']:
            advice = f'It has {size} GB as before and serves; try it again, or ask for less.'
        else:
            advice = f'The volume has {size} GB, but perhaps not its file system; ask for some more to try it again.'
        message = f'Growing the volume failed: {reason}. {advice}'
        with self.write() as session:
            quota_models.recharge(session, self.subject_id, {'volumes': size})
            records.change(session, self.subject_id, volume_size=size)
            records.write_fault(session, self.subject_id, None, message)
            records.change(session, self.subject_id, task_code=self.claim.spec['task_code'])
        return Done()

    @property
    def _provider(self) -> compute.Provider:
        provider: compute.Provider = self.tools.provider
        return provider

    def _find_volume(self) -> compute.Volume | None:
        volumes = providing.attempt(self._provider.list_volumes)
        return next((volume for volume in volumes if volume.instance_id == self.subject_id), None)
