"""The instances of a stack, minded while its daemons are down: halted, counted, deleted.

This goes through the provider and its machines, not through the API. Halting leaves
what is wanted of a server as it is, so that the taskmanager brings it back.
"""

import pathlib
import time
from collections.abc import Callable
from concurrent import futures

from oslo_config import cfg

from trove.compute.local import home, machine, power, provider, settings
from trove.standalone.errors import StackError

PATIENCE_SECONDS = 60.0
DELETE_SECONDS = 60.0


class Instances:
    """All instances of the stack whose configuration file is named."""

    def __init__(self, configuration: pathlib.Path, now: Callable[[], float] = time.monotonic) -> None:
        self._conf = cfg.ConfigOpts()
        self._conf(['--config-file', str(configuration)], project='trove', prog='trove-standalone')
        self._provider = provider.LocalProvider(self._conf)
        self._now = now

    def running(self) -> list[str]:
        """Return the ids of the instances of which a process runs."""
        return [instance_id for instance_id, target in self._machines() if target.members()]

    def halt(self) -> list[str]:
        """End all processes of all instances, engines as gently as they let us; return whose there were."""
        running = {instance_id: target for instance_id, target in self._machines() if not target.is_gone()}
        # Together and not one after the other: each may need a while.
        with futures.ThreadPoolExecutor(max_workers=16) as pool:
            for instance_id, is_gone in zip(running, pool.map(self._end, running.values()), strict=True):
                if not is_gone:
                    raise StackError(f'Processes of instance {instance_id} do not end.')
        return list(running)

    def _end(self, target: machine.Machine) -> bool:
        since = self._now()
        while not power.end(target, power.Ending(self._now() - since, PATIENCE_SECONDS)):
            if self._now() - since > 2 * PATIENCE_SECONDS:
                return False
        return True

    def delete(self) -> None:
        """Delete every server, volume and address; the data are gone then."""
        found = self._provider
        for instance_id in found.list_instance_ids():
            for delete in (found.delete_server, found.delete_volume, found.delete_address):
                self._delete_until_gone(delete, instance_id)

    def _delete_until_gone(self, delete: Callable[[str], bool], instance_id: str) -> None:
        deadline = self._now() + DELETE_SECONDS
        while not delete(instance_id):
            if self._now() > deadline:
                raise StackError(f'Instance {instance_id} cannot be deleted; try again.')

    def _machines(self) -> list[tuple[str, machine.Machine]]:
        found = settings.Settings(self._conf)
        places = [home.Home(found.instances_path, one) for one in self._provider.list_instance_ids()]
        return [(place.instance_id, machine.Machine(place.instance_id, place.folder, found.user())) for place in places]
