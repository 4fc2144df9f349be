"""What stands around Keystone's middleware; a stand-in refuses as that does."""

import contextlib

import pytest
import webob
from oslo_config import cfg

from trove.common import exception, token_auth, wsgi


class Middleware:
    """Answers as the middleware refuses, or hands on."""

    def __init__(self, application, refusal=None):
        self._application = application
        self._refusal = refusal

    def __call__(self, environ, start_response):
        return (self._refusal or self._application)(environ, start_response)


def refuse(status, **headers):
    answer = webob.Response(b'{"error": {"message": "theirs"}}', status, content_type='application/json')
    answer.headers.update({name.replace('_', '-'): value for name, value in headers.items()})
    return answer


def answer(status):
    return token_auth.ProjectScope(wsgi.respond({'ours': status}, status))


def send(application, **environ):
    request = wsgi.Request.blank('/p/instances')
    request.environ.update(environ)
    return request.get_response(application)


def test_a_refusal_becomes_a_fault_and_keeps_its_challenge():
    refusal = refuse(401, WWW_Authenticate='Keystone uri="http://keystone"')
    response = send(token_auth.TokenFaults(Middleware(None, refusal)))
    assert response.status_int == 401
    assert response.headers['WWW-Authenticate'] == 'Keystone uri="http://keystone"'
    assert response.json['unauthorized']['code'] == 401
    assert 'theirs' not in response.text


def test_keystone_away_is_a_fault():
    response = send(token_auth.TokenFaults(Middleware(None, refuse(503))))
    assert response.json['serviceUnavailable']['code'] == 503


@pytest.mark.parametrize('status', [200, 401, 404, 503])
def test_what_the_api_answers_passes(status):
    inner = token_auth.TokenFaults(Middleware(answer(status)))
    response = send(inner, HTTP_X_PROJECT_ID='p')
    assert (response.status_int, response.json) == (status, {'ours': status})


@pytest.mark.parametrize(
    ('environ', 'told'),
    [
        ({}, 'without scope'),
        ({'HTTP_X_PROJECT_ID': None, 'HTTP_X_DOMAIN_ID': None}, 'without scope'),
        ({'HTTP_X_PROJECT_ID': None, 'HTTP_X_DOMAIN_ID': 'd'}, 'of a domain'),
        ({'HTTP_X_PROJECT_ID': None, 'HTTP_OPENSTACK_SYSTEM_SCOPE': 'all'}, 'of the whole system'),
    ],
)
def test_only_tokens_of_a_project_pass(environ, told):
    with pytest.raises(exception.Forbidden, match=told):
        send(answer(200), **environ)


@pytest.mark.parametrize(
    ('settings', 'is_fine'), [({}, False), ({'auth_type': 'password'}, True), ({'auth_section': 'other'}, True)]
)
def test_an_api_that_could_check_no_token_does_not_start(settings, is_fine):
    conf = cfg.ConfigOpts()
    token_auth.check(conf)
    conf.register_opts([cfg.StrOpt('auth_type'), cfg.StrOpt('auth_section')], group=token_auth.GROUP)
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    for name, value in settings.items():
        conf.set_override(name, value, group=token_auth.GROUP)
    with contextlib.nullcontext() if is_fine else pytest.raises(exception.ConfigurationError, match='no auth_type'):
        token_auth.check(conf)
