"""Deletes what a worker made too late, for an instance that is no more."""

import uuid
from typing import ClassVar

import sqlalchemy as sa
from oslo_log import log as logging

from trove.common import states
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.instance.flows import delete, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

JUDGE_SECONDS = 2.0
LIMIT_SECONDS = 7 * 24 * 3600.0


class ClearInstance(delete.DeleteInstance, vocabulary.Operation):
    """Deletes once more what a delete, or a build that failed, has deleted already.

    A worker that stood still between its last look at its lease and its request to the
    provider makes what nobody looks for any more. When it learns of its loss, it writes
    this operation. Its subject is itself and not the instance, whose id is in the spec,
    so that it can be written at any time; it waits for the operations of the instance.
    """

    KIND: ClassVar[str] = 'clear_instance'
    STEPS: ClassVar[tuple[str, ...]] = ('judge', *delete.DeleteInstance.STEPS)
    MAX_ATTEMPTS: ClassVar[int] = 1000

    @property
    def subject_id(self) -> str:
        instance_id: str = self.claim.spec['instance_id']
        return instance_id

    def judge(self) -> Outcome:
        if is_at_work(self.subject_id):
            return Wait(JUDGE_SECONDS)
        if not is_empty(self.subject_id):
            return Done()
        LOG.warning('What was made too late for instance %s is deleted', self.subject_id)
        return Next('delete_server')

    def finish(self) -> Outcome:
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Leave it to the operator, whom the taskmanager's look at the provider tells of it every time."""
        LOG.error('What was made too late for instance %s could not be deleted: %s', self.subject_id, reason)
        return Done()


def submit(operation: vocabulary.Operation) -> None:
    """Write the operation for the instance of another one that has lost its lease, unless there is no need."""
    instance_id = operation.subject_id
    if is_still_wanted(operation) or not (is_at_work(instance_id) or is_empty(instance_id)):
        return
    LOG.warning('Something may have been made too late for instance %s', instance_id)
    wanted = ledger.Submission(
        ClearInstance.KIND,
        str(uuid.uuid4()),
        ClearInstance.STEPS[0],
        LIMIT_SECONDS,
        spec={'instance_id': instance_id},
        request_id=operation.claim.request_id,
    )
    get_db_api().run(lambda session: ledger.submit(session, wanted, operation.tools.clock))


def is_still_wanted(operation: vocabulary.Operation) -> bool:
    """Return whether another worker goes on with an operation: it finds what was made."""
    with get_db_api().reading() as session:
        record = session.get(models.Operation, operation.claim.id)
    return record is not None and record.state in ledger.ACTIVE_STATES and not record.is_cancelled


def is_at_work(instance_id: str) -> bool:
    """Return whether an operation on the instance has not ended."""
    table = tables.operations.c
    query = sa.select(table.id).where(table.subject_id == instance_id, table.state.in_(ledger.ACTIVE_STATES))
    with get_db_api().reading() as session:
        return session.execute(query).first() is not None


def is_empty(instance_id: str) -> bool:
    """Return whether an instance ought to have nothing outside: deleted, or given back when its build failed."""
    record = records.read_record(instance_id)
    return record.is_deleted or record.server_status == states.ServerStatus.DELETED
