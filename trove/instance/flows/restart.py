"""Restarts the database service in its guest."""

from typing import ClassVar

from oslo_log import log as logging

from trove.common import states
from trove.instance.flows import guest_job, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

HEARTBEAT_POLL_SECONDS = 10.0


class RestartInstance(vocabulary.Operation):
    """Restarts an instance's service and tells whether it came back."""

    KIND: ClassVar[str] = 'restart_instance'
    STEPS: ClassVar[tuple[str, ...]] = ('restart_service', 'await_heartbeat', 'finish')

    def restart_service(self) -> Outcome:
        waiting = guest_job.ask(self, 'restart', lambda guest, job_id: guest.restart(self.context, job_id))
        return waiting or Next('await_heartbeat')

    def await_heartbeat(self) -> Outcome:
        # The tenant is shown RESTARTING until the guest tells how the service is now.
        service = records.read(self.subject_id).service
        if service.description == states.RESTARTING.description:
            return Wait(HEARTBEAT_POLL_SECONDS)
        return Next('finish')

    def finish(self) -> Outcome:
        with self.write() as session:
            records.change(session, self.subject_id, task_code=states.Tasks.NONE.code, **records.NO_FAULT)
        LOG.info('Instance %s was restarted', self.subject_id)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault; the instance is free for other tasks, and its service shows its own state."""
        message = f'The restart failed: {reason}. Look at the operating status; restart it again.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, states.Tasks.NONE, message)
        return Done()
