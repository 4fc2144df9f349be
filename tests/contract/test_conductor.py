"""What guests report, in whatever order and however often, on every database."""

import concurrent.futures
import random
import threading

import pytest

from tests.contract.db import book
from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import states
from trove.conductor import manager
from trove.db import get_db_api, models
from trove.db import operations as ledger

pytestmark = pytest.mark.usefixtures('control_database')

INSTANCE = 'instance'
CONTEXT = trove_context.service_context('req-1')
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
    def write(session):
        now = trove_clock.utcnow()
        session.add(models.Datastore(id='d', name='acme'))
        session.flush()
        version = {'name': '1', 'version': '1', 'manager': 'm', 'packages': '', 'image_tags': '', 'is_active': True}
        session.add(models.DatastoreVersion(id='v', datastore_id='d', **version))
        session.flush()
        identity = {'project_id': 'p', 'datastore_version_id': 'v', 'flavor_id': '1', 'task_code': 1}
        session.add(models.Instance(id=INSTANCE, name='n', created=now, updated=now, **identity))
        session.flush()
        session.add(models.ServiceStatus(instance_id=INSTANCE, description='new', updated=now))

    get_db_api().run(write)


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
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 5.0)
    record = read()
    assert (record.description, record.is_prepared, record.volume, record.sent) == ('running', True, {'used': 0.5}, 5.0)
    assert waiting.due()[0] == [operation_id]
    assert waker.sent == [('req-1', 'run_operation', operation_id)]


def test_heartbeat_without_news_wakes_nobody(conductor, clock, waker):
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 5.0)
    book.submit(clock, INSTANCE)
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 6.0)
    assert read().sent == 6.0
    assert waker.sent == []


@pytest.mark.parametrize('sent', [4.0, 5.0])
def test_heartbeat_that_is_no_newer_is_dropped(conductor, sent):
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 5.0)
    conductor.heartbeat(CONTEXT, INSTANCE, payload('crashed', False), sent)
    assert (read().description, read().sent) == ('running', 5.0)


def test_newest_of_many_heartbeats_at_once_stays(conductor):
    for turn in range(5):
        moments = [turn * 100.0 + number for number in range(1, AT_ONCE + 1)]
        random.shuffle(moments)
        at_once([lambda sent=sent: conductor.heartbeat(CONTEXT, INSTANCE, payload(), sent) for sent in moments])
        assert read().sent == turn * 100.0 + AT_ONCE


def test_heartbeat_of_unknown_words_is_an_unknown_state(conductor):
    conductor.heartbeat(CONTEXT, INSTANCE, payload('singing'), 5.0)
    assert read().description == states.UNKNOWN.description


def test_heartbeat_does_not_hide_that_a_restart_is_required(conductor):
    set_status(states.RESTART_REQUIRED.description)
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 5.0)
    assert read().description == states.RESTART_REQUIRED.description


def test_heartbeat_of_a_stranger_is_dropped(conductor):
    conductor.heartbeat(CONTEXT, 'stranger', payload(), 5.0)
    assert read(key='stranger') is None


# -- jobs ------------------------------------------------------------------------------


def test_end_of_a_job_is_written_and_wakes_who_waits(conductor, clock, waker):
    operation_id = book.submit(clock, INSTANCE)
    conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare', error='disk full')
    assert read(models.GuestJob, 'o.prepare').error == 'disk full'
    assert waker.sent == [('req-1', 'run_operation', operation_id)]


def test_first_report_of_a_job_counts(conductor, clock, waker):
    book.submit(clock, INSTANCE)
    conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare')
    conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare', error='again')
    assert read(models.GuestJob, 'o.prepare').error is None
    assert len(waker.sent) == 1


def test_reports_of_a_job_at_once_count_as_one(conductor, clock, waker):
    book.submit(clock, INSTANCE)
    at_once([lambda: conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare')] * AT_ONCE)
    assert len(waker.sent) == 1


def test_nothing_is_kept_of_a_deleted_instance(conductor):
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 5.0)
    conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare')
    get_db_api().run(lambda session: manager.forget(session, INSTANCE))
    conductor.heartbeat(CONTEXT, INSTANCE, payload(), 6.0)
    conductor.job_ended(CONTEXT, INSTANCE, 'o.prepare')
    assert read() is None
    assert read(models.GuestJob, 'o.prepare') is None
