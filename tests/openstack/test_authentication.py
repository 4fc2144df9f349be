"""Who may do what in the cloud: tokens of a real Keystone in a real memcached, and what roles and projects allow."""

import time
import uuid

import msgpack
import pytest
import requests
from cryptography import fernet
from oslo_config import cfg

from tests.functional import test_roles, test_sweep
from tests.openstack.fixtures import members, places
from trove.common import api as common_api
from trove.common import cfg as trove_cfg

DAY_SECONDS = 24 * 3600


@pytest.fixture(scope='module')
def place(module_member):
    """An instance that everybody else is to be kept from."""
    with places.serving(module_member, 'mariadb', 'guarded') as made:
        yield made


@pytest.fixture(scope='module')
def routes(trove):
    """All routes of the API, with the deployment's configuration."""
    cfg.CONF(['--config-file', str(trove.main_file)], project='trove')
    trove_cfg.register(cfg.CONF, common_api.OPTS)
    yield test_sweep.all_routes()
    cfg.CONF.reset()


def get(member, **headers):
    """Ask for the list of instances with these headers and no token of the member's own."""
    wanted = {name.replace('_', '-'): value for name, value in headers.items() if value is not None}
    return requests.get(f'{member.endpoint}/instances', headers=wanted, timeout=10)


def new_token(account, scope=None):
    """Log in once more; ``scope`` is what Keystone is told to scope the token to."""
    login = {'name': account.name, 'password': account.password, 'domain': {'id': 'default'}}
    wanted = scope or {'project': {'name': account.project, 'domain': {'id': 'default'}}}
    body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': login}}, 'scope': wanted}}
    answer = requests.post(f'{account.layout.auth_url}/auth/tokens', json=body, timeout=10)
    answer.raise_for_status()
    return answer.headers['X-Subject-Token']


def aged(layout, token):
    """Return a token that ended an hour ago: its end set back, and sealed again with Keystone's own keys."""
    folder = layout.etc / 'keystone' / 'fernet-keys'
    names = sorted(folder.iterdir(), key=lambda path: int(path.name), reverse=True)
    box = fernet.MultiFernet([fernet.Fernet(path.read_text()) for path in names])
    payload = msgpack.unpackb(box.decrypt((token + '=' * (-len(token) % 4)).encode()), raw=True)
    changed = [time.time() - 3600 if isinstance(part, float) else part for part in payload]
    return box.encrypt(msgpack.packb(changed)).decode().rstrip('=')


def assert_refused(cloud, answer):
    assert answer.status_code == 401, answer.text
    assert answer.headers['WWW-Authenticate'] == f'Keystone uri="{cloud.layout.auth_url}"'
    assert answer.json()['unauthorized']['code'] == 401


# -- tokens ------------------------------------------------------------------------------


def test_a_good_token_is_good(member):
    for _time in range(2):
        assert get(member, X_Auth_Token=member.account.token()).status_code == 200


def test_no_token_and_nonsense_are_refused(cloud, member):
    for token in (None, 'nonsense', uuid.uuid4().hex, 'gAAAAAB' + 'x' * 176):
        assert_refused(cloud, get(member, X_Auth_Token=token))


def test_a_forged_token_is_refused(cloud, member):
    token = new_token(member.account)
    forged = token[:60] + ('A' if token[60] != 'A' else 'B') + token[61:]
    assert_refused(cloud, get(member, X_Auth_Token=forged))


def test_an_expired_token_is_refused_but_from_a_service(cloud, member, make_member):
    expired = aged(cloud.layout, new_token(member.account))
    assert_refused(cloud, get(member, X_Auth_Token=expired))
    # That it is good but for its age is shown by a service, which may still use it.
    service = trove_account(cloud)
    assert get(member, X_Auth_Token=expired, X_Service_Token=new_token(service)).status_code == 200
    for other in (member, make_member('reader')):
        assert_refused(cloud, get(member, X_Auth_Token=expired, X_Service_Token=new_token(other.account)))


def test_a_revoked_token_is_refused(cloud, member):
    token = new_token(member.account)
    done = member.account.session.delete(
        f'{cloud.layout.auth_url}/auth/tokens', headers={'X-Subject-Token': token}, authenticated=True
    )
    assert done.status_code == 204
    assert_refused(cloud, get(member, X_Auth_Token=token))


@pytest.mark.parametrize(('scope', 'told'), [('unscoped', 'without scope'), ({'system': {'all': True}}, 'system')])
def test_a_token_of_no_project_is_forbidden(operator, scope, told):
    answer = get(operator, X_Auth_Token=new_token(operator.account, scope))
    assert answer.status_code == 403
    assert told in answer.json()['forbidden']['message']


def test_a_token_of_another_project_is_forbidden(member, operator):
    assert get(member, X_Auth_Token=new_token(operator.account)).status_code == 403


def test_identity_from_outside_never_survives(cloud, member, operator):
    forged = {
        'X_Identity_Status': 'Confirmed',
        'X_User_Id': 'somebody',
        'X_Project_Id': member.project_id,
        'X_Tenant_Id': member.project_id,
        'X_Roles': 'admin',
        'X_Role': 'admin',
        'X_Is_Admin_Project': 'True',
        'OpenStack_System_Scope': 'all',
    }
    assert_refused(cloud, get(member, **forged))
    headers = {name.replace('_', '-'): value for name, value in forged.items()}
    answer = member.send('GET', '/mgmt/instances', headers=headers)
    assert answer.status_code == 401, answer.text
    assert operator.send('GET', '/mgmt/instances').status_code == 200


def trove_account(cloud):
    """Return the account of Trove itself."""
    return type(cloud.admin)(cloud.layout, 'trove', cloud.layout.password, 'service')


# -- roles and projects ------------------------------------------------------------------


def everything_of(place):
    """Return what is shown of an instance, but for what changes by itself."""
    shown = place.show()
    volume = {key: value for key, value in shown.pop('volume').items() if 'used' not in key}
    names = [name for name in shown if 'updated' not in name]
    return volume, {name: shown[name] for name in names}, place.json('db', 'list', place.id)


def requests_for(routes, place, project_id):
    """Yield ``(method, route, path, body)`` for every route, with the instance and what is in it."""
    known = {'tenant_id': project_id, 'id': place.id, 'instance_id': place.id, 'user_id': places.USER}
    known.update(datastore=place.datastore, version_id=place.show()['datastore']['version'])
    for method, route in routes:
        inside = {**known, **({'id': places.USER} if route.endswith('/users/{id}') else {})}
        path = route.format(**inside).removeprefix(f'/{project_id}')
        actions = test_roles.MGMT_ACTIONS if '/mgmt/' in route else test_roles.ACTIONS
        if route.endswith('/instances/{id}/action'):
            bodies = [{name: value} for name, values in actions.items() for value in values]
        else:
            bodies = [test_sweep.VALID_BODIES.get((method, route))]
        yield from ((method, route, path, body) for body in bodies)


def test_another_project_reaches_nothing_of_it(routes, place, member):
    before = everything_of(place)
    assert member.list_instances() == []
    for method, route, path, body in requests_for(routes, place, member.project_id):
        if '/instances/{' in route:
            answer = member.send(method, path, json=body)
            assert answer.status_code == (401 if '/mgmt/' in route else 404), f'{method} {route}: {answer.text}'
    assert everything_of(place) == before


@pytest.fixture
def reader(trove, place):
    """A reader of the project that the instance belongs to; it cannot clean up there, and need not."""
    account = trove.cloud.make_account('reader', project=place.member.account.project)
    yield members.Member(trove, account)
    trove.cloud.delete_account(account)


def test_a_reader_of_the_project_reads_and_no_more(routes, place, reader):
    before = everything_of(place)
    assert [one['id'] for one in reader.list_instances()] == [place.id]
    for method, route, path, body in requests_for(routes, place, reader.project_id):
        answer = reader.send(method, path, json=body)
        shown = f'{method} {route} with {body}: {answer.status_code} {answer.text}'
        if method != 'GET':
            # What is not built yet is told to everybody alike.
            assert answer.status_code in ((401,) if '/mgmt/' in route else (403, 501)), shown
        elif '/mgmt/' not in route:
            assert answer.status_code not in (401, 403), shown
            assert answer.status_code < 500 or answer.status_code == 501, shown
    assert everything_of(place) == before
