"""Gives the server of an instance the name that the instance has got."""

from typing import ClassVar

from oslo_log import log as logging

from trove.common import states
from trove.compute import base as compute
from trove.instance.flows import providing, records
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

SERVER_POLL_SECONDS = 10.0


class RenameInstance(vocabulary.Operation):
    """Renames a server, beside whatever else is done to its instance.

    It holds nobody up: its subject is itself and not the instance, whose id is in the
    spec, and the name is the one that the record has at that time.
    """

    KIND: ClassVar[str] = 'rename_instance'
    STEPS: ClassVar[tuple[str, ...]] = ('rename_server',)
    MAX_ATTEMPTS: ClassVar[int] = 1000

    def rename_server(self) -> Outcome:
        provider: compute.Provider = self.tools.provider
        instance_id = self.claim.spec['instance_id']
        record = records.read_record(instance_id)
        if record.is_deleted or record.server_status == states.ServerStatus.DELETED:
            return Done()
        if providing.attempt(lambda: provider.find_server(instance_id)) is None:
            # A build may be at the server just now, with the name it read before.
            return Wait(SERVER_POLL_SECONDS)
        providing.attempt(lambda: provider.rename_server(instance_id, record.name))
        # Of two renames at once the one that ends last has seen the last name.
        is_last = records.read_record(instance_id).name == record.name
        return Done() if is_last else Next('rename_server')

    def failed(self, reason: str) -> Outcome:
        """Leave the server its name: it is for the operator's eyes only."""
        LOG.warning('The server of instance %s keeps its name: %s', self.claim.spec['instance_id'], reason)
        return Done()
