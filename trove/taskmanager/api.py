"""Door to the taskmanager: operations are written to the ledger, and a cast wakes somebody up."""

from typing import Any

from oslo_config import cfg
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import notification, rpc
from trove.db import models
from trove.db import operations as ledger
from trove.taskmanager import events

VERSION = '1.0'
OPTS = [
    cfg.StrOpt('taskmanager_queue', default='taskmanager', help='Topic on which taskmanagers are woken.'),
]


class API:
    """Submits operations and wakes taskmanagers. Nothing here waits for the bus."""

    def __init__(self, topic: str, clock: trove_clock.Clock | None = None) -> None:
        self._client = rpc.Client(topic, VERSION)
        self._waker = rpc.Waker(self._client)
        self._clock = clock or trove_clock.Clock()

    def _cast(self, context: trove_context.TroveContext, method: str, **arguments: Any) -> None:
        self._waker.send(context, method, **arguments)

    def _call(self, context: trove_context.TroveContext, method: str, timeout_seconds: float, **arguments: Any) -> Any:
        return self._client.call(context, method, timeout_seconds=timeout_seconds, **arguments)

    def submit(self, session: orm.Session, submission: ledger.Submission) -> models.Operation:
        """Write an operation in the caller's transaction; ``OperationInProgress`` when the subject has one."""
        operation = ledger.submit(session, submission, self._clock)
        events.tell_start(notification.get(), session, operation)
        return operation

    def cancel(self, session: orm.Session, subject_id: str) -> None:
        """Cancel the subject's active operation at its next step boundary; what is submitted next queues behind."""
        ledger.cancel(session, subject_id, self._clock)

    def run_operation(self, context: trove_context.TroveContext, operation_id: str) -> None:
        """Wake a taskmanager after the commit of ``submit``. A lost wake-up costs seconds, not the work."""
        self._cast(context, 'run_operation', operation_id=operation_id)
