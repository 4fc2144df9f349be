"""The engine on a real ledger: its life, its threads, and what it does when the ledger cannot be used."""

import threading
import time

import pytest
import sqlalchemy as sa

from tests.contract.db import book
from tests.unit.taskmanager import doubles
from trove.common import clock as trove_clock
from trove.common import exception, fence
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.taskmanager import engine
from trove.taskmanager.operation import Done, Next, Wait

pytestmark = pytest.mark.usefixtures('sqlite_control_database')

LIMIT_SECONDS = 600
SHORT_SECONDS = 0.3


def until(is_so):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_ended(operation_id):
    return book.read(operation_id).state not in ledger.ACTIVE_STATES


@pytest.fixture
def clock():
    return trove_clock.Clock()


class Running:
    """Starts engines and stops them at the end of a test."""

    def __init__(self, clock):
        self.clock = clock
        self._engines = []

    def __call__(self, kind, book=None, sweep_seconds=0.1, workers=2):
        book = book or ledger.Ledger(self.clock, 'host/one', 60.0)
        tools = doubles.tools(book, self.clock, operation_workers=workers, operation_sweep_seconds=sweep_seconds)
        runner = engine.Engine({'make': kind}, tools)
        runner.start()
        self._engines.append(runner)
        return runner

    def stop(self):
        for runner in self._engines:
            runner.stop()


@pytest.fixture
def run(clock):
    running = Running(clock)
    yield running
    running.stop()


def told(**steps):
    """Return a kind of operation whose steps are functions of the operation."""
    names = {name: (lambda self, act=act: act(self)) for name, act in steps.items()}
    return type('Told', (doubles.Story,), names)


# -- a whole life ----------------------------------------------------------------------


def test_operation_is_found_and_run_to_its_end(run, clock):
    operation_id = book.submit(clock)
    run(told(begin=lambda _: Next('go_on'), go_on=lambda _: Done()))
    until(lambda: has_ended(operation_id))
    record = book.read(operation_id)
    assert (record.state, record.step, record.progress) == (ledger.DONE, 'go_on', 100)


def test_wake_up_is_quicker_than_the_sweep(run, clock):
    runner = run(told(begin=lambda _: Done()), sweep_seconds=3600)
    operation_id = book.submit(clock)
    runner.wake()
    until(lambda: has_ended(operation_id))


def test_waiting_operation_is_run_again_at_its_time(run, clock):
    def begin(operation):
        operation.memo['turns'] = operation.memo.get('turns', 0) + 1
        return Wait(0.05) if operation.memo['turns'] < 3 else Done()

    operation_id = book.submit(clock)
    run(told(begin=begin), sweep_seconds=3600)
    until(lambda: has_ended(operation_id))
    assert book.read(operation_id).memo['turns'] == 3


def test_wake_during_a_step_runs_it_again_at_once(run, clock):
    has_begun, may_end = threading.Event(), threading.Event()

    def begin(operation):
        if has_begun.is_set():
            return Done()
        has_begun.set()
        assert may_end.wait(LIMIT_SECONDS)
        return Wait(3600.0)

    operation_id = book.submit(clock)
    run(told(begin=begin))
    assert has_begun.wait(LIMIT_SECONDS)
    book.wake(clock)
    may_end.set()
    until(lambda: has_ended(operation_id))


def test_successor_runs_as_soon_as_its_predecessor_ended(run, clock):
    has_begun, may_end = threading.Event(), threading.Event()

    def begin(operation):
        if operation.claim.spec.get('is_last'):
            return Done()
        has_begun.set()
        assert may_end.wait(LIMIT_SECONDS)
        return Next('go_on')

    first = book.submit(clock)
    runner = run(told(begin=begin), sweep_seconds=3600)
    assert has_begun.wait(LIMIT_SECONDS)
    book.cancel(clock)
    last = book.submit(clock, spec={'is_last': True})
    runner.wake()
    may_end.set()
    until(lambda: has_ended(last))
    assert (book.read(first).state, book.read(last).state) == (ledger.CANCELLED, ledger.DONE)


# -- writing ---------------------------------------------------------------------------


def write_datastore(operation):
    with operation.write() as session:
        session.add(models.Datastore(id='d', name='acme'))


def count_datastores():
    with get_db_api().reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(tables.datastores)).scalar_one()


def test_step_writes_while_its_lease_is_its_own(run, clock):
    operation_id = book.submit(clock)
    run(told(begin=lambda operation: write_datastore(operation) or Done()))
    until(lambda: has_ended(operation_id))
    assert count_datastores() == 1


def test_cancelled_step_writes_nothing_over_its_successor(run, clock):
    has_begun = threading.Event()

    def begin(operation):
        book.cancel(clock)
        has_begun.set()
        write_datastore(operation)
        return Done()

    operation_id = book.submit(clock)
    run(told(begin=begin))
    until(lambda: has_ended(operation_id))
    assert book.read(operation_id).state == ledger.CANCELLED
    assert count_datastores() == 0


def test_step_that_was_taken_over_writes_nothing(run, clock):
    taken = threading.Event()

    def begin(operation):
        with get_db_api().transaction() as session:
            session.execute(sa.update(tables.operations).values(lease_token='host/two:x'))
        taken.set()
        write_datastore(operation)
        return Done()

    operation_id = book.submit(clock)
    runner = run(told(begin=begin))
    assert taken.wait(LIMIT_SECONDS)
    runner.stop()
    assert book.read(operation_id).lease_token == 'host/two:x'
    assert count_datastores() == 0


@pytest.mark.parametrize('has_acted', [False, True])
def test_who_acted_and_was_taken_over_sees_to_what_it_made(run, clock, has_acted):
    lost = []

    def begin(operation):
        if has_acted:
            fence.check()
        with get_db_api().transaction() as session:
            session.execute(sa.update(tables.operations).values(lease_token='host/two:x'))
        return Done()

    def note(operation):
        lost.append(operation.claim.id)
        doubles.Story.lost(operation)

    operation_id = book.submit(clock)
    runner = run(told(begin=begin, lost=note))
    until(lambda: (book.read(operation_id).lease_token or '').startswith('host/two'))
    runner.stop()
    assert lost == [operation_id] * has_acted


# -- stopping --------------------------------------------------------------------------


def test_stop_finishes_the_step_and_leaves_the_rest_to_others(run, clock):
    has_begun, may_end = threading.Event(), threading.Event()

    def begin(operation):
        has_begun.set()
        assert may_end.wait(LIMIT_SECONDS)
        return Next('go_on')

    for number in range(50):
        book.submit(clock, f'subject-{number}')
    runner = run(told(begin=begin, go_on=lambda _: Done()), workers=1)
    assert has_begun.wait(LIMIT_SECONDS)
    stopping = threading.Thread(target=runner.stop)
    stopping.start()
    until(runner.is_stopping)
    may_end.set()
    stopping.join(LIMIT_SECONDS)
    with get_db_api().reading() as session:
        records = list(session.execute(sa.select(models.Operation)).scalars())
    begun = [record for record in records if record.step == 'go_on']
    assert len(begun) == 1
    # The begun one is free at once, for whoever comes next.
    assert (begun[0].lease_token, begun[0].state) == (None, ledger.RUNNING)
    assert {record.state for record in records} == {ledger.PENDING, ledger.RUNNING}


# -- when the ledger cannot be used ----------------------------------------------------


class BrokenLedger(ledger.Ledger):
    """Some calls fail so many times."""

    def __init__(self, *arguments, error=None, **failures):
        super().__init__(*arguments)
        self.error = error or RuntimeError('the double cannot')
        self.failures = failures
        self.calls = {'due': 0, 'claim': 0}
        self.was_asked_again = threading.Event()

    def _call(self, name):
        self.calls[name] += 1
        if self.calls[name] > 1:
            self.was_asked_again.set()
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise self.error

    def due(self, limit=100):
        self._call('due')
        return super().due(limit)

    def claim(self, operation_id):
        self._call('claim')
        return super().claim(operation_id)


@pytest.mark.parametrize('error', [RuntimeError('the double cannot'), exception.ServiceUnavailable('away')])
@pytest.mark.parametrize('call', ['due', 'claim'])
def test_failing_ledger_is_asked_again(run, clock, call, error, caplog):
    operation_id = book.submit(clock)
    run(told(begin=lambda _: Done()), BrokenLedger(clock, 'host/one', 60.0, error=error, **{call: 2}))
    until(lambda: has_ended(operation_id))
    # That the database is away is told by its own lines.
    assert any(record.exc_info for record in caplog.records) == isinstance(error, RuntimeError)


def test_operation_that_cannot_be_claimed_does_not_keep_the_engine_busy(run, clock):
    book.submit(clock)
    broken = BrokenLedger(clock, 'host/one', 60.0, claim=10**9)
    run(told(begin=lambda _: Done()), broken, sweep_seconds=3600)
    until(lambda: broken.calls['claim'])
    assert not broken.was_asked_again.wait(SHORT_SECONDS)
    assert broken.calls == {'due': 1, 'claim': 1}


def test_settlement_that_cannot_be_written_leaves_the_lease_to_run_out(run, clock):
    def begin(operation):
        if operation.claim.spec.get('is_last'):
            return Done()
        operation.memo['odd'] = object()
        return Done()

    odd = book.submit(clock)
    run(told(begin=begin), ledger.Ledger(clock, 'host/one', 0.2))
    until(lambda: book.read(odd).lease_token is not None)
    last = book.submit(clock, 'another subject', spec={'is_last': True})
    until(lambda: has_ended(last))
    assert not has_ended(odd)


# -- what is due -----------------------------------------------------------------------


def test_rows_that_wait_for_something_hide_no_due_row():
    """Leased, queued, future and ended rows are many, and older than the only one that is due."""
    clock = trove_clock.ManualClock()
    mine = ledger.Ledger(clock, 'host/one', 3600.0)
    for number in range(30):
        mine.claim(book.submit(clock, f'leased-{number}'))
        mine.settle(mine.claim(book.submit(clock, f'future-{number}')), book.waits(30.0))
        mine.claim(book.submit(clock, f'queued-{number}'))
        book.cancel(clock, f'queued-{number}')
        book.submit(clock, f'queued-{number}')
    ended = book.submit(clock, 'ended')
    with get_db_api().transaction() as session:
        # As an operator may leave it who ended an operation by hand.
        session.execute(
            sa.update(tables.operations).where(tables.operations.c.id == ended).values(state=ledger.CANCELLED)
        )
    clock.turn(10.0)
    due = book.submit(clock, 'due')
    assert mine.due(limit=1)[0] == [due]
    assert mine.due(limit=10) == ([due], clock.time() + 20.0)


def test_sweep_comes_to_everything_and_not_once_for_each(run, clock):
    """More is due than one sweep takes; looking again after each operation would cost more than the work."""
    ids = [book.submit(clock, f'subject-{number}') for number in range(150)]
    counting = BrokenLedger(clock, 'host/one', 60.0)
    run(told(begin=lambda _: Done()), counting, sweep_seconds=3600)
    until(lambda: all(has_ended(operation_id) for operation_id in ids))
    assert counting.calls['due'] < 20
