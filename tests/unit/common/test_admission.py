import io
import logging

import pytest

from trove.common import admission, body, clock, exception, wsgi


@pytest.fixture
def time():
    return clock.ManualClock()


@pytest.fixture
def counted(time):
    return admission.Admission(3, 2, time)


class TestAdmission:
    def test_so_many_at_the_same_time_and_no_more(self, counted):
        with counted.admitted('p'), counted.admitted('p'), counted.admitted('q'):
            fourth = counted.admitted('r')
            with pytest.raises(exception.Overloaded):
                fourth.__enter__()
        with counted.admitted('r'):
            pass

    def test_one_project_leaves_the_others_their_share(self, counted):
        with counted.admitted('p'), counted.admitted('p'):
            with pytest.raises(exception.Overloaded), counted.admitted('p'):
                pytest.fail('it was let in')
            with counted.admitted('q'):
                pass

    def test_one_that_fails_gives_its_place_back(self, counted):
        for _ in range(5):
            with pytest.raises(ValueError, match='it'), counted.admitted('p'):
                raise ValueError('it')

    def test_refusals_are_told_together(self, time, caplog):
        full = admission.Admission(0, 1, time)
        with caplog.at_level(logging.WARNING):
            for seconds in (0, 1, 1, 10):
                time.turn(seconds)
                with pytest.raises(exception.Overloaded), full.admitted('p'):
                    pytest.fail('it was let in')
        assert [record.args for record in caplog.records] == [(1, 0), (3, 0)]


class TestFilter:
    @pytest.fixture
    def ask(self, counted):
        def application(environ, start_response):
            received = environ['wsgi.input'].read()
            return wsgi.respond({'got': received.decode()})(environ, start_response)

        bounded = wsgi.FaultWrapper(admission.AdmissionFilter(application, counted))

        def ask(raw, **headers):
            request = wsgi.Request.blank('/p/instances', method='POST', body=raw)
            request.environ.update(headers)
            return request.get_response(bounded)

        return ask

    @pytest.mark.parametrize('size', [0, 1, admission.CHUNK_BYTES, admission.CHUNK_BYTES + 1, body.MAX_BYTES])
    def test_a_body_is_handed_on_whole(self, ask, size):
        assert ask(b'x' * size).json == {'got': 'x' * size}

    def test_a_body_that_is_too_long_is_not_read(self, ask):
        unread = io.BytesIO(b'x')
        answer = ask(b'', CONTENT_LENGTH=str(body.MAX_BYTES + 1), **{'wsgi.input': unread})
        assert (answer.status_int, unread.tell()) == (413, 0)

    @pytest.mark.parametrize('length', ['-1', 'x', '1 2', '٣'])
    def test_a_length_that_is_no_number(self, ask, length):
        assert ask(b'', CONTENT_LENGTH=length).status_int == 400

    def test_a_body_that_stops(self, ask):
        class Late(io.BytesIO):
            def read(self, size=-1):
                raise TimeoutError('the body is late')

        assert ask(b'', CONTENT_LENGTH='5', **{'wsgi.input': Late()}).status_int == 400

    def test_who_is_not_let_in_is_told_when_to_come_again(self, ask, counted):
        with counted.admitted('p'), counted.admitted('p'):
            answer = ask(b'')
        assert (answer.status_int, answer.headers['Retry-After']) == (503, '2')
        assert answer.json['serviceUnavailable']['code'] == 503
