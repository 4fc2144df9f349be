"""Stops the database of an instance; it stays down until it is restarted."""

from typing import ClassVar

from trove.instance.flows import guest_job, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome


class StopInstance(vocabulary.Operation):
    """Has the guest end its database. The task of the instance stays what it is."""

    KIND: ClassVar[str] = 'stop_instance'
    STEPS: ClassVar[tuple[str, ...]] = ('stop_database', 'finish')

    def stop_database(self) -> Outcome:
        waiting = guest_job.ask(self, 'stop_db', lambda guest, job_id: guest.stop_db(self.context, job_id))
        return waiting or Next('finish')

    def finish(self) -> Outcome:
        with self.write() as session:
            records.change(session, self.subject_id, **records.NO_FAULT)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault."""
        message = f'The database was not stopped: {reason}. Look at the operating status; stop it again.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, None, message)
        return Done()
