"""What the engine makes of one step, and of what the ledger tells it."""

import dataclasses

import pytest

from tests.unit.taskmanager import doubles
from trove.common import clock as trove_clock
from trove.common import exception
from trove.db import operations as ledger
from trove.db.sqlalchemy import session
from trove.taskmanager import engine
from trove.taskmanager.operation import Cancelled, Done, Fail, Next, Retry, Wait


def step(kind, clock=None, **claim):
    return engine.Engine({doubles.KIND: kind}, doubles.tools(clock=clock)).step(doubles.claim(**claim))


# -- what a step answers ---------------------------------------------------------------


def test_next_keeps_the_lease_and_tells_how_far_it_is():
    settlement = step(doubles.story(begin=Next('go_on')), memo={'server': 1}, attempts=2, error='so far')
    assert settlement == ledger.Settlement('go_on', {'server': 1, 'seen': 'begin'}, progress=25)


def test_wait_gives_the_lease_back_and_keeps_what_was_wrong():
    settlement = step(doubles.story(go_on=Wait(5.0)), step='go_on', error='so far')
    assert settlement == ledger.Settlement('go_on', {'seen': 'go_on'}, wait_seconds=5.0, progress=25, error='so far')


def test_nobody_waits_beyond_the_deadline():
    settlement = step(doubles.story(begin=Wait(3600.0)))
    assert settlement.wait_seconds == 600.0


def test_done_ends_the_operation():
    settlement = step(doubles.story(begin=Done()), error='so far')
    assert (settlement.state, settlement.error) == (ledger.DONE, None)


def test_done_after_failure_ends_as_failed():
    settlement = step(doubles.story(failed=Done()), step=ledger.FAILED_STEP, error='why')
    assert (settlement.state, settlement.error) == (ledger.FAILED, 'why')


# -- what a step raises ----------------------------------------------------------------


def test_fail_leads_to_the_clean_up_with_its_reason():
    settlement = step(doubles.story(begin=Fail('no room')), memo={'server': 1})
    assert (settlement.step, settlement.error, settlement.state) == (ledger.FAILED_STEP, 'no room', ledger.RUNNING)
    assert settlement.memo == {'server': 1, 'seen': 'begin', 'failed_step': 'begin'}
    assert settlement.wait_seconds is None


def test_retry_waits_as_long_as_it_says():
    settlement = step(doubles.story(begin=Retry('busy', 7.0)), attempts=1)
    assert (settlement.step, settlement.attempts, settlement.wait_seconds) == ('begin', 2, 7.0)
    assert settlement.error == 'To be tried again: busy'


def test_retry_without_a_delay_backs_off():
    settlement = step(doubles.story(begin=Retry('busy')))
    assert 0.8 <= settlement.wait_seconds <= 1.2


def test_back_off_doubles_up_to_a_limit():
    assert [round(engine.back_off(attempts) / 2**attempts, 1) in (0.4, 0.5, 0.6) for attempts in range(6)] == [True] * 6
    assert engine.back_off(50) <= 1.2 * engine.BACK_OFF_LIMIT_SECONDS


@pytest.mark.parametrize(
    ('error', 'text'),
    [(RuntimeError('password=canary'), 'RuntimeError'), (exception.GuestError(reason='full'), 'full')],
)
def test_unexpected_error_is_tried_again_and_tells_no_secret(error, text):
    settlement = step(doubles.story(begin=error))
    assert settlement.attempts == 1
    assert text in settlement.error
    assert 'canary' not in settlement.error


def test_conflict_of_two_writers_is_nothing_to_tell_of(caplog):
    settlement = step(doubles.story(begin=session.TransactionConflict()))
    assert (settlement.attempts, settlement.wait_seconds) == (1, engine.CONFLICT_SECONDS)
    assert 'Traceback' not in caplog.text


def test_attempts_run_out():
    settlement = step(doubles.story(begin=RuntimeError()), attempts=2)
    assert (settlement.step, settlement.error) == (ledger.FAILED_STEP, 'RuntimeError')


def test_step_without_an_outcome_is_an_error_like_others():
    settlement = step(doubles.story(begin=None))
    assert (settlement.step, settlement.attempts, settlement.error) == ('begin', 1, 'TypeError')


def test_step_that_does_not_exist_is_an_error_like_others():
    assert step(doubles.story(), step='unheard_of').error == 'AttributeError'


def test_lost_lease_goes_through():
    with pytest.raises(ledger.LeaseLost):
        step(doubles.story(begin=ledger.LeaseLost(id='operation')))


# -- before a step ---------------------------------------------------------------------


def test_cancelled_operation_runs_no_step():
    settlement = step(doubles.story(), is_cancelled=True, error='so far')
    assert settlement == ledger.Settlement('begin', {}, state=ledger.CANCELLED, error='so far')


def test_cancel_seen_in_a_step_ends_the_operation():
    settlement = step(doubles.story(begin=Cancelled('subject')), memo={'server': 1})
    assert settlement.state == ledger.CANCELLED


def test_unknown_kind_waits_for_somebody_who_knows_it():
    settlement = engine.Engine({}, doubles.tools()).step(doubles.claim(attempts=2))
    assert (settlement.step, settlement.attempts, settlement.wait_seconds) == ('begin', 2, engine.UNKNOWN_KIND_SECONDS)
    assert 'story' in settlement.error


@pytest.mark.parametrize(
    ('error', 'reason'),
    [
        (None, 'it was not done in time (in step begin)'),
        ('no answer', 'it was not done in time (in step begin): no answer'),
    ],
)
def test_deadline_leads_to_the_clean_up(error, reason):
    clock = trove_clock.ManualClock()
    clock.turn(600.0)
    settlement = step(doubles.story(begin=Done()), clock, error=error)
    assert (settlement.step, settlement.error) == (ledger.FAILED_STEP, reason)


# -- cleaning up -----------------------------------------------------------------------


def test_clean_up_is_told_the_reason_and_knows_no_deadline():
    clock = trove_clock.ManualClock()
    clock.turn(3600.0)
    kind = doubles.story(failed=Wait(5.0))
    settlement = step(kind, clock, step=ledger.FAILED_STEP, error='no room')
    assert kind.reasons == ['no room']
    assert (settlement.step, settlement.wait_seconds, settlement.error) == (ledger.FAILED_STEP, 5.0, 'no room')


def test_clean_up_is_tried_again_and_keeps_the_first_reason():
    settlement = step(doubles.story(failed=RuntimeError()), step=ledger.FAILED_STEP, error='no room')
    assert (settlement.step, settlement.attempts, settlement.error) == (ledger.FAILED_STEP, 1, 'no room')


def test_clean_up_that_cannot_be_done_ends_with_both_reasons():
    settlement = step(doubles.story(failed=Fail('stuck')), step=ledger.FAILED_STEP, error='no room')
    assert settlement.state == ledger.FAILED
    assert settlement.error == 'no room; its clean-up failed: stuck'


# -- finding work ----------------------------------------------------------------------


def test_sweep_without_anything_to_come_leaves_the_pause_to_others():
    assert engine.Engine({}, doubles.tools()).sweep_once() == float('inf')


def test_sweep_tells_how_long_it_is_until_the_next():
    clock = trove_clock.ManualClock()
    book = doubles.ListedLedger([([], clock.time() + 7.0), ([], clock.time() - 1.0)])
    runner = engine.Engine({}, doubles.tools(book, clock))
    assert runner.sweep_once() == 7.0
    assert runner.sweep_once() == engine.SHORTEST_PAUSE_SECONDS


def test_run_settles_until_the_claim_is_gone():
    book = doubles.ListedLedger(claims={'operation': doubles.claim()})
    engine.Engine({doubles.KIND: doubles.story(begin=Done())}, doubles.tools(book)).run('operation')
    assert [settlement.state for settlement in book.settled] == [ledger.DONE]


def test_run_of_what_somebody_else_has_does_nothing():
    book = doubles.ListedLedger()
    engine.Engine({}, doubles.tools(book)).run('operation')
    assert book.settled == []


def test_stopped_engine_gives_the_operation_back_after_its_step():
    book = doubles.ListedLedger(claims={'operation': doubles.claim()})
    runner = engine.Engine({doubles.KIND: doubles.story(begin=Next('go_on'))}, doubles.tools(book))
    runner.stop()
    runner.run('operation')
    assert [dataclasses.replace(one, memo={}) for one in book.settled] == [
        ledger.Settlement('go_on', {}, wait_seconds=0.0, progress=25)
    ]
