"""Reboots the server of an instance."""

from typing import ClassVar

from trove.common import states
from trove.instance.flows import downtime, providing
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Fail, Outcome, Wait


class RebootInstance(downtime.Downtime, vocabulary.Operation):
    """Ends the database well if its guest can, reboots the server, and starts the database."""

    KIND: ClassVar[str] = 'reboot_instance'
    NAME: ClassVar[str] = 'The reboot'
    STEPS: ClassVar[tuple[str, ...]] = ('stop_database', 'reboot_server', 'await_server', 'start_database', 'finish')

    def reboot_server(self) -> Outcome:
        server = self.find_server()
        if server is None:
            raise Fail('the server is gone')
        self.keep_hold()
        if server.status == states.ServerStatus.SHUTOFF:
            providing.attempt(lambda: self.provider.start_server(self.subject_id))
        elif server.status != states.ServerStatus.REBOOT:
            is_hard = server.status == states.ServerStatus.ERROR
            providing.attempt(lambda: self.provider.reboot_server(self.subject_id, is_hard))
        return self.after('reboot_server')

    def await_server(self) -> Outcome:
        if self.active_server() is None:
            return Wait(downtime.SERVER_POLL_SECONDS)
        return self.after('await_server')
