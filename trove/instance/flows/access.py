"""Changes from where an instance can be reached."""

import dataclasses
from typing import ClassVar

from trove.common import states
from trove.compute import base as compute
from trove.instance.flows import naming, providing, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome


class UpdateAccess(vocabulary.Operation):
    """Has the provider open and close what is wanted, and shows the new access once that is so."""

    KIND: ClassVar[str] = 'update_access'
    STEPS: ClassVar[tuple[str, ...]] = ('change_access', 'move_record', 'finish')
    MAX_ATTEMPTS: ClassVar[int] = 60

    def change_access(self) -> Outcome:
        provider: compute.Provider = self.tools.provider
        request = providing.request_of(records.read(self.subject_id), self.tools, [])
        request = dataclasses.replace(request, access=providing.access_of(self.claim.spec['access']))
        # A worker that was held up must not bring back an access that has been changed since.
        self.keep_hold()
        found = providing.attempt(lambda: provider.change_access(request))
        with self.write() as session:
            records.change(session, self.subject_id, addresses=providing.addresses_of(found))
        return Next('move_record')

    def move_record(self) -> Outcome:
        """Have the name tell the new address."""
        hostname = naming.make_record(self)
        with self.write() as session:
            records.change(session, self.subject_id, hostname=hostname)
        return Next('finish')

    def finish(self) -> Outcome:
        spec = self.claim.spec
        with self.write() as session:
            records.change(
                session, self.subject_id, access=spec['access'], task_code=spec['task_code'], **records.NO_FAULT
            )
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault. Nobody knows what is open now, so that the instance is in error until asked again."""
        message = f'The access was not changed, or not all of it: {reason}. Ask for the wanted access again.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, states.Tasks.UPDATING_ERROR_ACCESS, message)
        return Done()
