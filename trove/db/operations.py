"""The ledger: durable operations, claimed under a lease and settled under its token.

An operation is written in the same transaction as the change that asks for it
(``submit``). Workers of any number of processes claim what is due, act without a
transaction, and settle; a worker that dies leaves a lease that runs out, and the
next sweep takes over. All times are UTC epoch seconds from one clock.
"""

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, orm

from trove.common import clock as trove_clock
from trove.common import exception
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables

PENDING, RUNNING = 'PENDING', 'RUNNING'
DONE, FAILED, CANCELLED = 'DONE', 'FAILED', 'CANCELLED'
ACTIVE_STATES = (PENDING, RUNNING)

FAILED_STEP = 'failed'
"""Step in which an operation cleans up after itself; it ends in the state FAILED."""


class OperationInProgress(exception.UnprocessableEntity):
    message = 'Another operation is in progress on %(subject_id)s; wait for its end.'


class LeaseLost(exception.TroveError):
    """Somebody else took the operation over; nothing of ours may be written any more."""

    message = 'The lease of operation %(id)s was lost.'


@dataclasses.dataclass(frozen=True)
class Submission:
    """What is to be done. ``sealed`` holds secrets and is erased at the end; ``memo`` is what its notes begin with."""

    kind: str
    subject_id: str
    first_step: str
    deadline_seconds: float
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)
    memo: dict[str, Any] = dataclasses.field(default_factory=dict)
    sealed: str | None = None
    project_id: str | None = None
    request_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Claim:
    """An operation while a worker holds its lease."""

    id: str
    kind: str
    subject_id: str
    project_id: str | None
    step: str
    spec: dict[str, Any]
    memo: dict[str, Any]
    sealed: str | None
    attempts: int
    is_cancelled: bool
    deadline_at: float
    error: str | None
    request_id: str | None
    lease_token: str
    lease_until: float = 0.0


@dataclasses.dataclass(frozen=True)
class Settlement:
    """How a claimed operation goes on.

    ``wait_seconds`` None keeps the lease for the next step; a number gives it back
    until then. A ``state`` ends the operation.
    """

    step: str
    memo: dict[str, Any]
    attempts: int = 0
    wait_seconds: float | None = None
    state: str = RUNNING
    progress: int = 0
    error: str | None = None


def submit(session: orm.Session, submission: Submission, clock: trove_clock.Clock) -> models.Operation:
    """Write an operation into the caller's transaction.

    Raises ``OperationInProgress`` when the subject has an active one; the caller's
    transaction is then to be rolled back.
    """
    # What the caller has changed goes first, so that a breach below can only be of our own constraint.
    session.flush()
    operation = models.Operation(
        id=str(uuid.uuid4()),
        kind=submission.kind,
        subject_id=submission.subject_id,
        project_id=submission.project_id,
        active_key=submission.subject_id,
        after_id=_predecessor(session, submission.subject_id),
        state=PENDING,
        step=submission.first_step,
        spec=submission.spec,
        memo=submission.memo,
        sealed=submission.sealed,
        wake_at=clock.time(),
        deadline_at=clock.time() + submission.deadline_seconds,
        request_id=submission.request_id,
        created=trove_clock.utcnow(),
        updated=trove_clock.utcnow(),
    )
    session.add(operation)
    try:
        session.flush()
    except exc.IntegrityError as error:
        raise OperationInProgress(subject_id=submission.subject_id) from error
    return operation


def _predecessor(session: orm.Session, subject_id: str) -> str | None:
    """Return the cancelled operation that still has to come to its step boundary.

    Of several it is the last one in the queue, which nobody stands behind.
    """
    table = tables.operations.c
    follower = tables.operations.alias().c
    query = sa.select(table.id).where(
        table.subject_id == subject_id,
        table.state.in_(ACTIVE_STATES),
        table.is_cancelled.is_(True),
        ~sa.exists().where(follower.after_id == table.id, follower.state.in_(ACTIVE_STATES)),
    )
    found: str | None = session.execute(query).scalars().first()
    return found


def active(session: orm.Session, subject_id: str) -> models.Operation | None:
    """Return the operation that holds the subject, if there is one."""
    query = sa.select(models.Operation).where(tables.operations.c.active_key == subject_id)
    operation: models.Operation | None = session.execute(query).scalars().one_or_none()
    return operation


def cancel(session: orm.Session, subject_id: str, clock: trove_clock.Clock) -> None:
    """Take the subject from its active operation, which ends at its next step boundary.

    What is submitted next queues behind it.
    """
    now = clock.time()
    table = tables.operations.c
    session.execute(
        sa.update(tables.operations)
        .where(table.active_key == subject_id, table.state.in_(ACTIVE_STATES))
        .values(active_key=None, is_cancelled=True, wake_at=_sooner(now), updated=trove_clock.utcnow())
    )


def wake(session: orm.Session, subject_id: str, clock: trove_clock.Clock) -> list[str]:
    """Make the subject's operations due now; return their ids."""
    table = tables.operations.c
    where = (table.subject_id == subject_id, table.state.in_(ACTIVE_STATES))
    ids = list(session.execute(sa.select(table.id).where(*where)).scalars())
    if ids:
        session.execute(sa.update(tables.operations).where(*where).values(wake_at=_sooner(clock.time())))
    return ids


def _is_queued() -> Any:
    """The condition that an operation stands behind another one that has not ended."""
    predecessor = tables.operations.alias().c
    return sa.exists().where(predecessor.id == tables.operations.c.after_id, predecessor.state.in_(ACTIVE_STATES))


def _sooner(moment: float) -> Any:
    wake_at = tables.operations.c.wake_at
    return sa.case((wake_at < moment, wake_at), else_=moment)


class Ledger:
    """The workers' side of the ledger: due, claim, hold, settle, release."""

    def __init__(self, clock: trove_clock.Clock, worker: str, lease_seconds: float = 60.0) -> None:
        self._clock = clock
        self._worker = worker
        self._lease_seconds = lease_seconds

    def due(self, limit: int = 100) -> tuple[list[str], float | None]:
        """Return ids of operations that wait for a worker, and when the next one will be due.

        The moment is None when nothing waits.
        """
        now = self._clock.time()
        table = tables.operations.c
        query = (
            sa.select(table.id, table.wake_at)
            .where(
                table.wake_at.is_not(None),
                table.state.in_(ACTIVE_STATES),
                sa.or_(table.lease_until.is_(None), table.lease_until <= now),
                ~_is_queued(),
            )
            .order_by(table.wake_at)
            .limit(limit)
        )
        with get_db_api().reading() as session:
            rows = session.execute(query).all()
        later = [row.wake_at for row in rows if row.wake_at > now]
        return [row.id for row in rows if row.wake_at <= now], min(later, default=None)

    def claim(self, operation_id: str) -> Claim | None:
        """Take the lease of an operation that is due; None when somebody else was quicker."""
        token = f'{self._worker}:{uuid.uuid4()}'
        claim: Claim | None = get_db_api().run(lambda session: self._claim(session, operation_id, token))
        return claim

    def _claim(self, session: orm.Session, operation_id: str, token: str) -> Claim | None:
        table = tables.operations.c
        now = self._clock.time()
        # Asked by itself, because MySQL does not look into the table that it updates. Who has no
        # active predecessor will never have one again.
        if session.execute(sa.select(table.id).where(table.id == operation_id, _is_queued())).first():
            return None
        is_free = sa.or_(table.lease_until.is_(None), table.lease_until <= now)
        taken = session.execute(
            sa.update(tables.operations)
            .where(table.id == operation_id, table.state.in_(ACTIVE_STATES), table.wake_at <= now, is_free)
            .values(lease_token=token, state=RUNNING)
        )
        if taken.rowcount != 1:
            return None
        # The clock is read again: the lock may have been waited for, and a lease that
        # counts from before the wait could run out under a live worker.
        until = self._clock.time() + self._lease_seconds
        session.execute(
            sa.update(tables.operations)
            .where(table.id == operation_id)
            .values(lease_until=until, wake_at=until, updated=trove_clock.utcnow())
        )
        record = session.get(models.Operation, operation_id)
        fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(Claim)}
        return Claim(**fields)

    def hold(self, session: orm.Session, claim: Claim) -> bool:
        """Lock the claimed row for the rest of the transaction; return whether it was cancelled meanwhile.

        Raises ``LeaseLost`` when it is not ours any more.
        """
        table = tables.operations.c
        held = session.execute(
            sa.update(tables.operations)
            .where(table.id == claim.id, table.lease_token == claim.lease_token)
            .values(updated=trove_clock.utcnow())
        )
        if held.rowcount != 1:
            raise LeaseLost(id=claim.id)
        return bool(session.execute(sa.select(table.is_cancelled).where(table.id == claim.id)).scalar_one())

    def check(self, claim: Claim) -> None:
        """Raise ``LeaseLost`` when somebody may have taken over; the database is asked when the lease is no longer new.

        Cheap enough for every single act of a step.
        """
        left_seconds = claim.lease_until - self._clock.time()
        if not self._lease_seconds / 2 < left_seconds <= self._lease_seconds:
            self.extend(claim)

    def extend(self, claim: Claim) -> None:
        """Begin the lease anew; ``LeaseLost`` when somebody took over."""
        self._update(claim, lambda until: {'lease_until': until})

    def settle(self, claim: Claim, settlement: Settlement) -> Claim | None:
        """Write what became of a step; return the claim for the next one if the lease is kept.

        ``LeaseLost`` when somebody took over: the result is then dropped. A cancelled
        operation comes back with ``is_cancelled`` set.
        """
        if settlement.state != RUNNING:
            self._update(claim, lambda _until: _ended(settlement))
            return None
        values = {
            'step': settlement.step,
            'memo': settlement.memo,
            'attempts': settlement.attempts,
            'progress': settlement.progress,
            'error': settlement.error,
        }
        if settlement.wait_seconds is None:
            # Not later than what is written, which is counted from when the row is locked.
            lease_until = self._clock.time() + self._lease_seconds
            is_cancelled = self._update(claim, lambda until: {**values, 'lease_until': until})
            return dataclasses.replace(
                claim,
                step=settlement.step,
                memo=settlement.memo,
                attempts=settlement.attempts,
                error=settlement.error,
                is_cancelled=is_cancelled,
                lease_until=lease_until,
            )
        seconds = settlement.wait_seconds
        self._update(claim, lambda _until: {**values, 'lease_until': None, 'lease_token': None}, seconds)
        return None

    def _update(
        self, claim: Claim, values_of: Callable[[float], dict[str, Any]], wait_seconds: float | None = None
    ) -> bool:
        """Change the claimed row; return whether it was cancelled meanwhile."""

        def work(session: orm.Session) -> bool:
            is_cancelled = self.hold(session, claim)
            record = session.get(models.Operation, claim.id)
            assert record is not None
            now = self._clock.time()
            until = now + self._lease_seconds
            # Somebody woke us during the step if the moment lies before the end of the lease. Once
            # the lease has run out a wake leaves no trace, so there may have been one.
            lease_until = record.lease_until or 0.0
            was_woken = (record.wake_at or 0.0) < lease_until or lease_until <= now
            for name, value in values_of(until).items():
                setattr(record, name, value)
            if record.state == RUNNING and not was_woken:
                record.wake_at = until if wait_seconds is None else now + wait_seconds
            record.updated = trove_clock.utcnow()
            return is_cancelled

        was_cancelled: bool = get_db_api().run(work)
        return was_cancelled

    def release(self, is_dead: Callable[[str], bool]) -> int:
        """Give back the leases of workers that are known to be dead; return how many.

        A restarted process need not wait for the leases of its predecessor.
        """

        def work(session: orm.Session) -> int:
            query = sa.select(models.Operation).where(tables.operations.c.lease_token.is_not(None))
            count = 0
            for record in session.execute(query.with_for_update()).scalars():
                if record.state == RUNNING and is_dead(record.lease_token.rpartition(':')[0]):
                    record.lease_token, record.lease_until, record.wake_at = None, None, self._clock.time()
                    count += 1
            return count

        count: int = get_db_api().run(work)
        return count


def _ended(settlement: Settlement) -> dict[str, Any]:
    return {
        'state': settlement.state,
        'step': settlement.step,
        'memo': settlement.memo,
        'error': settlement.error,
        'progress': 100 if settlement.state == DONE else settlement.progress,
        'active_key': None,
        'sealed': None,
        'wake_at': None,
        'lease_until': None,
        'lease_token': None,
        'finished_at': trove_clock.utcnow(),
    }
