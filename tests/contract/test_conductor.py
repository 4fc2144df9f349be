"""What guests report, in whatever order and however often, on every database."""

import concurrent.futures
import random
import threading

import pytest

from tests.contract.db import book
from tests.fixtures import guest_bus
from trove.common import clock as trove_clock
from trove.common import sealing, states
from trove.conductor import manager
from trove.db import get_db_api, models
from trove.db import operations as ledger

pytestmark = pytest.mark.usefixtures('control_database')

INSTANCE = 'instance'
NOW = trove_clock.ManualClock().time()
AT_ONCE = 8


class RememberingWaker:
    def __init__(self):
        self.sent = []

    def send(self, context, method, **arguments):
        self.sent.append((context.request_id, method, arguments['operation_id']))


@pytest.fixture
def waker():
    return RememberingWaker()


@pytest.fixture
def clock():
    return trove_clock.ManualClock()


@pytest.fixture
def conductor(waker, clock):
    return manager.Manager('nowhere', clock, waker)


@pytest.fixture(autouse=True)
def instance(control_database):
    get_db_api().run(lambda session: guest_bus.seed(session, [INSTANCE]))


def said(sender=INSTANCE, **fields):
    """Return the context of one more message of a guest."""
    return guest_bus.context_of(sender, sent=NOW, request_id='req-1', **fields)


def payload(status='running', prepared=True):
    return {'service_status': status, 'volume': {'used': 0.5}, 'prepared': prepared}


def read(model=models.ServiceStatus, key=INSTANCE):
    with get_db_api().reading() as session:
        return session.get(model, key)


def set_status(description):
    def write(session):
        session.get(models.ServiceStatus, INSTANCE).description = description

    get_db_api().run(write)


def at_once(calls):
    """Make calls from threads that start together."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))


# -- heartbeats ------------------------------------------------------------------------


def test_heartbeat_is_written_and_wakes_who_waits(conductor, clock, waker):
    waiting = ledger.Ledger(clock, 'worker')
    operation_id = book.submit(clock, INSTANCE)
    waiting.settle(waiting.claim(operation_id), book.waits(300.0))
    conductor.heartbeat(said(), INSTANCE, payload(), 5.0)
    record = read()
    assert (record.description, record.is_prepared, record.volume, record.sent) == ('running', True, {'used': 0.5}, 5.0)
    assert waiting.due()[0] == [operation_id]
    assert waker.sent == [('req-1', 'run_operation', operation_id)]


def test_heartbeat_without_news_wakes_nobody(conductor, clock, waker):
    conductor.heartbeat(said(), INSTANCE, payload(), 5.0)
    book.submit(clock, INSTANCE)
    conductor.heartbeat(said(), INSTANCE, payload(), 6.0)
    assert read().sent == 6.0
    assert waker.sent == []


@pytest.mark.parametrize('sent', [4.0, 5.0])
def test_heartbeat_that_is_no_newer_is_dropped(conductor, sent):
    conductor.heartbeat(said(), INSTANCE, payload(), 5.0)
    conductor.heartbeat(said(), INSTANCE, payload('crashed', False), sent)
    assert (read().description, read().sent) == ('running', 5.0)


def test_newest_of_many_heartbeats_at_once_stays(conductor):
    for turn in range(5):
        moments = [turn * 100.0 + number for number in range(1, AT_ONCE + 1)]
        random.shuffle(moments)
        at_once([lambda sent=sent: conductor.heartbeat(said(), INSTANCE, payload(), sent) for sent in moments])
        assert read().sent == turn * 100.0 + AT_ONCE


def test_heartbeat_of_unknown_words_is_an_unknown_state(conductor):
    conductor.heartbeat(said(), INSTANCE, payload('singing'), 5.0)
    assert read().description == states.UNKNOWN.description


def test_heartbeat_does_not_hide_that_a_restart_is_required(conductor):
    set_status(states.RESTART_REQUIRED.description)
    conductor.heartbeat(said(), INSTANCE, payload(), 5.0)
    assert read().description == states.RESTART_REQUIRED.description


def test_heartbeat_of_a_stranger_is_dropped(conductor):
    conductor.heartbeat(said('stranger'), 'stranger', payload(), 5.0)
    assert read(key='stranger') is None


# -- jobs ------------------------------------------------------------------------------


def test_end_of_a_job_is_written_and_wakes_who_waits(conductor, clock, waker):
    operation_id = book.submit(clock, INSTANCE)
    conductor.job_ended(said(), INSTANCE, f'{operation_id}.prepare', error='disk full')
    assert read(models.GuestJob, f'{operation_id}.prepare').error == 'disk full'
    assert waker.sent == [('req-1', 'run_operation', operation_id)]


def test_first_report_of_a_job_counts(conductor, clock, waker):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    conductor.job_ended(said(), INSTANCE, job_id)
    conductor.job_ended(said(), INSTANCE, job_id, error='again')
    assert read(models.GuestJob, job_id).error is None
    assert len(waker.sent) == 1


def test_reports_of_a_job_at_once_count_as_one(conductor, clock, waker):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    at_once([lambda: conductor.job_ended(said(), INSTANCE, job_id)] * AT_ONCE)
    assert len(waker.sent) == 1


def test_nothing_is_kept_of_a_deleted_instance(conductor, clock):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    get_db_api().run(lambda session: session.add(key_record()))
    conductor.heartbeat(said(), INSTANCE, payload(), 5.0)
    conductor.job_ended(said(), INSTANCE, job_id)
    get_db_api().run(lambda session: manager.forget(session, INSTANCE))
    conductor.heartbeat(said(), INSTANCE, payload(), 6.0)
    conductor.job_ended(said(), INSTANCE, job_id)
    assert read() is None
    assert read(models.GuestJob, job_id) is None
    assert read(models.GuestKey) is None


def key_record():
    return models.GuestKey(instance_id=INSTANCE, number=1, sealed='', created=trove_clock.utcnow())


# -- hostile guests --------------------------------------------------------------------


def refused(reason):
    return pytest.raises(sealing.Refused, match=f'refused: {reason}$')


def test_guest_speaks_of_itself_alone(conductor, clock):
    operation_id = book.submit(clock, INSTANCE)
    with refused('sender'):
        conductor.heartbeat(said('another'), INSTANCE, payload(), 5.0)
    with refused('sender'):
        conductor.job_ended(said('another'), INSTANCE, f'{operation_id}.prepare')
    assert read().sent == 0.0
    assert read(models.GuestJob, f'{operation_id}.prepare') is None


def test_job_of_another_instance_is_not_ended(conductor, clock):
    job_id = f'{book.submit(clock, "another")}.prepare'
    with refused('job'):
        conductor.job_ended(said(), INSTANCE, job_id)
    with refused('job'):
        conductor.job_ended(said(), INSTANCE, 'made-up.prepare')
    assert read(models.GuestJob, job_id) is None


def test_operation_has_a_few_jobs_only(conductor, clock):
    operation_id = book.submit(clock, INSTANCE)
    for number in range(manager.MOST_JOBS):
        conductor.job_ended(said(), INSTANCE, f'{operation_id}.{"x" * (number + 1)}')
    with refused('job'):
        conductor.job_ended(said(), INSTANCE, f'{operation_id}.prepare')


def test_message_that_came_is_refused_with_whatever_it_brings(conductor, clock):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    context = said()
    conductor.heartbeat(context, INSTANCE, payload(), 5.0)
    with refused('replay'):
        conductor.heartbeat(context, INSTANCE, payload('crashed'), 6.0)
    with refused('replay'):
        conductor.job_ended(context, INSTANCE, job_id)
    assert (read().description, read().sent) == ('running', 5.0)


def test_message_is_admitted_once_of_many_at_once(conductor, clock, waker):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    context = said()
    outcomes = []

    def call():
        try:
            conductor.job_ended(context, INSTANCE, job_id)
        except sealing.Refused as refusal:
            outcomes.append(refusal.reason)

    at_once([call] * AT_ONCE)
    assert outcomes == ['replay'] * (AT_ONCE - 1)


def test_message_of_another_time_is_refused(conductor, clock):
    context = said()
    clock.turn(301)
    with refused('time'):
        conductor.heartbeat(context, INSTANCE, payload(), 5.0)
    clock.turn(-1000)
    with refused('time'):
        conductor.heartbeat(context, INSTANCE, payload(), 5.0)


@pytest.mark.parametrize(
    'changes',
    [
        {'volume': {'used': 'much'}},
        {'volume': {'used': float('inf')}},
        {'volume': {str(number): 1 for number in range(9)}},
        {'volume': {'n' * 1000: 1}},
        {'volume': 'full'},
    ],
)
def test_heartbeat_of_another_form_is_refused(conductor, changes):
    with refused('arguments'):
        conductor.heartbeat(said(), INSTANCE, {**payload(), **changes}, 5.0)


@pytest.mark.parametrize('sent', ['now', None, float('nan'), True])
def test_heartbeat_with_a_moment_that_is_none_is_refused(conductor, sent):
    with refused('arguments'):
        conductor.heartbeat(said(), INSTANCE, payload(), sent)


@pytest.mark.parametrize('job_id', ["x'; DROP TABLE instances; --", '$(reboot).prepare', 'a.' + 'b' * 41, 5, None])
def test_end_of_what_is_no_name_of_a_job_is_refused(conductor, job_id):
    with refused('arguments'):
        conductor.job_ended(said(), INSTANCE, job_id)


def test_error_of_a_job_is_kept_as_far_as_it_is_read(conductor, clock):
    job_id = f'{book.submit(clock, INSTANCE)}.prepare'
    conductor.job_ended(said(), INSTANCE, job_id, error='x' * 100_000)
    assert len(read(models.GuestJob, job_id).error) == 2000


def test_what_is_remembered_of_a_guest_is_bounded(conductor, clock):
    for number in range(manager.MOST_SEEN + 20):
        conductor.heartbeat(said(), INSTANCE, payload(), float(number + 1))
    assert len(read().seen) == manager.MOST_SEEN
