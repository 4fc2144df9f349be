"""The conductor's endpoint: what guests report goes into the database."""

from typing import Any

import sqlalchemy as sa
from oslo_log import log as logging
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import rpc, states
from trove.db import get_db_api, models
from trove.db import operations as ledger

LOG = logging.getLogger(__name__)


class Manager:
    """Writes reports down and wakes the operation that may wait for them."""

    def __init__(self, taskmanager_topic: str, clock: trove_clock.Clock, waker: rpc.Waker | None = None) -> None:
        self._waker = waker or rpc.Waker(rpc.Client(taskmanager_topic, '1.0'))
        self._clock = clock

    @rpc.expose
    def heartbeat(
        self, context: trove_context.TroveContext, instance_id: str, payload: dict[str, Any], sent: float
    ) -> None:
        """Write the newest state of a guest; older or repeated reports are dropped."""
        woken = get_db_api().run(lambda session: self._write_heartbeat(session, instance_id, payload, sent))
        self._wake(context, woken)

    def _write_heartbeat(
        self, session: orm.Session, instance_id: str, payload: dict[str, Any], sent: float
    ) -> list[str]:
        # Locked before it is looked at: of two reports at once the newer one stays.
        record = session.get(models.ServiceStatus, instance_id, with_for_update=True)
        if record is None:
            LOG.warning('A heartbeat came from %s, which is no instance of ours', instance_id)
            return []
        if sent <= record.sent or record.description == states.RESTART_REQUIRED.description:
            return []
        status = states.ServiceStatus.find(str(payload.get('service_status')))
        before = (record.description, record.is_prepared, record.sent == 0)
        record.description = status.description
        record.is_prepared = bool(payload.get('prepared'))
        record.volume = payload.get('volume')
        record.sent = sent
        record.updated = trove_clock.utcnow()
        if before == (record.description, record.is_prepared, False):
            return []
        LOG.info('The service of instance %s became %s', instance_id, status.description)
        return ledger.wake(session, instance_id, self._clock)

    @rpc.expose
    def job_ended(
        self, context: trove_context.TroveContext, instance_id: str, job_id: str, error: str | None = None
    ) -> None:
        """Write the end of a named job; a repeated report changes nothing."""
        woken = get_db_api().run(lambda session: self._write_job(session, instance_id, job_id, error))
        self._wake(context, woken)

    def _write_job(self, session: orm.Session, instance_id: str, job_id: str, error: str | None) -> list[str]:
        # A deleted instance has no status any more; what its guest still says is of no use. The lock
        # lets reports of one guest in one by one, so that a repeated one finds the first.
        if session.get(models.ServiceStatus, instance_id, with_for_update=True) is None:
            LOG.warning('The end of a job came from %s, which is no instance of ours', instance_id)
            return []
        if session.get(models.GuestJob, job_id) is not None:
            return []
        LOG.info('Job %s of instance %s ended%s', job_id, instance_id, ' with an error' if error else '')
        session.add(models.GuestJob(job_id=job_id, instance_id=instance_id, error=error, ended_at=trove_clock.utcnow()))
        session.flush()
        return ledger.wake(session, instance_id, self._clock)

    def _wake(self, context: trove_context.TroveContext, operation_ids: list[str]) -> None:
        for operation_id in operation_ids:
            self._waker.send(context, 'run_operation', operation_id=operation_id)


def forget(session: orm.Session, instance_id: str) -> None:
    """Remove what the guest of an instance reported; part of its deletion."""
    for model in (models.GuestJob, models.ServiceStatus):
        session.execute(sa.delete(model).where(model.instance_id == instance_id))
