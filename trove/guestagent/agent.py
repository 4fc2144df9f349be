"""The agent: one datastore, its endpoint, its jobs and its heartbeat, put together."""

import os
from collections.abc import Callable
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import rpc
from trove.conductor import api as conductor_api
from trove.guestagent import heartbeat, jobs, manager, requests
from trove.guestagent.datastore import manager as datastore_manager
from trove.guestagent.datastore import status as datastore_status
from trove.guestagent.system import files

LOG = logging.getLogger(__name__)

STOP_SECONDS = 5.0


class Agent:
    """Serves one guest until it is stopped; the engine goes on without it."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        datastore: datastore_manager.Manager,
        conductor: conductor_api.API,
        renew_key: Callable[[requests.RekeyRequest], None],
    ) -> None:
        self._instance_id: str = conf.guest_id
        self._conductor = conductor
        self._is_bus_away = False
        # As the engine makes it: its user has to reach its configuration, also when systemd starts it again.
        files.make_folder(conf.state_path, mode=0o711 if os.geteuid() == 0 else 0o700)
        self._status = datastore_status.Status(os.path.join(conf.state_path, 'phase'), datastore.health)
        self._jobs = jobs.Jobs(os.path.join(conf.state_path, 'jobs'), self._tell_end)
        self.endpoint = manager.Manager(datastore, self._status, self._jobs, renew_key)
        self._heartbeat = heartbeat.Heartbeat(
            self._status.current,
            datastore.get_filesystem_stats,
            self._tell_status,
            conf.report_interval,
            trove_clock.Clock(),
        )
        self._beating = heartbeat.Repeater('heartbeat', self._heartbeat.beat, conf.health_interval)
        self._tending = heartbeat.Repeater('tending', datastore.services.tend, conf.health_interval)

    def start(self) -> None:
        """Begin to watch the engine and to tell of it."""
        self._tending.start()
        self._beating.start()

    def stop(self) -> None:
        """End in good order; a job that takes long is cut off and will be asked for again."""
        self._beating.stop()
        self._tending.stop()
        if not self._jobs.stop(STOP_SECONDS):
            LOG.warning('The agent of instance %s ended in the middle of a job', self._instance_id)

    def _tell_status(self, payload: dict[str, Any], sent: float) -> bool:
        context = trove_context.service_context()
        return self._tell('A heartbeat', self._conductor.heartbeat, context, self._instance_id, payload, sent)

    def _tell_end(self, context: trove_context.TroveContext, job_id: str, error: str | None) -> bool:
        # The status comes first, so that who waits for the job sees what it led to. It is told even
        # if it is the old one: the control plane shows RESTARTING, or the like, until it hears of it.
        self._heartbeat.forget()
        self._beating.wake()
        return self._tell('The end of a job', self._conductor.job_ended, context, self._instance_id, job_id, error)

    def _tell(self, what: str, cast: Callable[..., None], *arguments: Any) -> bool:
        """Return whether it got out; it is repeated until it does, but only the first failure is logged."""
        try:
            cast(*arguments)
        except rpc.BusError as error:
            if not self._is_bus_away:
                LOG.warning('%s of instance %s did not get out: %s', what, self._instance_id, error)
            self._is_bus_away = True
            return False
        self._is_bus_away = False
        return True
