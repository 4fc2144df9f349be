import threading

import pytest
import webob

from trove import health
from trove.common import clock

SECRET = 'mysql://trove:canary@db.example.org'


class Looked:
    """A look that counts, and says what it is told to say."""

    def __init__(self):
        self.count = 0
        self.error = None

    def __call__(self):
        self.count += 1
        if self.error:
            raise self.error


@pytest.fixture
def time():
    return clock.ManualClock()


@pytest.fixture
def database():
    return Looked()


@pytest.fixture
def bus():
    return Looked()


@pytest.fixture
def disabling(tmp_path):
    return tmp_path / 'disabled'


@pytest.fixture
def ask(time, database, bus, disabling):
    application = health.Healthcheck(
        health.Probe('database', database, 'The database does not answer.', time),
        health.Probe('bus', bus, 'The message bus does not answer.', time),
        str(disabling),
    )

    def ask(path='', **headers):
        method = headers.pop('method', 'GET')
        return webob.Request.blank(path or '/', method=method, headers=headers).get_response(application)

    return ask


@pytest.mark.parametrize('path', ['', '/ready', '/live', '/live/'])
def test_all_is_well(ask, path):
    answer = ask(path)
    assert (answer.status_int, answer.text, answer.content_type) == (200, 'OK', 'text/plain')
    assert ask(path, method='HEAD').status_int == 204


def test_the_database_is_away(ask, database):
    database.error = OSError(SECRET)
    for path in ('', '/ready'):
        answer = ask(path)
        assert (answer.status_int, answer.text) == (503, 'The database does not answer.')
    assert ask('/ready', method='HEAD').status_int == 503
    assert ask('/live').status_int == 200


def test_an_api_without_its_bus_takes_requests(ask, bus):
    bus.error = OSError(SECRET)
    assert (ask().status_int, ask().text) == (503, 'The message bus does not answer.')
    assert ask('/ready').status_int == 200


def test_details(ask, database, bus):
    assert ask(Accept='application/json').json == {
        'detailed': False,
        'reasons': ['OK'],
        'checks': {'database': 'OK', 'bus': 'OK', 'service': 'OK'},
    }


def test_details_of_what_is_away_name_nothing(ask, database, bus):
    database.error = bus.error = OSError(SECRET)
    answer = ask(Accept='application/json')
    assert answer.status_int == 503
    assert answer.json['reasons'] == ['The database does not answer.', 'The message bus does not answer.']
    assert 'canary' not in answer.text
    assert 'example' not in answer.text


def test_a_host_that_is_taken_out_of_service(ask, disabling):
    disabling.touch()
    assert (ask('/ready').status_int, ask('/ready').text) == (503, health.DISABLED)
    assert ask('/live').status_int == 200


def test_other_paths(ask):
    assert ask('/other').status_int == 404


def test_asking_often_looks_once(ask, time, database):
    for _ in range(10):
        ask()
    assert database.count == 1
    database.error = OSError()
    time.turn(health.FRESH_SECONDS)
    assert ask().status_int == 503
    assert database.count == 2
    database.error = None
    time.turn(health.FRESH_SECONDS)
    assert ask().status_int == 200


def test_who_asks_waits_for_nothing_that_hangs(time):
    is_asked, may_end = threading.Event(), threading.Event()
    count = []

    def hang():
        count.append(1)
        is_asked.set()
        may_end.wait(30)

    probe = health.Probe('database', hang, 'It does not answer.', time)
    assert probe.answer(wait_seconds=0.01) == 'It does not answer.'
    assert is_asked.wait(30)
    # Nor is another look begun beside it.
    assert probe.answer(wait_seconds=0.01) == 'It does not answer.'
    assert len(count) == 1
    may_end.set()
    assert probe.answer(wait_seconds=30) == 'OK'
