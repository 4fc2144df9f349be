"""The vocabulary of durable operations: what a step may answer, and what it works with."""

import abc
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from oslo_config import cfg
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import crypto, exception, notification
from trove.db import get_db_api, guest_keys
from trove.db import operations as ledger


@dataclasses.dataclass(frozen=True)
class Next:
    """Go on with the named step at once."""

    step: str


@dataclasses.dataclass(frozen=True)
class Wait:
    """Run the same step again after so many seconds, or when somebody wakes the operation."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Done:
    """The operation has reached its end."""


Outcome = Next | Wait | Done


class Retry(exception.TroveError):
    """The step could not be done now; it is tried again after a delay, with back-off when None."""

    message = 'To be tried again: %(reason)s'

    def __init__(self, reason: str, delay_seconds: float | None = None) -> None:
        super().__init__(reason=reason)
        self.delay_seconds = delay_seconds


class Fail(exception.TroveError):
    """The operation can never succeed; the reason is shown to the tenant."""

    message = '%(reason)s'

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class Cancelled(exception.TroveError):
    """The operation was cancelled during the step; what it has still to write is somebody else's now."""

    message = 'The operation on %(subject_id)s was cancelled.'

    def __init__(self, subject_id: str) -> None:
        super().__init__(subject_id=subject_id)


@dataclasses.dataclass(frozen=True)
class Tools:
    """What steps work with; one set for a process.

    The vocabulary stands beside providers and guests and knows neither; the flows
    that use them know their types.
    """

    conf: cfg.ConfigOpts
    ledger: ledger.Ledger
    clock: trove_clock.Clock
    sealer: crypto.Sealer
    provider: Any
    """The ``trove.compute.base.Provider`` of this installation."""
    guest: Callable[[str], Any]
    """Gives the ``trove.guestagent.api.API`` of an instance."""
    dns: Any
    """The ``trove.dns.base.Dns`` of this installation."""
    keystore: Any
    """The ``trove.keystore.base.KeyStore`` of this installation."""
    keys: guest_keys.Keeper
    """The keys of guests."""
    broker: Any
    """The ``trove.broker.base.Accounts`` of this installation."""
    notifications: notification.Notifications = dataclasses.field(default_factory=notification.Notifications)


class Operation(abc.ABC):
    """One durable piece of work, run step by step.

    A step is a method named in ``STEPS``. It may be run again from its start at any
    time (its worker can die after any of its effects), so it finds before it makes.
    It returns ``Next``, ``Wait`` or ``Done``, or raises ``Retry`` or ``Fail``; any other
    exception is a ``Retry`` with back-off. It lasts less than half a lease and never
    waits for a guest or a cloud.
    """

    KIND: ClassVar[str]
    """Name of the entry point in ``trove.operations``."""

    STEPS: ClassVar[tuple[str, ...]]
    """All steps in the order of the story; the first one is where it begins."""

    MAX_ATTEMPTS: ClassVar[int] = 12
    """How often a step may raise before the operation fails."""

    def __init__(self, claim: ledger.Claim, tools: Tools) -> None:
        self.claim = claim
        self.tools = tools
        self.memo: dict[str, Any] = dict(claim.memo)
        self.context = trove_context.service_context(claim.request_id)

    @property
    def subject_id(self) -> str:
        """Id of what the operation works on."""
        return self.claim.subject_id

    @abc.abstractmethod
    def failed(self, reason: str) -> Outcome:
        """Write the fault and undo what must not stay.

        A step as well: it may be repeated and may wait. ``memo['failed_step']`` names the step that failed.
        """

    def lost(self) -> None:
        """See to what the worker has made outside although the operation was not its own any more.

        Called in place of a settlement when the lease was lost in a step that may have acted. What others did
        meanwhile is in the records: whoever goes on with the operation finds what was made, but nobody looks for
        it once the subject is gone.
        """
        return

    @contextlib.contextmanager
    def write(self) -> Iterator[orm.Session]:
        """A transaction on the records that commits only while the lease is ours.

        Raises ``LeaseLost`` when somebody took over, and ``Cancelled`` when the subject
        was taken from the operation: its records are its successor's then.
        """
        with get_db_api().transaction() as session:
            if self.tools.ledger.hold(session, self.claim):
                raise Cancelled(self.subject_id)
            yield session

    def keep_hold(self) -> None:
        """Begin the lease anew; ``LeaseLost`` when somebody took over.

        Called just before what must not be done by a worker that was held up, such as a second move.
        """
        self.tools.ledger.extend(self.claim)

    def job_id(self, step: str) -> str:
        """Return the name of a job on the guest; the same at each repetition of the step."""
        return f'{self.claim.id}.{step}'

    @classmethod
    def progress_of(cls, step: str) -> int:
        """Return how far a step is in the story, in percent."""
        return 100 * cls.STEPS.index(step) // len(cls.STEPS) if step in cls.STEPS else 0
