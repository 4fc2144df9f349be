"""From any state to nothing: server, volume, name, address, secrets, quota and what is known of the guest."""

from typing import ClassVar

from oslo_log import log as logging
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import states
from trove.conductor import manager as conductor
from trove.db import models
from trove.instance.flows import accounts, naming, providing, records
from trove.quota import models as quota_models
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.5


class DeleteInstance(vocabulary.Operation):
    """Deletes an instance. Everything is found by its name, so that it works for a half-built one too."""

    KIND: ClassVar[str] = 'delete_instance'
    STEPS: ClassVar[tuple[str, ...]] = (
        'delete_server',
        'delete_account',
        'delete_volume',
        'delete_record',
        'delete_address',
        'forget_secrets',
        'finish',
    )
    # Its time ends it, long before this.
    MAX_ATTEMPTS: ClassVar[int] = 1000

    def delete_server(self) -> Outcome:
        is_gone = providing.attempt(lambda: self.tools.provider.delete_server(self.subject_id))
        return Next('delete_account') if is_gone else Wait(POLL_SECONDS)

    def delete_account(self) -> Outcome:
        return Next('delete_volume') if accounts.remove(self) else Wait(POLL_SECONDS)

    def delete_volume(self) -> Outcome:
        is_gone = providing.attempt(lambda: self.tools.provider.delete_volume(self.subject_id))
        return Next('delete_record') if is_gone else Wait(POLL_SECONDS)

    def delete_record(self) -> Outcome:
        # Before the address, which another instance may get then.
        return Next('delete_address') if naming.remove_record(self) else Wait(POLL_SECONDS)

    def delete_address(self) -> Outcome:
        is_gone = providing.attempt(lambda: self.tools.provider.delete_address(self.subject_id))
        return Next('forget_secrets') if is_gone else Wait(POLL_SECONDS)

    def forget_secrets(self) -> Outcome:
        return Next('finish') if naming.forget_secrets(self) else Wait(POLL_SECONDS)

    def finish(self) -> Outcome:
        record = records.read_record(self.subject_id)
        with self.write() as session:
            write_end(session, record)
        LOG.info('Instance %s was deleted', self.subject_id)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault; the instance stays, to be deleted again."""
        message = f'The instance could not be deleted: {reason}. Delete it again; what is left uses quota.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, states.Tasks.DELETING, message)
            records.change(session, self.subject_id, server_status=states.ServerStatus.ERROR)
        return Done()


def write_end(session: orm.Session, record: models.Instance) -> None:
    """Write that nothing is left of an instance."""
    quota_models.release(session, record)
    conductor.forget(session, record.id)
    records.change(
        session,
        record.id,
        is_deleted=True,
        deleted_at=trove_clock.utcnow(),
        task_code=states.Tasks.NONE.code,
        server_status=states.ServerStatus.DELETED,
        addresses=[],
        hostname=None,
    )
