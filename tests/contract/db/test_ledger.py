"""The ledger's rules, one worker at a time, on every database."""

import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from tests.contract.db import book
from trove.common import clock as trove_clock
from trove.db import get_db_api, models, operations
from trove.db.sqlalchemy import tables

SECRET = 'sealed-text-of-a-password'

pytestmark = pytest.mark.usefixtures('control_database')


# -- submit ------------------------------------------------------------------------


def test_submitted_operation_is_due_and_holds_its_subject(ledger, clock):
    operation_id = book.submit(clock, spec={'size': 3, 'name': 'ä€'}, project_id='p', request_id='req-1')
    assert ledger.due() == ([operation_id], None)
    with get_db_api().reading() as session:
        operation = operations.active(session, 'subject')
        assert operations.active(session, 'another subject') is None
    assert (operation.id, operation.state, operation.step) == (operation_id, operations.PENDING, 'begin')
    assert (operation.spec, operation.memo) == ({'size': 3, 'name': 'ä€'}, {})
    assert (operation.project_id, operation.request_id) == ('p', 'req-1')
    assert operation.deadline_at == clock.time() + 600.0


def test_second_operation_on_a_subject_is_refused(clock):
    book.submit(clock)
    with pytest.raises(operations.OperationInProgress, match='subject'):
        book.submit(clock)
    book.submit(clock, 'another subject')


def test_refusal_rolls_the_callers_change_back(clock):
    book.submit(clock)

    def change(session):
        session.add(models.Datastore(id='d', name='acme'))
        operations.submit(session, book.submission(), clock)

    with pytest.raises(operations.OperationInProgress):
        get_db_api().run(change)
    with get_db_api().reading() as session:
        assert session.get(models.Datastore, 'd') is None


def test_callers_own_breach_of_a_constraint_is_not_taken_for_an_operation_in_progress(clock):
    def change(session):
        session.add(models.Datastore(id='one', name='acme'))
        session.add(models.Datastore(id='two', name='acme'))
        operations.submit(session, book.submission(), clock)

    with pytest.raises(exc.IntegrityError):
        get_db_api().run(change)


def test_subject_is_free_again_after_the_end(ledger, clock):
    ledger.settle(ledger.claim(book.submit(clock)), book.ends())
    book.submit(clock)


# -- due ---------------------------------------------------------------------------


def test_due_tells_when_the_next_operation_will_be(ledger, clock):
    first, second = book.submit(clock, 'a'), book.submit(clock, 'b')
    ledger.settle(ledger.claim(first), book.waits(30.0))
    ledger.settle(ledger.claim(second), book.waits(20.0))
    assert ledger.due() == ([], clock.time() + 20.0)
    clock.turn(20.0)
    assert ledger.due() == ([second], clock.time() + 10.0)
    clock.turn(10.0)
    assert ledger.due() == ([second, first], None)


def test_due_gives_the_oldest_first_up_to_a_limit(ledger, clock):
    ids = []
    for subject in 'abc':
        ids.append(book.submit(clock, subject))
        clock.turn(1.0)
    assert ledger.due(limit=2)[0] == ids[:2]


# -- claim -------------------------------------------------------------------------


def test_claim_carries_what_was_submitted(ledger, clock):
    operation_id = book.submit(clock, spec={'a': [1]}, sealed=SECRET, project_id='p', request_id='req-1')
    claim = ledger.claim(operation_id)
    assert (claim.id, claim.kind, claim.subject_id, claim.project_id) == (operation_id, 'make', 'subject', 'p')
    assert (claim.step, claim.spec, claim.memo, claim.sealed) == ('begin', {'a': [1]}, {}, SECRET)
    assert (claim.attempts, claim.is_cancelled, claim.error, claim.request_id) == (0, False, None, 'req-1')
    assert claim.lease_token.startswith('host/one:')
    assert book.read(operation_id).state == operations.RUNNING


def test_claimed_operation_is_nobody_elses(ledger, rival, clock):
    operation_id = book.submit(clock)
    assert ledger.claim(operation_id)
    assert rival.due() == ([], None)
    assert rival.claim(operation_id) is None


def test_unknown_operation_cannot_be_claimed(ledger):
    assert ledger.claim(str(uuid.uuid4())) is None


def test_waiting_operation_cannot_be_claimed_before_its_time(ledger, clock):
    operation_id = book.submit(clock)
    ledger.settle(ledger.claim(operation_id), book.waits(30.0))
    assert ledger.claim(operation_id) is None
    clock.turn(30.0)
    assert ledger.claim(operation_id)


def test_ended_operation_cannot_be_claimed(ledger, clock):
    operation_id = book.submit(clock)
    ledger.settle(ledger.claim(operation_id), book.ends())
    clock.turn(3600.0)
    assert ledger.due() == ([], None)
    assert ledger.claim(operation_id) is None


def test_expired_lease_can_be_taken_over(ledger, rival, clock):
    operation_id = book.submit(clock)
    ledger.claim(operation_id)
    clock.turn(59.0)
    assert (rival.due()[0], rival.claim(operation_id)) == ([], None)
    clock.turn(1.0)
    assert rival.due() == ([operation_id], None)
    assert rival.claim(operation_id).lease_token.startswith('host/two:')


class SteppingClock(trove_clock.ManualClock):
    """Moves on whenever it is read, as it does while a lock is waited for."""

    def time(self):
        self.turn(100.0)
        return self.now


def test_lease_counts_from_the_moment_the_lock_was_held(clock):
    operation_id = book.submit(clock)
    stepping = SteppingClock(clock.time())
    operations.Ledger(stepping, 'host/one', lease_seconds=60.0).claim(operation_id)
    assert book.read(operation_id).lease_until == clock.time() + 200.0 + 60.0


# -- settle, extend, hold ----------------------------------------------------------


def test_settle_for_the_next_step_keeps_the_lease(ledger, rival, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(50.0)
    settlement = operations.Settlement(step='next', memo={'server': 1}, attempts=2, progress=40, error='so far')
    following = ledger.settle(claim, settlement)
    assert (following.step, following.memo, following.attempts, following.error) == ('next', {'server': 1}, 2, 'so far')
    assert following.lease_token == claim.lease_token
    record = book.read(operation_id)
    assert (record.step, record.memo, record.attempts, record.progress) == ('next', {'server': 1}, 2, 40)
    assert record.error == 'so far'
    # The lease began anew.
    clock.turn(59.0)
    assert rival.due()[0] == []
    clock.turn(1.0)
    assert rival.due()[0] == [operation_id]


def test_memo_changed_in_place_is_stored(ledger, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    claim.memo['server'] = {'id': 7}
    ledger.settle(claim, operations.Settlement(step='next', memo=claim.memo))
    assert book.read(operation_id).memo == {'server': {'id': 7}}


def test_settle_that_waits_gives_the_lease_back(ledger, rival, clock):
    operation_id = book.submit(clock)
    assert ledger.settle(ledger.claim(operation_id), book.waits(5.0)) is None
    record = book.read(operation_id)
    assert (record.lease_token, record.lease_until, record.wake_at) == (None, None, clock.time() + 5.0)
    clock.turn(5.0)
    assert rival.claim(operation_id)


@pytest.mark.parametrize(
    ('state', 'progress'), [(operations.DONE, 100), (operations.FAILED, 30), (operations.CANCELLED, 30)]
)
def test_end_erases_secrets_and_frees_everything(ledger, clock, state, progress):
    operation_id = book.submit(clock, sealed=SECRET)
    assert ledger.settle(ledger.claim(operation_id), book.ends(state, progress=30, error='why')) is None
    record = book.read(operation_id)
    assert (record.state, record.progress, record.error) == (state, progress, 'why')
    assert (record.sealed, record.active_key, record.wake_at) == (None, None, None)
    assert (record.lease_token, record.lease_until) == (None, None)
    assert record.finished_at is not None


def test_secret_is_nowhere_in_the_database_after_the_end(ledger, clock):
    ledger.settle(ledger.claim(book.submit(clock, sealed=SECRET)), book.ends())
    with get_db_api().reading() as session:
        rows = session.execute(sa.select(tables.operations)).all()
    assert SECRET not in repr(rows)


def test_stale_claim_can_change_nothing(ledger, rival, clock):
    operation_id = book.submit(clock)
    stale = ledger.claim(operation_id)
    clock.turn(61.0)
    claim = rival.claim(operation_id)
    for settlement in (book.waits(1.0), book.waits(None), book.ends()):
        with pytest.raises(operations.LeaseLost, match=operation_id):
            ledger.settle(stale, settlement)
    with pytest.raises(operations.LeaseLost):
        ledger.extend(stale)
    record = book.read(operation_id)
    assert (record.lease_token, record.state) == (claim.lease_token, operations.RUNNING)
    rival.settle(claim, book.ends())
    with pytest.raises(operations.LeaseLost):
        rival.settle(claim, book.ends())


def test_stale_claim_rolls_the_steps_own_change_back(ledger, rival, clock):
    operation_id = book.submit(clock)
    stale = ledger.claim(operation_id)
    clock.turn(61.0)
    rival.claim(operation_id)

    def change(session):
        session.add(models.Datastore(id='d', name='acme'))
        session.flush()
        ledger.hold(session, stale)

    with pytest.raises(operations.LeaseLost):
        get_db_api().run(change)
    with get_db_api().reading() as session:
        assert session.get(models.Datastore, 'd') is None


def test_own_claim_can_be_held(ledger, clock):
    claim = ledger.claim(book.submit(clock))
    with get_db_api().transaction() as session:
        ledger.hold(session, claim)
        # Twice within a second: the row changes in nothing, and is ours all the same.
        ledger.hold(session, claim)
        session.add(models.Datastore(id='d', name='acme'))
    with get_db_api().reading() as session:
        assert session.get(models.Datastore, 'd').name == 'acme'


def take_over(rival, clock, operation_id):
    """A lease that began just now keeps an operation for its whole time, and no longer."""
    clock.turn(59.0)
    assert rival.claim(operation_id) is None
    clock.turn(1.0)
    assert rival.claim(operation_id)


def test_extended_lease_begins_anew(ledger, rival, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(50.0)
    ledger.extend(claim)
    take_over(rival, clock, operation_id)


def test_new_lease_is_believed_and_an_older_one_is_asked_for(ledger, rival, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(29.0)
    ledger.check(claim)
    clock.turn(2.0)
    ledger.check(claim)
    take_over(rival, clock, operation_id)
    with pytest.raises(operations.LeaseLost):
        ledger.check(claim)


def test_late_settle_is_good_while_nobody_took_over(ledger, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(600.0)
    ledger.settle(claim, book.ends())
    assert book.read(operation_id).state == operations.DONE


# -- wake --------------------------------------------------------------------------


def test_woken_operation_is_due_now(ledger, clock):
    operation_id = book.submit(clock)
    ledger.settle(ledger.claim(operation_id), book.waits(300.0))
    clock.turn(1.0)
    assert book.wake(clock) == [operation_id]
    assert ledger.due()[0] == [operation_id]
    assert ledger.claim(operation_id)


def test_wake_does_not_put_off_what_is_due(ledger, clock):
    operation_id = book.submit(clock)
    submitted = clock.time()
    clock.turn(9.0)
    book.wake(clock)
    assert book.read(operation_id).wake_at == submitted


def test_wake_of_nobody_wakes_nobody(ledger, clock):
    ledger.settle(ledger.claim(book.submit(clock)), book.ends())
    assert book.wake(clock) == []
    assert book.wake(clock, 'unknown') == []


def test_wake_during_a_step_is_not_lost(ledger, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(1.0)
    book.wake(clock)
    clock.turn(1.0)
    # Nobody else gets it while the step runs.
    assert ledger.due()[0] == []
    ledger.settle(claim, book.waits(300.0))
    assert ledger.due()[0] == [operation_id]
    # It counted once.
    ledger.settle(ledger.claim(operation_id), book.waits(300.0))
    assert ledger.due() == ([], clock.time() + 300.0)


def test_wake_during_a_step_survives_extension_and_next_step(ledger, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(1.0)
    book.wake(clock)
    ledger.extend(claim)
    claim = ledger.settle(claim, operations.Settlement(step='next', memo={}))
    ledger.settle(claim, book.waits(300.0))
    assert ledger.due()[0] == [operation_id]


def test_wake_after_the_lease_ran_out_is_not_lost(ledger, clock):
    operation_id = book.submit(clock)
    claim = ledger.claim(operation_id)
    clock.turn(61.0)
    book.wake(clock)
    ledger.settle(claim, book.waits(300.0))
    assert ledger.due()[0] == [operation_id]


# -- cancel ------------------------------------------------------------------------


def test_cancelled_operation_ends_before_its_successor_begins(ledger, clock):
    first = book.submit(clock)
    claim = ledger.claim(first)
    book.cancel(clock)
    second = book.submit(clock, kind='delete')
    assert ledger.due()[0] == []
    assert ledger.claim(second) is None
    following = ledger.settle(claim, operations.Settlement(step='next', memo={}))
    assert following.is_cancelled
    ledger.settle(following, book.ends(operations.CANCELLED))
    assert ledger.due()[0] == [second]
    assert ledger.claim(second).kind == 'delete'


def test_successor_cannot_be_claimed_even_when_it_was_woken(ledger, clock):
    first = book.submit(clock)
    claim = ledger.claim(first)
    book.cancel(clock)
    second = book.submit(clock)
    assert set(book.wake(clock)) == {first, second}
    assert ledger.claim(second) is None
    assert book.read(second).state == operations.PENDING
    ledger.settle(claim, book.ends(operations.CANCELLED))
    assert ledger.claim(second)


def test_cancel_wakes_a_waiting_operation(ledger, clock):
    first = book.submit(clock)
    ledger.settle(ledger.claim(first), book.waits(300.0))
    book.cancel(clock)
    assert ledger.claim(first).is_cancelled


def test_cancel_during_a_step_that_then_waits_is_seen_at_once(ledger, clock):
    first = book.submit(clock)
    claim = ledger.claim(first)
    book.cancel(clock)
    ledger.settle(claim, book.waits(300.0))
    assert ledger.due()[0] == [first]
    assert ledger.claim(first).is_cancelled


def test_operation_that_ends_by_itself_after_cancel_frees_its_successor(ledger, clock):
    claim = ledger.claim(book.submit(clock))
    book.cancel(clock)
    second = book.submit(clock)
    ledger.settle(claim, book.ends())
    assert ledger.due()[0] == [second]


def test_cancelled_ones_queue_one_behind_the_other(ledger, clock):
    order = [book.submit(clock)]
    claim = ledger.claim(order[0])
    for _ in range(4):
        book.cancel(clock)
        order.append(book.submit(clock))
    for number, operation_id in enumerate(order):
        if number:
            assert ledger.due()[0] == [operation_id]
            claim = ledger.claim(operation_id)
        assert claim.id == operation_id
        ledger.settle(claim, book.ends(operations.CANCELLED))
    assert ledger.due() == ([], None)


def test_cancel_of_nothing_does_nothing(ledger, clock):
    operation_id = book.submit(clock, 'another subject')
    book.cancel(clock)
    assert not ledger.claim(operation_id).is_cancelled


def test_subject_without_active_operation_has_no_predecessor(ledger, clock):
    ledger.settle(ledger.claim(book.submit(clock)), book.ends())
    second = book.submit(clock)
    assert book.read(second).after_id is None


# -- release -----------------------------------------------------------------------


def test_leases_of_dead_workers_are_given_back(ledger, rival, clock):
    lost, kept = book.submit(clock, 'a'), book.submit(clock, 'b')
    stale = ledger.claim(lost)
    rival.claim(kept)
    assert rival.release(lambda worker: worker == 'host/one') == 1
    assert rival.due() == ([lost], None)
    with pytest.raises(operations.LeaseLost):
        ledger.settle(stale, book.waits(1.0))
    assert rival.claim(lost)


def test_nothing_is_released_while_all_live(ledger, rival, clock):
    ledger.claim(book.submit(clock))
    assert rival.release(lambda _worker: False) == 0
    assert rival.due() == ([], None)
