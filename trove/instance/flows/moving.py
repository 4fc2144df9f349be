"""What a resize and a migration share: a server is made anew elsewhere, tried, and kept or given up."""

import abc
from typing import ClassVar

from trove.common import states
from trove.compute import base as compute
from trove.instance.flows import downtime, providing, records
from trove.taskmanager.operation import Fail, Outcome, Wait

STEPS = (
    'stop_database',
    'move_server',
    'await_moved',
    'start_database',
    'confirm_move',
    'await_confirmed',
    'finish',
)
ON_THE_WAY = (states.ServerStatus.RESIZE, states.ServerStatus.REBOOT, states.ServerStatus.BUILD)
KEPT = ('confirm_move', 'await_confirmed', 'finish')
"""Steps in which the database serves on the moved server already: there is no way back, and none is needed."""


class ServerMove(downtime.Downtime):
    """Moves the server and confirms that once the database serves again; before that every failure reverts it."""

    STEPS: ClassVar[tuple[str, ...]] = STEPS

    @abc.abstractmethod
    def move(self, subject: records.Subject) -> compute.Server:
        """Have the provider begin the move; a repetition finds it begun."""

    @abc.abstractmethod
    def has_moved(self, server: compute.Server) -> bool:
        """Return whether the server is what, or where, it was to become."""

    # -- steps ------------------------------------------------------------------------------

    def move_server(self) -> Outcome:
        subject = records.read(self.subject_id)
        self.keep_hold()
        server = providing.attempt(lambda: self.move(subject))
        with self.write() as session:
            records.change(session, self.subject_id, server_status=server.status)
        return self.after('move_server')

    def await_moved(self) -> Outcome:
        server = self.find_server()
        if server is None:
            raise Fail('the server is gone')
        if server.status in ON_THE_WAY:
            return Wait(downtime.SERVER_POLL_SECONDS)
        is_kept = server.status == states.ServerStatus.ACTIVE and self.has_moved(server)
        if server.status != states.ServerStatus.VERIFY_RESIZE and not is_kept:
            fault = server.fault or 'the provider gave it up, perhaps because no host has room for it'
            raise Fail(f'the server was not moved: {fault}')
        return self.after('await_moved')

    def confirm_move(self) -> Outcome:
        self.keep_hold()
        providing.attempt(lambda: self.provider.confirm_move(self.subject_id))
        return self.after('confirm_move')

    def await_confirmed(self) -> Outcome:
        if self.active_server() is None:
            return Wait(downtime.SERVER_POLL_SECONDS)
        return self.after('await_confirmed')

    # -- failing ----------------------------------------------------------------------------

    def undo(self, server: compute.Server | None) -> Outcome | None:
        if self.memo.get('failed_step') in KEPT:
            return None
        if server is not None and server.status == states.ServerStatus.VERIFY_RESIZE:
            self.keep_hold()
            providing.attempt(lambda: self.provider.revert_move(self.subject_id))
            return Wait(downtime.SERVER_POLL_SECONDS)
        return super().undo(server)

    def advice(self, server: compute.Server | None) -> str:
        if server is None or self.memo.get('failed_step') not in KEPT:
            return super().advice(server)
        if server.status == states.ServerStatus.VERIFY_RESIZE:
            return 'Its database serves, but the move has still to be confirmed; ask the operator to confirm it.'
        return 'Its server was moved and its database serves.'
