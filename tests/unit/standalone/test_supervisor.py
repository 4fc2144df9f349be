"""Who is started when, and who is started again."""

import dataclasses

import pytest

from trove.standalone import supervisor
from trove.standalone.errors import StackError
from trove.standalone.processes import Process


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@dataclasses.dataclass
class Daemon:
    """A daemon that never was; ``events`` is shared by all."""

    name: str
    events: list
    is_broken: bool = False
    process: Process | None = None
    ready: bool = True

    def find(self):
        return self.process

    def is_ready(self):
        return self.ready

    def start(self):
        self.events.append(f'start {self.name}')
        if self.is_broken:
            raise StackError('broken')
        self.process = Process(1, 1)
        return self.process

    def stop(self):
        self.events.append(f'stop {self.name}')
        self.process = None


class Scene:
    """A broker, two daemons and the supervisor of them."""

    def __init__(self):
        self.now = Clock()
        self.events = []
        self.is_ready = True
        self.broker, self.api, self.conductor = (Daemon(name, self.events) for name in ('broker', 'api', 'conductor'))
        self.supervisor = supervisor.Supervisor(
            [self.broker], [self.api, self.conductor], lambda: self.is_ready, self.end_guests, self.now
        )

    def end_guests(self):
        self.events.append('end guests')

    def look(self, after=0.0):
        """Let time pass and return what the supervisor does then."""
        self.now.seconds += after
        self.events.clear()
        self.supervisor.look()
        return list(self.events)


@pytest.fixture
def scene():
    return Scene()


def test_everything_is_started_once(scene):
    assert scene.look() == ['start broker', 'start api', 'start conductor']
    assert scene.look(1) == []


def test_daemons_are_held_back_until_the_broker_answers(scene):
    scene.is_ready = False
    assert scene.look() == ['start broker']
    assert scene.look(1) == []
    scene.is_ready = True
    assert scene.look(1) == ['start api', 'start conductor']


def test_daemons_are_not_held_back_for_ever(scene):
    scene.is_ready = False
    scene.look()
    assert scene.look(supervisor.LONGEST_HOLD_SECONDS) == ['start api', 'start conductor']


def test_what_comes_first_is_ready_before_the_next_is_started(scene):
    mapper = Daemon('mapper', scene.events, ready=False)
    scene.supervisor = supervisor.Supervisor([mapper, scene.broker], [], lambda: True, scene.end_guests, scene.now)
    assert scene.look() == ['start mapper']
    assert scene.look() == []
    mapper.ready = True
    assert scene.look() == ['start broker']
    # Who runs already is left alone, whatever becomes of the first one.
    mapper.ready = False
    assert scene.look() == []


def test_a_broker_that_goes_later_holds_nobody_back(scene):
    scene.look()
    scene.is_ready = False
    scene.api.process = None
    scene.look(supervisor.STEADY_SECONDS)
    assert scene.api.process is not None


def test_what_ran_long_is_started_again_at_once(scene):
    scene.look()
    scene.api.process = None
    assert scene.look(supervisor.STEADY_SECONDS) == ['start api']


def test_what_dies_young_waits_longer_each_time(scene):
    scene.look()
    waits = []
    for _ in range(9):
        scene.api.process = None
        scene.look()
        waits.append(0.0)
        while scene.api.process is None:
            scene.look(0.5)
            waits[-1] += 0.5
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_what_cannot_be_started_is_tried_again_later(scene):
    scene.api.is_broken = True
    scene.look()
    assert scene.look(0.4) == []
    assert scene.look(0.1) == ['start api']
    assert scene.look(0.5) == []
    scene.api.is_broken = False
    assert scene.look(0.5) == ['start api']


def test_guests_end_while_nobody_revives_them_and_the_broker_is_there(scene):
    scene.look()
    scene.events.clear()
    scene.supervisor.stop()
    assert sorted(scene.events[:2]) == ['stop api', 'stop conductor']
    assert scene.events[2:] == ['end guests', 'stop broker']


def test_guests_that_do_not_end_do_not_keep_the_broker(scene):
    def fail():
        raise StackError('stuck')

    scene.supervisor._end_guests = fail
    scene.look()
    scene.supervisor.stop()
    assert scene.events[-1] == 'stop broker'
