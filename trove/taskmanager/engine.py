"""The engine: finds operations that are due, runs their steps, settles what became of them.

A few workers serve any number of operations, because a waiting operation is a row
and not a thread. There is no other recovery than the sweep: it finds what is new,
what was woken and what a dead worker left behind.
"""

import dataclasses
import queue
import random
import threading
from collections.abc import Mapping

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import exception, fence
from trove.db import operations as ledger
from trove.db.sqlalchemy import session as db_session
from trove.taskmanager import events
from trove.taskmanager import operation as vocabulary

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.IntOpt(
        'operation_workers', default=16, min=1, help='Steps that one taskmanager runs at the same time at most.'
    ),
    cfg.FloatOpt(
        'operation_lease_seconds',
        default=60.0,
        min=5.0,
        help='Seconds after which another taskmanager takes over an operation whose worker died. '
        'A step must last less than half of it.',
    ),
    cfg.FloatOpt(
        'operation_sweep_seconds', default=2.0, min=0.1, help='Seconds between two looks for operations that are due.'
    ),
]

BACK_OFF_LIMIT_SECONDS = 20.0
"""Short against the time that operations have, so that a cloud that answers most calls is asked often enough."""
UNKNOWN_KIND_SECONDS = 60.0
SHORTEST_PAUSE_SECONDS = 0.01
CONFLICT_SECONDS = 0.1


def back_off(attempts: int) -> float:
    """Return the seconds to wait after so many failed attempts: doubling, jittered, limited."""
    return float(min(BACK_OFF_LIMIT_SECONDS, 0.5 * 2**attempts) * random.uniform(0.8, 1.2))


def patience_with(away: exception.ServiceUnavailable) -> float | None:
    """Return the seconds to wait for a database; None for ever longer ones.

    A conflict is ordinary where several processes write; the step comes again with fresh eyes.
    """
    return CONFLICT_SECONDS if isinstance(away, db_session.TransactionConflict) else None


class Engine:
    """Runs the operations of one process."""

    def __init__(self, kinds: Mapping[str, type[vocabulary.Operation]], tools: vocabulary.Tools) -> None:
        self._kinds = kinds
        self._tools = tools
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._taken: set[str] = set()
        self._lock = threading.Lock()
        self._nudge = threading.Event()
        self._is_stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers and the sweep."""
        count = self._tools.conf.operation_workers
        self._threads = [threading.Thread(target=self._work, name=f'worker-{n}', daemon=True) for n in range(count)]
        self._threads.append(threading.Thread(target=self._sweep, name='sweep', daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the steps that run, settle them, and stop."""
        self._is_stopping.set()
        self._nudge.set()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def is_stopping(self) -> bool:
        """Return whether the engine was told to stop."""
        return self._is_stopping.is_set()

    def wake(self) -> None:
        """Look for due operations now."""
        self._nudge.set()

    # -- finding work -----------------------------------------------------------------------

    def _sweep(self) -> None:
        while not self._is_stopping.is_set():
            seconds = self._tools.conf.operation_sweep_seconds * random.uniform(0.8, 1.2)
            try:
                seconds = min(seconds, self.sweep_once())
            except exception.ServiceUnavailable:
                # The database is away, and its own log lines tell so.
                LOG.debug('A sweep is repeated')
            except Exception:
                LOG.exception('A sweep failed and is repeated')
            self._nudge.wait(seconds)
            self._nudge.clear()

    def sweep_once(self) -> float:
        """Queue what is due; return the seconds until the next operation will be."""
        ids, moment = self._tools.ledger.due()
        for operation_id in ids:
            with self._lock:
                is_new = operation_id not in self._taken
                self._taken.add(operation_id)
            if is_new:
                self._queue.put(operation_id)
        return float('inf') if moment is None else max(SHORTEST_PAUSE_SECONDS, moment - self._tools.clock.time())

    def _work(self) -> None:
        # What is queued still when the engine stops is left to others.
        while (operation_id := self._queue.get()) is not None and not self._is_stopping.is_set():
            has_run = self._run_safely(operation_id)
            with self._lock:
                self._taken.discard(operation_id)
            # It may be due again already, or another one because of it; that one would stand behind
            # what is queued still. After an error the next sweep is soon enough: what cannot be
            # claimed or settled would come back at once.
            if has_run and self._queue.empty():
                self._nudge.set()

    def _run_safely(self, operation_id: str) -> bool:
        try:
            self.run(operation_id)
        except ledger.LeaseLost:
            LOG.warning('Operation %s was taken over by another worker', operation_id)
        except exception.ServiceUnavailable:
            LOG.warning('Operation %s waits for the database; it is found again', operation_id)
            return False
        except Exception:
            LOG.exception('Operation %s could not be claimed or settled; it is found again', operation_id)
            return False
        return True

    # -- running ----------------------------------------------------------------------------

    def run(self, operation_id: str) -> None:
        """Run an operation until it waits or ends; ``LeaseLost`` when somebody took over."""
        claim = self._tools.ledger.claim(operation_id)
        while claim is not None:
            claim = self._go_on(claim)

    def _go_on(self, claim: ledger.Claim) -> ledger.Claim | None:
        with fence.guarded(lambda: self._tools.ledger.check(claim)) as guard:
            try:
                settlement = self.step(claim)
                if self._is_stopping.is_set() and settlement.wait_seconds is None:
                    settlement = dataclasses.replace(settlement, wait_seconds=0.0)
                following = self._tools.ledger.settle(claim, settlement)
            except ledger.LeaseLost:
                kind = self._kinds.get(claim.kind)
                if kind is not None and guard.was_passed:
                    kind(claim, self._tools).lost()
                raise
        self._tell_end(claim, settlement)
        return following

    def _tell_end(self, claim: ledger.Claim, settlement: ledger.Settlement) -> None:
        try:
            events.tell_end(self._tools.notifications, claim, settlement, self._tools.conf)
        except Exception:
            # It has ended all the same.
            LOG.exception('The end of operation %s could not be told', claim.id)

    def step(self, claim: ledger.Claim) -> ledger.Settlement:
        """Run one step of a claimed operation and return how it goes on."""
        if claim.is_cancelled:
            return self._cancel(claim)
        kind = self._kinds.get(claim.kind)
        if kind is None:
            error = f"No plug for operation kind '{claim.kind}' is installed on this taskmanager"
            return ledger.Settlement(claim.step, claim.memo, claim.attempts, UNKNOWN_KIND_SECONDS, error=error)
        operation = kind(claim, self._tools)
        if claim.step == ledger.FAILED_STEP:
            return self._attempt(operation)
        if self._tools.clock.time() >= claim.deadline_at:
            reason = f'it was not done in time (in step {claim.step})'
            return self._fail(operation, f'{reason}: {claim.error}' if claim.error else reason)
        return self._until_deadline(claim, self._attempt(operation))

    def _until_deadline(self, claim: ledger.Claim, settlement: ledger.Settlement) -> ledger.Settlement:
        """Let nobody sleep through the deadline."""
        if settlement.wait_seconds is None:
            return settlement
        left = max(0.0, claim.deadline_at - self._tools.clock.time())
        return dataclasses.replace(settlement, wait_seconds=min(settlement.wait_seconds, left))

    def _cancel(self, claim: ledger.Claim) -> ledger.Settlement:
        LOG.info('Operation %s %s of %s was cancelled', claim.kind, claim.id, claim.subject_id)
        return ledger.Settlement(claim.step, claim.memo, state=ledger.CANCELLED, error=claim.error)

    def _attempt(self, operation: vocabulary.Operation) -> ledger.Settlement:
        claim = operation.claim
        try:
            if claim.step == ledger.FAILED_STEP:
                return self._settle(operation, operation.failed(claim.error or ''))
            return self._settle(operation, getattr(operation, claim.step)())
        except ledger.LeaseLost:
            raise
        except vocabulary.Cancelled:
            return self._cancel(claim)
        except vocabulary.Fail as failure:
            return self._fail(operation, str(failure))
        except vocabulary.Retry as retry:
            return self._try_again(operation, str(retry), retry.delay_seconds)
        except exception.ServiceUnavailable as away:
            return self._try_again(operation, str(away), patience_with(away))
        except Exception as error:
            LOG.exception('Step %s of %s on %s raised', claim.step, claim.kind, claim.subject_id)
            # The text of an unexpected error may hold anything; only what we made ourselves is shown.
            text = str(error) if isinstance(error, exception.TroveError) else type(error).__name__
            return self._try_again(operation, text, None)

    def _settle(self, operation: vocabulary.Operation, outcome: vocabulary.Outcome) -> ledger.Settlement:
        claim, memo = operation.claim, operation.memo
        progress = operation.progress_of(claim.step)
        match outcome:
            case vocabulary.Next(step):
                LOG.info('Operation %s of %s came to step %s', claim.kind, claim.subject_id, step)
                return ledger.Settlement(step, memo, progress=operation.progress_of(step))
            case vocabulary.Wait(seconds):
                return ledger.Settlement(claim.step, memo, wait_seconds=seconds, progress=progress, error=claim.error)
            case vocabulary.Done():
                has_failed = claim.step == ledger.FAILED_STEP
                state = ledger.FAILED if has_failed else ledger.DONE
                LOG.info('Operation %s of %s ended: %s', claim.kind, claim.subject_id, state)
                error = claim.error if has_failed else None
                return ledger.Settlement(claim.step, memo, state=state, progress=progress, error=error)
            case _:
                raise TypeError(f'step {claim.step} of {claim.kind} answered {outcome!r}')

    def _try_again(
        self, operation: vocabulary.Operation, reason: str, delay_seconds: float | None
    ) -> ledger.Settlement:
        claim = operation.claim
        attempts = claim.attempts + 1
        if attempts >= operation.MAX_ATTEMPTS:
            return self._fail(operation, reason)
        LOG.warning('Step %s of %s is tried again: %s', claim.step, claim.subject_id, reason)
        is_cleaning = claim.step == ledger.FAILED_STEP
        return ledger.Settlement(
            claim.step,
            operation.memo,
            attempts=attempts,
            wait_seconds=back_off(attempts) if delay_seconds is None else delay_seconds,
            progress=operation.progress_of(claim.step),
            error=claim.error if is_cleaning else reason,
        )

    def _fail(self, operation: vocabulary.Operation, reason: str) -> ledger.Settlement:
        claim = operation.claim
        if claim.step == ledger.FAILED_STEP:
            LOG.error('Operation %s of %s could not clean up: %s', claim.kind, claim.subject_id, reason)
            error = f'{claim.error}; its clean-up failed: {reason}'
            return ledger.Settlement(claim.step, operation.memo, state=ledger.FAILED, error=error)
        LOG.error('Operation %s of %s failed in step %s: %s', claim.kind, claim.subject_id, claim.step, reason)
        memo = {**operation.memo, 'failed_step': claim.step}
        return ledger.Settlement(ledger.FAILED_STEP, memo, error=reason)
