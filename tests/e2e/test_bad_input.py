"""What the API refuses, over real HTTP: the fault of the contract, and nothing left behind."""

import json
import uuid

import pytest

FAULTS = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    413: 'overLimit',
    415: 'badMediaType',
    422: 'unprocessableEntity',
    501: 'notImplemented',
}
GOOD = {'name': 'never', 'flavorRef': '1', 'volume': {'size': 1}, 'datastore': {'type': 'mariadb'}}
USER = {'name': 'anna', 'password': 'anna-Secret-1'}
NOWHERE = str(uuid.uuid4())


def create(**changes):
    """Return a create request that differs from a good one; None takes a field away."""
    wanted = {**GOOD, **changes}
    return ('POST', '/instances', {'instance': {name: value for name, value in wanted.items() if value is not None}})


REQUESTS = {
    'no instance': (400, 'POST', '/instances', {}),
    'a list': (400, 'POST', '/instances', []),
    'a word': (400, 'POST', '/instances', 'instance'),
    'instance is null': (400, 'POST', '/instances', {'instance': None}),
    'instance is a list': (400, 'POST', '/instances', {'instance': [GOOD]}),
    'no name': (400, *create(name=None)),
    'empty name': (400, *create(name='')),
    'name is a number': (400, *create(name=5)),
    'name is too long': (400, *create(name='n' * 256)),
    'name without a letter': (400, *create(name='---')),
    'no flavor': (400, *create(flavorRef=None)),
    'unknown flavor': (400, *create(flavorRef='4711')),
    'flavor is an object': (400, *create(flavorRef={})),
    'no volume': (400, *create(volume=None)),
    'volume is a number': (400, *create(volume=1)),
    'volume of nothing': (400, *create(volume={'size': 0})),
    'volume below nothing': (400, *create(volume={'size': -1})),
    'volume of words': (400, *create(volume={'size': 'big'})),
    'volume too large': (413, *create(volume={'size': 4711})),
    'unknown datastore': (404, *create(datastore={'type': 'paper'})),
    'datastore is a word': (400, *create(datastore='mariadb')),
    'unknown version': (400, *create(datastore={'type': 'mariadb', 'version': '4711'})),
    'unknown version by id': (400, *create(datastore={'type': 'mariadb', 'version': NOWHERE})),
    'reserved database': (400, *create(databases=[{'name': 'mysql'}])),
    'impossible database': (400, *create(databases=[{'name': "x'; DROP TABLE y; --"}])),
    'database twice': (400, *create(databases=[{'name': 'shop'}, {'name': 'shop'}])),
    'databases are words': (400, *create(databases=['shop'])),
    'unknown character set': (400, *create(databases=[{'name': 'shop', 'character_set': 'klingon'}])),
    'reserved user': (400, *create(users=[{**USER, 'name': 'os_admin'}])),
    'root as a user': (400, *create(users=[{**USER, 'name': 'root'}])),
    'user without password': (400, *create(users=[{'name': 'anna'}])),
    'user twice': (400, *create(users=[USER, USER])),
    'user of an unknown database': (400, *create(users=[{**USER, 'databases': [{'name': 'other'}]}])),
    'user from nowhere': (400, *create(users=[{**USER, 'host': 'not a host'}])),
    'password with a quote': (400, *create(users=[{**USER, 'password': "x'y"}])),
    'reserved database of postgresql': (
        400,
        *create(datastore={'type': 'postgresql'}, databases=[{'name': 'postgres'}]),
    ),
    'databases for redis': (422, *create(datastore={'type': 'redis'}, databases=[{'name': 'shop'}])),
    'users for redis': (422, *create(datastore={'type': 'redis'}, users=[USER])),
    'cidr of words': (400, *create(access={'is_public': False, 'allowed_cidrs': ['everywhere']})),
    'show of nothing': (404, 'GET', f'/instances/{NOWHERE}', None),
    'show of a word': (404, 'GET', '/instances/never', None),
    'rename of nothing': (404, 'PUT', f'/instances/{NOWHERE}', {'instance': {'name': 'other'}}),
    'delete of nothing': (404, 'DELETE', f'/instances/{NOWHERE}', None),
    'restart of nothing': (404, 'POST', f'/instances/{NOWHERE}/action', {'restart': {}}),
    'databases of nothing': (404, 'GET', f'/instances/{NOWHERE}/databases', None),
    'root of nothing': (404, 'POST', f'/instances/{NOWHERE}/root', None),
    'limit of words': (400, 'GET', '/instances?limit=many', None),
    'limit below nothing': (400, 'GET', '/instances?limit=-1', None),
    'unknown path': (404, 'GET', '/elephants', None),
    'wrong method': (404, 'PUT', '/instances', {'instance': GOOD}),
    'datastore that is not': (404, 'GET', '/datastores/paper', None),
    'flavor that is not': (404, 'GET', '/flavors/4711', None),
    'quota of somebody else': (403, 'GET', f'/mgmt/quotas/{uuid.uuid4().hex}', None),
    'change of a quota': (401, 'PUT', '/mgmt/quotas/{project}', {'quotas': {'instances': 1000}}),
}


def assert_fault(answer, status):
    """The answer is a fault in the form of the contract, and tells nothing of our insides."""
    assert answer.status_code == status, answer.text
    assert answer.headers['Content-Type'].startswith('application/json')
    (name, fault), *others = answer.json().items()
    assert (name, others) == (FAULTS[status], [])
    assert fault['code'] == status
    assert fault['message']
    assert 'Traceback' not in answer.text


@pytest.fixture(scope='module')
def tenant(shared_stack):
    """A tenant who never gets anything; that is looked at in the end."""
    tenant = shared_stack.tenant('frugal')
    yield tenant
    assert tenant.list_instances() == []
    assert tenant.in_use() == {}
    assert shared_stack.query('SELECT id FROM instances WHERE project_id = ?', tenant.project_id) == []
    assert shared_stack.query('SELECT id FROM operations WHERE project_id = ?', tenant.project_id) == []


@pytest.mark.parametrize('case', REQUESTS)
def test_refused(tenant, case):
    status, method, path, body = REQUESTS[case]
    options = {} if body is None else {'json': body}
    assert_fault(tenant.send(method, path.format(project=tenant.project_id), **options), status)


@pytest.mark.parametrize('text', ['{', '{"instance": {"name": }}', 'name=never', '\x00', '[' * 100_000])
def test_malformed_json(tenant, text):
    answer = tenant.send('POST', '/instances', data=text, headers={'Content-Type': 'application/json'})
    assert_fault(answer, 400)


def test_another_content_type(tenant):
    answer = tenant.send(
        'POST', '/instances', data=json.dumps({'instance': GOOD}), headers={'Content-Type': 'application/xml'}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize('auth', [None, ('frugal', 'wrong'), ('nobody', 'wrong'), ('frugal', ''), ('', '')])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_bad_credentials(tenant, auth, method):
    # An empty function keeps requests from adding credentials.
    options = {'auth': auth or (lambda request: request)}
    if method == 'POST':
        options['json'] = {'instance': GOOD}
    assert_fault(tenant.send(method, '/instances', **options), 401)


def test_the_endpoint_of_another_project(shared_stack, tenant):
    other = shared_stack.tenant('other')
    answer = other.send('GET', '/instances', auth=tenant.auth)
    assert answer.status_code == 403


@pytest.fixture(scope='module')
def foreign_instance(shared_stack):
    owner = shared_stack.tenant('other')
    created = owner.create('private', 'mariadb', users=[USER])
    owner.await_healthy(created['id'])
    yield created['id']
    assert owner.show(created['id'])['name'] == 'private'
    owner.delete(created['id'])
    owner.await_gone(created['id'])


@pytest.mark.parametrize(
    ('method', 'path', 'body'),
    [
        ('GET', '', None),
        ('PUT', '', {'instance': {'name': 'stolen'}}),
        ('DELETE', '', None),
        ('POST', '/action', {'restart': {}}),
        ('POST', '/action', {'reset_status': {}}),
        ('GET', '/databases', None),
        ('POST', '/databases', {'databases': [{'name': 'shop'}]}),
        ('DELETE', '/databases/shop', None),
        ('GET', '/users', None),
        ('POST', '/users', {'users': [USER]}),
        ('GET', '/users/anna', None),
        ('PUT', '/users/anna', {'user': {'password': 'stolen-Secret-1'}}),
        ('DELETE', '/users/anna', None),
        ('GET', '/users/anna/databases', None),
        ('PUT', '/users/anna/databases', {'databases': [{'name': 'shop'}]}),
        ('DELETE', '/users/anna/databases/shop', None),
        ('GET', '/root', None),
        ('POST', '/root', None),
        ('DELETE', '/root', None),
    ],
)
def test_an_instance_of_another_tenant_does_not_exist(tenant, foreign_instance, method, path, body):
    options = {} if body is None else {'json': body}
    assert_fault(tenant.send(method, f'/instances/{foreign_instance}{path}', **options), 404)


@pytest.mark.parametrize(
    'case',
    [
        (400, 'POST', '/databases', {'databases': [{'name': 'information_schema'}]}),
        (400, 'POST', '/databases', {'databases': 'shop'}),
        (400, 'POST', '/databases', {}),
        (400, 'POST', '/users', {'users': [{**USER, 'name': 'os_admin'}]}),
        (400, 'POST', '/users', {'users': [USER]}),
        (400, 'POST', '/users', {'users': [{'name': 'bert'}]}),
        (400, 'PUT', '/users/anna', {'user': {}}),
        (400, 'DELETE', '/users/root', None),
        (404, 'GET', '/users/nobody', None),
        (404, 'DELETE', '/users/nobody', None),
        (404, 'DELETE', '/databases/nothing', None),
        (404, 'DELETE', '/root', None),
        (501, 'GET', '/databases/nothing', None),
        (400, 'POST', '/root', {'password': 5}),
        (400, 'POST', '/action', {}),
        (400, 'POST', '/action', {'explode': {}}),
        (400, 'POST', '/action', {'restart': None}),
        (400, 'POST', '/action', {'restart': {}, 'reset_status': {}}),
        (403, 'POST', '/action', {'reset_status': {}}),
        (400, 'PUT', '', {'instance': {'colour': 'red'}}),
        (400, 'PUT', '', {}),
    ],
)
def test_refused_of_an_own_instance(shared_stack, foreign_instance, case):
    status, method, path, body = case
    options = {} if body is None else {'json': body}
    owner = shared_stack.tenant('other')
    assert_fault(owner.send(method, f'/instances/{foreign_instance}{path}', **options), status)
