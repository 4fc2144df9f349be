import pytest

from trove.common import clock, exception, limits, wsgi

RULES = [limits.Limit('POST', '*', '.*', 2), limits.Limit('GET', '*', '.*', 60), limits.Limit('PUT', '*', '.*', 1)]


@pytest.fixture
def time():
    return clock.ManualClock(1_700_000_000.0)


@pytest.fixture
def limiter(time):
    return limits.Limiter(RULES, time)


def test_so_many_and_no_more(limiter):
    limiter.take('p', 'POST', '/instances')
    limiter.take('p', 'POST', '/instances')
    with pytest.raises(exception.RateLimited, match='rate-limited') as caught:
        limiter.take('p', 'POST', '/instances')
    assert caught.value.retry_seconds == 30
    assert caught.value.limit == 'Only 2 POST request(s) can be made to * every minute.'


def test_the_bucket_fills_up_evenly(limiter, time):
    limiter.take('p', 'POST', '/')
    limiter.take('p', 'POST', '/')
    time.turn(29)
    with pytest.raises(exception.RateLimited):
        limiter.take('p', 'POST', '/')
    time.turn(1)
    limiter.take('p', 'POST', '/')


def test_it_never_holds_more_than_its_size(limiter, time):
    time.turn(10_000)
    assert limiter.describe('p')[0]['remaining'] == 2


def test_a_clock_set_back_takes_nothing(limiter, time):
    limiter.take('p', 'GET', '/')
    time.turn(-100)
    assert limiter.describe('p')[1]['remaining'] == 59


def test_projects_and_methods_do_not_share(limiter):
    limiter.take('p', 'POST', '/')
    limiter.take('p', 'POST', '/')
    limiter.take('p', 'GET', '/')
    limiter.take('q', 'POST', '/')


def test_patch_counts_as_put(limiter):
    limiter.take('p', 'PATCH', '/')
    with pytest.raises(exception.RateLimited):
        limiter.take('p', 'PUT', '/')


def test_a_refused_request_counts_for_no_rule(time):
    limiter = limits.Limiter([limits.Limit('POST', '*', '.*', 5), limits.Limit('POST', '*/mgmt', '^/mgmt', 1)], time)
    limiter.take('p', 'POST', '/mgmt/x')
    with pytest.raises(exception.RateLimited):
        limiter.take('p', 'POST', '/mgmt/x')
    assert limiter.describe('p')[0]['remaining'] == 4


def test_describes_itself(limiter):
    limiter.take('p', 'PUT', '/')
    assert limiter.describe('p')[2] == {
        'verb': 'PUT',
        'uri': '*',
        'regex': '.*',
        'value': 1,
        'unit': 'MINUTE',
        'remaining': 0,
        'nextAvailable': '2023-11-14T22:14:20Z',
    }


def test_projects_that_are_long_gone_are_forgotten(limiter):
    for number in range(limits.MAX_PROJECTS + 10):
        limiter.take(str(number), 'GET', '/')
    assert len(limiter._projects) == limits.MAX_PROJECTS


def test_the_answer_to_one_request_too_many():
    response = wsgi.fault_of(exception.RateLimited('Only 2.', 30))
    assert response.status_int == 413
    assert response.headers['Retry-After'] == '30'
    assert response.json == {
        'overLimit': {'code': 413, 'message': 'This request was rate-limited.', 'details': 'Only 2.', 'retryAfter': 30}
    }
