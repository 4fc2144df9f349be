"""The pipeline of Keystone with its real middleware, over a double of Keystone."""

import json
import subprocess
import sys

import pytest
from keystonemiddleware import auth_token
from oslo_config import cfg

from tests.fixtures import api as api_fixture
from tests.fixtures import identity_double
from trove.common import auth, policy, token_auth, wsgi
from trove.common.rpc import serializer

PROJECT = {'id': 'project-id', 'name': 'shop', 'domain': identity_double.DOMAIN}
PATH = '/project-id/instances'


class Application:
    """Remembers what reaches it."""

    def __init__(self):
        self.environ = {}

    def __call__(self, environ, start_response):
        self.environ = environ
        return wsgi.respond({'reached': True})(environ, start_response)

    @property
    def context(self):
        return self.environ[wsgi.CONTEXT_KEY]


class Pipeline:
    """The filters of the paste file's pipeline, in its order, over an application that remembers."""

    def __init__(self, folder, double, **settings):
        login = {
            'auth_type': 'password',
            'auth_url': f'{double.url}/identity/v3',
            'username': 'trove',
            'password': 'canary-of-a-password',
            'project_name': 'service',
            'user_domain_name': 'Default',
            'project_domain_name': 'Default',
            'www_authenticate_uri': 'http://keystone.example.org/v3',
            'http_request_max_retries': 0,
            **settings,
        }
        path = folder / 'trove.conf'
        path.write_text('[keystone_authtoken]\n' + ''.join(f'{name} = {value}\n' for name, value in login.items()))
        conf = cfg.ConfigOpts()
        conf(['--config-file', str(path)], project='trove')
        policy.start(conf, policy.BASE_RULES)
        conf.register_opts(auth.CONTEXT_OPTS)
        self.application = Application()
        inner = auth.TenantCheck(auth.ContextFilter(self.application, conf))
        checked = auth_token.AuthProtocol(token_auth.ProjectScope(inner), {'oslo_config_config': conf})
        self._outermost = wsgi.FaultWrapper(token_auth.TokenFaults(checked))

    def send(self, token=None, path=PATH, **headers):
        """Send a request."""
        request = wsgi.Request.blank(path)
        request.headers.update({name.replace('_', '-'): value for name, value in headers.items()})
        if token is not None:
            request.headers['X-Auth-Token'] = token
        self.application.environ = {}
        return request.get_response(self._outermost)


@pytest.fixture
def double():
    made = identity_double.IdentityDouble()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def make_pipeline(tmp_path, double):
    return lambda **settings: Pipeline(tmp_path, double, **settings)


@pytest.fixture
def pipeline(make_pipeline):
    return make_pipeline()


def assert_refused(pipeline, response):
    assert response.status_int == 401
    assert response.headers['WWW-Authenticate'] == 'Keystone uri="http://keystone.example.org/v3"'
    assert response.json['unauthorized']['code'] == 401
    assert response.content_type == 'application/json'
    assert pipeline.application.environ == {}


def test_a_token_tells_who_asks(pipeline, double):
    token = double.issue('member', 'reader', project=PROJECT)
    assert pipeline.send(token).json == {'reached': True}
    context = pipeline.application.context
    assert (context.user_id, context.user_name, context.user_domain_id) == ('user-id', 'ann', 'default')
    assert (context.project_id, context.project_name, context.project_domain_id) == ('project-id', 'shop', 'default')
    assert context.roles == ['member', 'reader']
    assert not context.is_admin
    assert context.auth_token == token
    (swift,) = context.service_catalog
    assert (swift['type'], swift['endpoints'][0]['publicURL']) == (
        'object-store',
        'http://swift/canary-of-a-catalogue',
    )


def test_the_role_admin_makes_an_administrator(pipeline, double):
    pipeline.send(double.issue('admin', 'member', 'reader', project=PROJECT))
    assert pipeline.application.context.is_admin


def test_neither_token_nor_catalogue_travel_or_are_logged(pipeline, double):
    pipeline.send(double.issue('member', project=PROJECT))
    context = pipeline.application.context
    for shown in (serializer.ContextSerializer().serialize_context(context), context.get_logging_values()):
        assert 'canary' not in json.dumps(shown)


@pytest.mark.parametrize('token', [None, '', 'nonsense', 'gAAAAAB' + 'x' * 200, 'ü'])
def test_without_a_good_token_nobody_passes(pipeline, token):
    assert_refused(pipeline, pipeline.send(token))


def test_an_expired_token_is_refused(pipeline, double):
    assert_refused(pipeline, pipeline.send(double.issue('member', project=PROJECT, seconds=-10)))


def test_a_revoked_token_is_good_for_as_long_as_it_is_remembered(make_pipeline, double):
    remembering, forgetful = make_pipeline(), make_pipeline(token_cache_time=-1)
    token = double.issue('member', project=PROJECT)
    assert remembering.send(token).status_int == forgetful.send(token).status_int == 200
    double.issued.clear()
    assert remembering.send(token).status_int == 200
    assert_refused(forgetful, forgetful.send(token))


def test_a_remembered_token_asks_keystone_nothing(pipeline, double):
    token = double.issue('member', project=PROJECT)
    pipeline.send(token)
    before = len(double.requests)
    for _time in range(5):
        assert pipeline.send(token).status_int == 200
    assert len(double.requests) == before


@pytest.mark.parametrize(
    ('scope', 'told'),
    [({}, 'without scope'), ({'domain': identity_double.DOMAIN}, 'of a domain'), ({'system': {'all': True}}, 'system')],
)
def test_a_token_of_no_project_is_forbidden(pipeline, double, scope, told):
    response = pipeline.send(double.issue('admin', **scope))
    assert response.status_int == 403
    assert told in response.json['forbidden']['message']
    assert pipeline.application.environ == {}


def test_a_token_of_another_project_is_forbidden(pipeline, double):
    response = pipeline.send(double.issue('admin', project=PROJECT), '/another-id/instances')
    assert (response.status_int, response.json['title']) == (403, 'Forbidden')
    assert pipeline.application.environ == {}


FORGED = {
    **{key.removeprefix('HTTP_').replace('_', '-'): 'forged' for key in auth.IDENTITY_HEADERS},
    'X-Roles': 'admin',
    'X-Project-Id': 'project-id',
    'X-Identity-Status': 'Confirmed',
    'X-Service-Identity-Status': 'Confirmed',
    'OpenStack-System-Scope': 'all',
}
del FORGED['X-AUTH-TOKEN'], FORGED['X-STORAGE-TOKEN'], FORGED['X-SERVICE-TOKEN']


def test_identity_from_outside_never_survives(pipeline, double):
    assert_refused(pipeline, pipeline.send(None, **FORGED))
    assert pipeline.send(double.issue('reader', project=PROJECT), **FORGED).status_int == 200
    context = pipeline.application.context
    assert (context.roles, context.is_admin, context.system_scope) == (['reader'], False, None)
    known = {key: value for key, value in vars(context).items() if value == 'forged'}
    assert known == {}
    read = {key for key, value in pipeline.application.environ.items() if value == 'forged'}
    # Nobody reads these.
    assert read <= {'HTTP_X_SERVICE_TENANT_ID', 'HTTP_X_SERVICE_TENANT_NAME'}


def test_a_service_may_use_a_token_that_has_just_expired(pipeline, double):
    expired, good = (double.issue('member', project=PROJECT, seconds=seconds) for seconds in (-10, 3600))
    service = double.issue('service', project=PROJECT)
    assert pipeline.send(expired, X_Service_Token=service).status_int == 200
    assert pipeline.send(good, X_Service_Token=service).status_int == 200
    for bad in ('nonsense', double.issue('member', project=PROJECT)):
        assert_refused(pipeline, pipeline.send(good, X_Service_Token=bad))
    assert_refused(pipeline, pipeline.send(expired))


def test_when_keystone_fails_nobody_is_called_unauthorized(pipeline, double):
    token = double.issue('member', project=PROJECT)
    double.plan(*[500] * 8)
    response = pipeline.send(token)
    assert (response.status_int, list(response.json)) == (503, ['serviceUnavailable'])
    double.stop()
    assert pipeline.send(token).status_int == 503
    double.start()


LOADED = """
import json, sys
from oslo_config import cfg
from paste import deploy
from trove.common.rpc import transport
cfg.CONF(['--config-file', sys.argv[1]], project='trove')
transport.start(cfg.CONF)
deploy.loadapp(f'config:{sys.argv[2]}', name='trove')
print(json.dumps(list(sys.modules)))
"""


def test_without_keystone_nothing_of_it_is_loaded(tmp_path):
    conf = api_fixture.write_configuration(tmp_path, f'sqlite:///{tmp_path}/trove.sqlite')
    command = [sys.executable, '-c', LOADED, str(conf), str(api_fixture.PASTE_FILE)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    loaded = {name.partition('.')[0] for name in json.loads(answer.stdout)}
    assert loaded & {'keystonemiddleware', 'keystoneauth1', 'openstack', 'memcache'} == set()
