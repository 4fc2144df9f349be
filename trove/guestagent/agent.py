"""The agent: one datastore, its endpoint, its jobs and its heartbeat, put together."""

import os
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import rpc
from trove.conductor import api as conductor_api
from trove.guestagent import heartbeat, jobs, manager
from trove.guestagent.datastore import manager as datastore_manager
from trove.guestagent.datastore import status as datastore_status
from trove.guestagent.system import files

LOG = logging.getLogger(__name__)

STOP_SECONDS = 5.0


class Agent:
    """Serves one guest until it is stopped; the engine goes on without it."""

    def __init__(
        self, conf: cfg.ConfigOpts, datastore: datastore_manager.Manager, conductor: conductor_api.API
    ) -> None:
        self._instance_id: str = conf.guest_id
        self._conductor = conductor
        files.make_folder(conf.state_path)
        self._status = datastore_status.Status(os.path.join(conf.state_path, 'phase'), datastore.health)
        self._jobs = jobs.Jobs(os.path.join(conf.state_path, 'jobs'), self._tell_end)
        self.endpoint = manager.Manager(datastore, self._status, self._jobs)
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
        try:
            self._conductor.heartbeat(trove_context.service_context(), self._instance_id, payload, sent)
        except rpc.BusError as error:
            LOG.warning('A heartbeat of instance %s did not get out: %s', self._instance_id, error)
            return False
        return True

    def _tell_end(self, context: trove_context.TroveContext, job_id: str, error: str | None) -> bool:
        # Whoever waits for the job wants to see what it led to.
        self._heartbeat.forget()
        self._beating.wake()
        try:
            self._conductor.job_ended(context, self._instance_id, job_id, error)
        except rpc.BusError as bus_error:
            LOG.warning('The end of job %s did not get out: %s', job_id, bus_error)
            return False
        return True
