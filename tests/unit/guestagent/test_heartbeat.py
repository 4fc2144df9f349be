"""When a heartbeat is sent and what it says."""

import threading

import pytest

from trove.common import clock, exception, states
from trove.guestagent import heartbeat

VOLUME = {'total': 2.0, 'used': 1.0, 'free': 1073741824}


class Guest:
    """A database and a bus that do as they are told."""

    def __init__(self):
        self.status = states.NEW
        self.volume = VOLUME
        self.is_bus_away = False
        self.sent = []

    def look(self):
        return self.status

    def measure(self):
        if self.volume is None:
            raise exception.GuestError(reason='there is none')
        return self.volume

    def send(self, payload, sent):
        if self.is_bus_away:
            return False
        self.sent.append((payload, sent))
        return True


@pytest.fixture
def guest():
    return Guest()


@pytest.fixture
def time():
    return clock.ManualClock()


@pytest.fixture
def beating(guest, time):
    return heartbeat.Heartbeat(guest.look, guest.measure, guest.send, 30, time)


def test_first_look_is_told(beating, guest, time):
    guest.volume = None
    beating.beat()
    assert guest.sent == [({'service_status': 'new', 'volume': None, 'prepared': False}, time.now)]


def test_change_is_told_at_once(beating, guest):
    beating.beat()
    guest.status = states.HEALTHY
    beating.beat()
    assert guest.sent[-1][0] == {'service_status': 'healthy', 'volume': VOLUME, 'prepared': True}


def test_same_status_is_told_at_the_interval(beating, guest, time):
    beating.beat()
    time.turn(29)
    beating.beat()
    assert len(guest.sent) == 1
    time.turn(1)
    beating.beat()
    assert len(guest.sent) == 2


def test_clock_set_back_stops_nothing(beating, guest, time):
    beating.beat()
    time.turn(-3600)
    beating.beat()
    assert len(guest.sent) == 2


def test_what_did_not_get_out_is_told_at_the_next_look(beating, guest):
    guest.is_bus_away = True
    beating.beat()
    guest.is_bus_away = False
    beating.beat()
    assert len(guest.sent) == 1


def test_repeater_works_at_once_when_woken_and_survives_errors():
    rounds = threading.Semaphore(0)

    def work():
        rounds.release()
        raise ValueError('this round fails')

    repeater = heartbeat.Repeater('test', work, interval_seconds=3600)
    repeater.start()
    assert rounds.acquire(timeout=10)
    repeater.wake()
    assert rounds.acquire(timeout=10)
    repeater.stop()
