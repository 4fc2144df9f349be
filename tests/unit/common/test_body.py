import io

import pytest
import webob

from trove.common import body, exception


def request(raw, content_type='application/json', **environ):
    made = webob.Request.blank('/', method='POST', body=raw)
    made.environ['CONTENT_TYPE'] = content_type
    made.environ.update(environ)
    return made


def test_reads_json():
    assert body.read(request(b'{"a": [1, "\\u00e9"]}')) == {'a': [1, 'é']}


def test_a_content_type_may_have_parameters():
    assert body.read(request(b'{}', 'Application/JSON; charset=utf-8')) == {}


def test_no_body_is_none():
    assert body.read(request(b'', '')) is None


@pytest.mark.parametrize(
    'raw',
    [
        b'{',
        b'NaN',
        b'[Infinity]',
        b'\xff',
        b'"\\ud800"',
        b'["a\\u0000"]',
        b'{"\\udfff": 1}',
        b'9' * 5000,
        b'[' * 70 + b']' * 70,
        b'[' * 100_000,
        b'{"a":' * 70 + b'1' + b'}' * 70,
    ],
)
def test_refuses_what_is_no_good_json(raw):
    with pytest.raises(exception.BadRequest, match='Malformed JSON'):
        body.read(request(raw))


def test_many_siblings_are_no_deep_nesting():
    assert len(body.parse(b'[' + b','.join([b'[]'] * 500) + b']')) == 500


def test_the_text_names_nothing_of_the_body():
    with pytest.raises(exception.BadRequest) as caught:
        body.parse(b'{"password": canary}')
    assert 'canary' not in str(caught.value)


def test_another_content_type_is_not_supported():
    with pytest.raises(exception.UnsupportedMediaType):
        body.read(request(b'{}', 'text/plain'))


def test_a_body_without_content_type_is_refused():
    with pytest.raises(exception.BadRequest, match='Content-Type'):
        body.read(request(b'{}', ''))


def test_a_large_body_is_over_the_limit():
    with pytest.raises(exception.OverLimit):
        body.read(request(b'"' + b'a' * body.MAX_BYTES + b'"'))


def test_a_body_that_breaks_off_is_a_bad_request():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError('gone')

    broken = webob.Request.blank('/', method='POST')
    broken.environ.update({'CONTENT_LENGTH': '5', 'CONTENT_TYPE': 'application/json', 'wsgi.input': Broken()})
    with pytest.raises(exception.BadRequest):
        body.read(broken)


def test_peeking_leaves_the_body_to_be_read():
    made = request(b'{"a": 1}')
    assert body.peek(made) == {'a': 1}
    assert body.read(made) == {'a': 1}


def test_peeking_leaves_complaints_to_the_reader():
    assert body.peek(request(b'{')) is None
