"""The endpoint wakes the engine; periodic work goes on whatever one piece of it does."""

import functools
import threading

import pytest

from trove.common import context as trove_context
from trove.common import exception
from trove.taskmanager import manager


class Woken:
    def __init__(self):
        self.count = 0

    def wake(self):
        self.count += 1


def test_wake_up_reaches_the_engine():
    engine = Woken()
    manager.Manager(engine).run_operation(trove_context.service_context(), operation_id='operation')
    assert engine.count == 1


@pytest.mark.parametrize(
    ('error', 'told'),
    [
        (
            exception.ComputeBusy(reason='no answer'),
            'Periodic work is repeated: The compute provider is not ready: no answer',
        ),
        (exception.ServiceUnavailable('It is away.'), 'Periodic work waits for the database: It is away.'),
    ],
)
def test_what_is_away_is_told_of_in_one_line(caplog, error, told):
    def fall():
        raise error

    seen = []
    manager.Periodic([fall, lambda: seen.append('second')], 3600).turn()
    (line,) = [record for record in caplog.records if record.name == manager.__name__]
    assert (line.getMessage(), line.exc_info) == (told, None)
    assert seen == ['second']


def test_turn_runs_everything_though_something_raises():
    seen = []

    def fall(word):
        seen.append(word)
        raise RuntimeError(word)

    # A partial has no name of its own to be logged by.
    works = [functools.partial(fall, 'first'), lambda: seen.append('second')]
    manager.Periodic(works, 3600).turn()
    assert seen == ['first', 'second']


def test_first_turn_comes_at_once_and_a_stop_ends_it_between_two_pieces():
    has_begun, may_end = threading.Event(), threading.Event()
    seen = []

    def work():
        has_begun.set()
        may_end.wait()
        seen.append('first')

    periodic = manager.Periodic([work, lambda: seen.append('second')], 3600)
    periodic.start()
    has_begun.wait()
    stopping = threading.Thread(target=periodic.stop)
    stopping.start()
    periodic._is_stopping.wait()
    may_end.set()
    stopping.join()
    assert seen == ['first']


def test_a_wake_up_brings_the_next_turn_and_one_during_a_turn_is_not_lost():
    begun, may_end = threading.Semaphore(0), threading.Semaphore(0)

    def work():
        begun.release()
        may_end.acquire()

    periodic = manager.Periodic([work], 3600, shortest_pause_seconds=0)
    periodic.start()
    begun.acquire()
    periodic.wake()
    may_end.release()
    begun.acquire()
    may_end.release()
    periodic.wake()
    begun.acquire()
    may_end.release()
    periodic.stop()
