"""Gives an instance another key for the bus, and its guest the account that goes with it."""

from typing import ClassVar

from oslo_log import log as logging

from trove.common import wire
from trove.guestagent import requests
from trove.instance.flows import accounts, guest_job, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome

LOG = logging.getLogger(__name__)

NEXT = 1


class RotateGuestKey(vocabulary.Operation):
    """Rotates a key. The old one is good until the guest has answered with the new one."""

    KIND: ClassVar[str] = 'rotate_guest_key'
    STEPS: ClassVar[tuple[str, ...]] = ('make_next_key', 'hand_over_key', 'change_password', 'finish')
    MAX_ATTEMPTS: ClassVar[int] = 60

    def make_next_key(self) -> Outcome:
        with self.write() as session:
            self.tools.keys.make_next(session, self.subject_id)
        return Next('hand_over_key')

    def hand_over_key(self) -> Outcome:
        subject = records.read(self.subject_id)
        if subject.key is None or subject.key.next_sealed is None:
            return Next('make_next_key')
        key = self.tools.keys.open(subject.key)[NEXT]
        request = wire.pack(requests.RekeyRequest(subject.key.number + 1, key.encode()))
        waiting = guest_job.ask(self, 'rekey', lambda guest, job_id: guest.rekey(self.context, job_id, request))
        return waiting or Next('change_password')

    def change_password(self) -> Outcome:
        accounts.make_account(self, NEXT)
        return Next('finish')

    def finish(self) -> Outcome:
        with self.write() as session:
            self.tools.keys.rotate(session, self.subject_id)
            records.change(session, self.subject_id, **records.NO_FAULT)
        LOG.info('The key of instance %s was rotated', self.subject_id)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault. Nobody knows which key the guest has, so that both stay good."""
        message = f'The key of the guest was not rotated: {reason}. Rotate it again; until then both keys are good.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, None, message)
        return Done()
