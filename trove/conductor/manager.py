"""The conductor's endpoint: what guests report goes into the database."""

from typing import Any

import oslo_messaging
import sqlalchemy as sa
from oslo_log import log as logging
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import rpc, sealing, states
from trove.common.rpc import calls
from trove.conductor import api, gate
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables

LOG = logging.getLogger(__name__)

MOST_SEEN = 128
"""Messages of one guest that are remembered to know a repeated one; older ones are refused by their time."""
MOST_JOBS = 16
"""Jobs that one operation may have."""


class Manager:
    """Writes reports down and wakes the operation that may wait for them.

    The sender of each message is proven. What it says is not: a guest may be hostile.
    """

    target = oslo_messaging.Target(version=api.VERSION)

    def __init__(
        self,
        taskmanager_topic: str,
        clock: trove_clock.Clock,
        waker: rpc.Waker | None = None,
        window_seconds: float = 300.0,
    ) -> None:
        self._waker = waker or rpc.Waker(rpc.Client(taskmanager_topic, '1.0'))
        self._clock = clock
        self._window_seconds = window_seconds

    @rpc.expose
    def heartbeat(
        self, context: trove_context.GuestContext, instance_id: str, payload: dict[str, Any], sent: float
    ) -> None:
        """Write the newest state of a guest; older or repeated reports are dropped."""
        gate.check_sender(context, instance_id)
        gate.check_heartbeat(payload, sent)
        woken = get_db_api().run(lambda session: self._write_heartbeat(session, context, payload, sent))
        self._wake(context, woken)

    def _admitted(self, session: orm.Session, context: trove_context.GuestContext) -> models.ServiceStatus | None:
        """Return the locked status of the sender, None for no instance of ours; ``Refused`` for what came before.

        Locked before it is looked at: of two reports at once the newer one stays, and a repeated one finds the first.
        """
        record = session.get(models.ServiceStatus, context.sender, with_for_update=True)
        if record is not None:
            record.seen = sealing.admit(
                record.seen or [], context.message, self._clock.time(), self._window_seconds, MOST_SEEN
            )
        return record

    def _write_heartbeat(
        self, session: orm.Session, context: trove_context.GuestContext, payload: dict[str, Any], sent: float
    ) -> list[str]:
        record = self._admitted(session, context)
        if record is None:
            LOG.warning('A heartbeat came from %s, which is no instance of ours', context.sender)
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
        LOG.info('The service of instance %s became %s', context.sender, status.description)
        return ledger.wake(session, context.sender, self._clock)

    @rpc.expose
    def job_ended(
        self, context: trove_context.GuestContext, instance_id: str, job_id: str, error: str | None = None
    ) -> None:
        """Write the end of a named job; a repeated report changes nothing."""
        gate.check_sender(context, instance_id)
        gate.check_end(job_id, error)
        woken = get_db_api().run(lambda session: self._write_job(session, context, job_id, error))
        self._wake(context, woken)

    def _write_job(
        self, session: orm.Session, context: trove_context.GuestContext, job_id: str, error: str | None
    ) -> list[str]:
        # A deleted instance has no status any more; what its guest still says is of no use.
        if self._admitted(session, context) is None:
            LOG.warning('The end of a job came from %s, which is no instance of ours', context.sender)
            return []
        if session.get(models.GuestJob, job_id) is not None:
            return []
        if not _may_end(session, context.sender, job_id):
            raise sealing.Refused('job')
        LOG.info('Job %s of instance %s ended%s', job_id, context.sender, ' with an error' if error else '')
        text = None if error is None else error[: gate.MOST_ERROR]
        record = models.GuestJob(job_id=job_id, instance_id=context.sender, error=text, ended_at=trove_clock.utcnow())
        session.add(record)
        session.flush()
        return ledger.wake(session, context.sender, self._clock)

    @rpc.expose
    def answer(self, context: trove_context.GuestContext, call_id: str, topic: str, outcome: dict[str, Any]) -> None:
        """Hand an answer on to who waits for it, as it was sealed."""
        if not isinstance(call_id, str) or not isinstance(topic, str):
            raise sealing.Refused('arguments')
        calls.hand_on(context, topic, call_id, context.text)

    def _wake(self, context: trove_context.TroveContext, operation_ids: list[str]) -> None:
        for operation_id in operation_ids:
            self._waker.send(context, 'run_operation', operation_id=operation_id)


def _may_end(session: orm.Session, instance_id: str, job_id: str) -> bool:
    """Return whether a job is one of an operation on the instance: nobody ends the jobs of others, or endless ones."""
    operation = session.get(models.Operation, job_id.partition('.')[0])
    if operation is None or operation.subject_id != instance_id:
        return False
    known = tables.guest_jobs.c
    query = sa.select(sa.func.count()).where(known.instance_id == instance_id, known.job_id.startswith(operation.id))
    return bool(session.execute(query).scalar_one() < MOST_JOBS)


def forget(session: orm.Session, instance_id: str) -> None:
    """Remove what the guest of an instance reported; part of its deletion."""
    for model in (models.GuestJob, models.GuestKey, models.ServiceStatus):
        session.execute(sa.delete(model).where(model.instance_id == instance_id))
