import base64
import os

import bcrypt
import pytest
from oslo_config import cfg

from trove.common import auth, context, exception, wsgi

DIGEST = bcrypt.hashpw(b'secret', bcrypt.gensalt(4))
ACCOUNT = auth.Account('user-id', 'project-id', ('member', 'admin'))


class Entries:
    """Stands for a file that was read."""

    def __init__(self, **entries):
        self._entries = entries

    def entries(self):
        return self._entries


class Application:
    """Remembers what reaches it."""

    def __init__(self):
        self.environ = None

    def __call__(self, environ, start_response):
        self.environ = environ
        return wsgi.respond({})(environ, start_response)


def basic(text):
    return 'Basic ' + base64.b64encode(text.encode()).decode()


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def basic_auth(application):
    passwords, accounts = Entries(ann=DIGEST, bob=DIGEST), Entries(ann=ACCOUNT)
    return auth.BasicAuth(application, passwords, accounts, auth.Verdicts())


def send(application, path='/p', **headers):
    request = wsgi.Request.blank(path)
    request.environ.update(headers)
    return request.get_response(application)


# -- basic authentication ----------------------------------------------------------------


def test_right_credentials_name_the_caller(basic_auth, application):
    assert send(basic_auth, HTTP_AUTHORIZATION=basic('ann:secret')).status_int == 200
    environ = application.environ
    assert environ['HTTP_X_USER_ID'] == 'user-id'
    assert environ['HTTP_X_PROJECT_ID'] == environ['HTTP_X_TENANT_ID'] == 'project-id'
    assert environ['HTTP_X_ROLES'] == 'member,admin'
    assert 'HTTP_AUTHORIZATION' not in environ


@pytest.mark.parametrize(
    'header',
    [
        '',
        'Basic',
        'Basic !!',
        'Bearer x',
        basic('ann'),
        basic('ann:wrong'),
        basic('ann:' + 'x' * 100),
        basic('ann:\0'),
        basic(':'),
        basic('nobody:secret'),
        basic('bob:secret'),
        'Basic ' + base64.b64encode(b'\xff:x').decode(),
        'Basic \xe9',
    ],
)
def test_anything_else_opens_nothing(basic_auth, application, header):
    response = send(basic_auth, HTTP_AUTHORIZATION=header)
    assert response.status_int == 401
    assert response.headers['WWW-Authenticate'] == 'Basic realm="trove"'
    assert response.json['unauthorized']['code'] == 401
    assert application.environ is None


def test_identity_from_outside_is_dropped(basic_auth, application):
    outside = dict.fromkeys(auth.IDENTITY_HEADERS, 'forged')
    send(basic_auth, HTTP_AUTHORIZATION=basic('ann:secret'), **outside)
    assert 'forged' not in application.environ.values()


def test_a_file_without_users_lets_nobody_in(application):
    empty = auth.BasicAuth(application, Entries(), Entries(), auth.Verdicts())
    assert send(empty, HTTP_AUTHORIZATION=basic('ann:secret')).status_int == 401


# -- verdicts ----------------------------------------------------------------------------


class SlowCheck:
    """Counts how often it is asked."""

    def __init__(self):
        self.count = 0

    def __call__(self, password, digest):
        self.count += 1
        return password == digest


def test_a_verdict_is_found_once():
    check = SlowCheck()
    verdicts = auth.Verdicts(check=check)
    assert [verdicts.fits(b'a', b'a') for _ in range(5)] == [True] * 5
    assert [verdicts.fits(b'b', b'a') for _ in range(5)] == [False] * 5
    assert check.count == 2


def test_another_digest_is_another_verdict():
    verdicts = auth.Verdicts(check=SlowCheck())
    assert verdicts.fits(b'a', b'a')
    assert not verdicts.fits(b'a', b'changed')


def test_only_so_many_verdicts_are_kept():
    check = SlowCheck()
    verdicts = auth.Verdicts(size=2, check=check)
    for password in (b'a', b'b', b'a', b'c', b'a', b'b'):
        verdicts.fits(password, b'a')
    assert check.count == 4


def test_no_password_is_kept():
    verdicts = auth.Verdicts(check=SlowCheck())
    verdicts.fits(b'canary', b'a')
    assert 'canary' not in repr(vars(verdicts))


# -- files -------------------------------------------------------------------------------


def test_reads_passwords():
    text = f'# comment\n\nann:{DIGEST.decode()}\n'
    assert auth.read_passwords(text) == {'ann': DIGEST}


def test_other_digests_are_refused():
    with pytest.raises(exception.ConfigurationError, match="user 'ann'"):
        auth.read_passwords('ann:{SHA}xyz')


def test_reads_accounts():
    text = '{"ann": {"project_id": "p", "user_id": "u", "roles": ["r"]}, "bob": {"project_id": "p", "user_id": "v"}}'
    assert auth.read_accounts(text) == {'ann': auth.Account('u', 'p', ('r',)), 'bob': auth.Account('v', 'p')}


@pytest.mark.parametrize('text', ['', '[]', '{"ann": {}}', '{"ann": 3}', '3'])
def test_bad_accounts(text):
    with pytest.raises(exception.ConfigurationError):
        auth.read_accounts(text)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / 'file'
    path.write_text('one')
    watched = auth.WatchedFile(str(path), lambda text: {'text': text})
    assert watched.entries() == {'text': 'one'}
    path.write_text('other')
    os.utime(path, ns=(1, 1))
    assert watched.entries() == {'text': 'other'}


def test_a_missing_file_is_named(tmp_path):
    watched = auth.WatchedFile(str(tmp_path / 'missing'), auth.read_passwords)
    with pytest.raises(exception.ConfigurationError, match='missing'):
        watched.entries()


# -- tenant and context ------------------------------------------------------------------


def test_the_own_project_passes(application):
    checked = auth.TenantCheck(application)
    caller = {'HTTP_X_USER_ID': 'u', 'HTTP_X_PROJECT_ID': 'p'}
    assert send(checked, '/p/instances', **caller).status_int == 200


@pytest.mark.parametrize('path', ['/q/instances', '/', '//p', '/pp', '/p%00/x'])
def test_another_project_is_refused_flatly(application, path):
    checked = auth.TenantCheck(application)
    response = send(checked, path, HTTP_X_USER_ID='u', HTTP_X_TENANT_ID='p')
    assert response.status_int == 403
    assert response.json['code'] == '403 Forbidden'
    assert application.environ is None


def test_nobody_is_unauthorized(application):
    with pytest.raises(exception.Unauthorized):
        send(auth.TenantCheck(application), '/p', HTTP_X_PROJECT_ID='p')


def test_roles_are_a_list():
    assert auth._roles({'HTTP_X_ROLES': 'a, b,,'}) == ['a', 'b']
    assert auth._roles({'HTTP_X_ROLE': 'a'}) == ['a']
    assert auth._roles({}) == []


# -- pipelines ---------------------------------------------------------------------------


class Loader:
    """A paste loader that builds strings."""

    def get_app(self, name):
        return name

    def get_filter(self, name):
        return lambda inner: f'{name}({inner})'


def test_the_strategy_names_the_pipeline():
    assert auth.pipeline_factory(Loader(), {}, standalone='a b app', other='app') == 'a(b(app))'


def test_an_unknown_strategy_is_told():
    with pytest.raises(exception.ConfigurationError, match='there are: other'):
        auth.pipeline_factory(Loader(), {}, other='app')


def test_the_context_is_told_by_the_headers(application):
    from trove.common import policy

    conf = cfg.ConfigOpts()
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    policy.start(conf, policy.BASE_RULES)
    conf.register_opts(auth.CONTEXT_OPTS)
    conf.set_override('public_endpoint', 'https://db.example.org/')
    filtered = auth.ContextFilter(application, conf)
    headers = {'HTTP_X_USER_ID': 'u', 'HTTP_X_TENANT_ID': 'p', 'HTTP_X_ROLES': 'admin', 'HTTP_X_AUTH_TOKEN': 't'}
    send(filtered, '/p', **headers, **{'openstack.request_id': 'req-1'})
    made = application.environ[wsgi.CONTEXT_KEY]
    assert isinstance(made, context.TroveContext)
    assert (made.user_id, made.project_id, made.auth_token, made.request_id) == ('u', 'p', 't', 'req-1')
    assert made.is_admin
    assert application.environ[wsgi.ENDPOINT_KEY] == 'https://db.example.org'
