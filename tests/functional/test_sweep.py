"""Throws nonsense at every route: whatever is sent, the answer is a fault of the contract and never a 500.

The routes come from the tables that the application itself routes by, so a
new route is swept from its first day.
"""

import copy
import itertools
import json
import re

import pytest
from oslo_config import cfg

from tests.fixtures import api as api_fixture
from trove.common import api as common_api
from trove.common import extensions
from trove.db import get_db_api, models

METHODS = ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'BREW')

NASTY_IDS = (
    'x',
    '%00',
    '%ff%fe',
    '%ED%A0%80',
    '..',
    '.json',
    '%2F',
    '%25',
    '@',
    '@@%25',
    "'%20OR%201=1--",
    '%F0%9F%92%A3',
    'a' * 3000,
    '9' * 400,
    '-1',
    'new',
    'null',
    '%0A',
    api_fixture.IDS['unknown'],
    api_fixture.IDS['unknown'].upper() + '.json',
)

NASTY_BODIES = (
    b'',
    b' ',
    b'{',
    b'null',
    b'true',
    b'3',
    b'"text"',
    b'[]',
    b'{}',
    b'[{}]',
    b'NaN',
    b'{"a": Infinity}',
    b'1e999',
    b'-' + b'9' * 5000,
    b'\xff\xfe{}',
    b'\xef\xbb\xbf{}',
    b'{"a": "\xed\xa0\x80"}',
    b'"\\ud800"',
    b'{"\\u0000": 1}',
    b'[' * 100_000,
    b'{"a":' * 900 + b'1' + b'}' * 900,
    b'{"a": 1, "a": 2}',
    b'a' * 2_000_000,
)

NASTY_VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    -(10**30),
    2**31,
    2**63,
    1e300,
    '',
    ' ',
    'x',
    '\x00',
    'a\x00b',
    '\ud800',
    '\U0001f4a3',
    "a'b;--",
    '%s%n{0}',
    '../../etc/passwd',
    'a\nb',
    'x' * 300,
    'x' * 70_000,
    [],
    [None],
    [[]],
    {},
    {'name': None},
    {'a': {'b': []}},
)

VALID_BODIES = {
    ('POST', '/{tenant_id}/instances'): {
        'instance': {
            'name': 'swept',
            'flavorRef': '1',
            'volume': {'size': 1, 'type': None},
            'datastore': {'type': 'mariadb', 'version': '10.11', 'version_number': '10.11.6'},
            'databases': [{'name': 'first', 'character_set': 'utf8mb4', 'collate': 'utf8mb4_general_ci'}],
            'users': [{'name': 'ann', 'password': 'secret', 'host': '%', 'databases': [{'name': 'first'}]}],
            'nics': [{'net-id': api_fixture.IDS['unknown']}],
            'access': {'is_public': False, 'allowed_cidrs': ['10.0.0.0/8']},
            'availability_zone': 'nova',
            'configuration': None,
            'modules': [],
            'region_name': 'RegionOne',
            'locality': 'affinity',
            'something': {'nobody': ['reads']},
        }
    },
    ('PUT', '/{tenant_id}/instances/{id}'): {'instance': {'name': 'swept'}},
    ('PATCH', '/{tenant_id}/instances/{id}'): {'instance': {'name': 'swept'}},
    ('POST', '/{tenant_id}/instances/{id}/action'): {'restart': {}},
    ('POST', '/{tenant_id}/mgmt/instances/{id}/action'): {'reboot': {}},
    ('POST', '/{tenant_id}/instances/{instance_id}/databases'): {'databases': [{'name': 'ab', 'collate': 'binary'}]},
    ('POST', '/{tenant_id}/instances/{instance_id}/users'): {
        'users': [{'name': 'ann', 'password': 'x', 'host': '%', 'databases': [{'name': 'ab'}]}]
    },
    ('PUT', '/{tenant_id}/instances/{instance_id}/users'): {'users': [{'name': 'ann', 'password': 'y', 'host': '%'}]},
    ('PUT', '/{tenant_id}/instances/{instance_id}/users/{id}'): {'user': {'name': 'bob', 'password': 'x', 'host': '%'}},
    ('PUT', '/{tenant_id}/instances/{instance_id}/users/{user_id}/databases'): {'databases': [{'name': 'ab'}]},
    ('POST', '/{tenant_id}/instances/{instance_id}/root'): {'password': 'secret'},
    ('PUT', '/{tenant_id}/mgmt/quotas/{id}'): {'quotas': {'instances': 100, 'ram': None}},
}
"""A good body for each route that takes one; every value in it is spoilt in turn."""

FURTHER_BODIES = [
    (
        ('PUT', '/{tenant_id}/instances/{id}'),
        {'instance': {'access': {'is_public': True, 'allowed_cidrs': ['10.0.0.0/8']}}},
    ),
    (('POST', '/{tenant_id}/instances/{id}/action'), {'resize': {'flavorRef': '2'}}),
    (('POST', '/{tenant_id}/instances/{id}/action'), {'resize': {'volume': {'size': 2}}}),
    (('POST', '/{tenant_id}/mgmt/instances/{id}/action'), {'stop': {}}),
    (('POST', '/{tenant_id}/mgmt/instances/{id}/action'), {'migrate': {'host': 'one'}}),
    (('POST', '/{tenant_id}/mgmt/instances/{id}/action'), {'reset-task-status': {}}),
    (('POST', '/{tenant_id}/mgmt/instances/{id}/action'), {'rotate-guest-key': {}}),
    (('POST', '/{tenant_id}/mgmt/instances/{id}/action'), {'rebuild': {'image_id': api_fixture.IDS['unknown']}}),
]
"""More good bodies of the same routes, where one cannot show all that they take."""

GOOD_BODIES = [*VALID_BODIES.items(), *FURTHER_BODIES]


def name_of(good):
    """Return how a good body is called in the names of tests."""
    (method, path), body = good
    return f'{method} {path} {"-".join(body)}'


def all_routes():
    """Return ``(method, path)`` of everything that is routed below a project."""
    conf = cfg.CONF
    rooms = common_api.make_mapper(conf).table()
    added = extensions.make_mapper(extensions.load(), conf.expected_filetype_suffixes).table()
    return sorted({(method, path) for method, path, _action in [*rooms, *added]})


def path_of(route, user='demo', **arguments):
    """Return the URL of a route; an argument that is not given is that of the seeded instance."""
    known = {
        'tenant_id': api_fixture.ACCOUNTS[user]['project_id'],
        'id': api_fixture.IDS['instance'],
        'instance_id': api_fixture.IDS['instance'],
        'datastore': 'mariadb',
        'version_id': api_fixture.IDS['mariadb_10'],
        'user_id': 'ann',
    }
    if route.endswith('/users/{id}'):
        known['id'] = 'ann'
    if 'databases/{id}' in route:
        known['id'] = 'ab'
    return '/v1.0' + re.sub(r'\{(\w+)\}', lambda match: {**known, **arguments}[match[1]], route)


def assert_in_contract(response, what):
    """A success, or a fault in one of its two forms."""
    shown = f'{what} answered {response.status}: {response.text[:500]}'
    assert response.status_int < 500 or response.status_int == 501, shown
    if response.status_int < 400 or response.request.method == 'HEAD':
        return
    assert response.content_type == 'application/json', shown
    fault = response.json
    if response.status_int in (403, 415) and 'title' in fault:
        assert set(fault) == {'message', 'code', 'title'}, shown
        return
    assert len(fault) == 1, shown
    detail = next(iter(fault.values()))
    assert detail['code'] == response.status_int, shown
    assert isinstance(detail['message'], str), shown
    assert 'Traceback' not in response.text, shown


def places_in(value, place=()):
    """Yield the way to each value inside a JSON value, the outermost one too."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places_in(part, (*place, key))


def spoilt(value, place, replacement):
    """Return a copy of the value with another one at a place."""
    if not place:
        return replacement
    changed = copy.deepcopy(value)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = replacement
    return changed


@pytest.fixture
def swept(api):
    """The API with a user and a database in its instance."""
    guest = api.guests['instance']
    guest.databases.add('ab')
    guest.users['ann', '%'] = {'password': 'x', 'databases': {'ab'}}
    with get_db_api().transaction() as writer:
        for resource in ('instances', 'volumes'):
            writer.add(models.Quota(project_id=api_fixture.PROJECT, resource=resource, hard_limit=-1))
    return api


def test_every_method_on_every_path(swept):
    for path in sorted({path for _method, path in all_routes()}):
        for method in METHODS:
            response = swept.request(method, path_of(path), 'demo')
            assert_in_contract(response, f'{method} {path}')


def test_strange_ids_on_every_route(swept):
    for method, route in all_routes():
        names = [name for name in re.findall(r'\{(\w+)\}', route) if name != 'tenant_id']
        body = VALID_BODIES.get((method, route))
        for name, nasty in itertools.product(names, NASTY_IDS):
            response = swept.request(method, path_of(route, **{name: nasty}), 'demo', body)
            assert_in_contract(response, f'{method} {route} with {name}={nasty[:40]}')


def test_strange_bodies_on_every_route(swept):
    for (method, route), body in itertools.product(all_routes(), NASTY_BODIES):
        if method in ('POST', 'PUT', 'PATCH'):
            user = 'admin' if '/mgmt/' in route else 'demo'
            response = swept.request(method, path_of(route, user), user, body)
            assert_in_contract(response, f'{method} {route} with {body[:40]!r}')
            assert response.status_int != 500


def test_routes_with_a_body_are_known(swept):
    bodies = {route for route in all_routes() if route[0] in ('POST', 'PUT', 'PATCH')}
    assert bodies == set(VALID_BODIES), 'a route that takes a body needs a good one here'


@pytest.mark.parametrize('good', GOOD_BODIES, ids=name_of)
def test_good_bodies_are_good(swept, good):
    """Else spoiling their values would show nothing."""
    (method, path), body = good
    user = 'admin' if '/mgmt/' in path else 'demo'
    response = swept.request(method, path_of(path, user), user, body)
    assert response.status_int in (200, 202) or 'exists already' in response.text, response.text


@pytest.mark.parametrize('good', GOOD_BODIES, ids=name_of)
def test_every_value_of_a_body_spoilt(swept, good):
    (method, path), valid = good
    user = 'admin' if '/mgmt/' in path else 'demo'
    url = path_of(path, user)
    for place, nasty in itertools.product(list(places_in(valid)), NASTY_VALUES):
        body = spoilt(valid, place, nasty)
        response = swept.request(method, url, user, json.dumps(body).encode())
        assert_in_contract(response, f'{method} {path} with {place} = {str(nasty)[:40]!r}')


def test_fields_of_later_features_spoilt(swept):
    valid = VALID_BODIES['POST', '/{tenant_id}/instances']
    fields = ('replica_of', 'replica_count', 'restorePoint', 'configuration', 'modules', 'locality', 'slave_of')
    for field, nasty in itertools.product(fields, (*NASTY_VALUES, {'backupRef': api_fixture.IDS['unknown']})):
        body = spoilt(valid, ('instance', field), nasty)
        response = swept.request('POST', path_of('/{tenant_id}/instances'), 'demo', body)
        assert_in_contract(response, f'POST instances with {field} = {str(nasty)[:40]!r}')


def test_strange_queries_on_every_list(swept):
    values = ('', '%00', '%ff', '%ED%A0%80', '%25', '-1', '+1', '0', '1e3', '%C2%B2', '9' * 400, 'x', "'--", '%0A')
    queries = [f'{name}={value}' for name in ('limit', 'marker') for value in values]
    queries += ['limit', 'limit=1&limit=2', '&&&', '=', '%', 'include_clustered=maybe', 'a=' + 'b' * 9000]
    # A guest double answers in 50 ms, so only lists that are paged get all of them.
    few = ['a=%00', 'a=%ff', '%', 'limit=x']
    for method, route in all_routes():
        if method == 'GET':
            is_paged = route.endswith(('/instances', '/detail', '/instances/{instance_id}/databases', '}/users'))
            for query in queries if is_paged else few:
                response = swept.request('GET', f'{path_of(route)}?{query}', 'demo')
                assert_in_contract(response, f'GET {route}?{query[:40]}')


def test_strange_content_types(swept):
    for (method, path), body in VALID_BODIES.items():
        for content_type in ('text/plain', 'application/xml', '', ';', 'application/json; charset=utf-16', '\xff'):
            response = swept.request(method, path_of(path), 'demo', body, {'Content-Type': content_type})
            assert_in_contract(response, f'{method} {path} as {content_type!r}')


def test_nothing_of_another_project_is_reached(swept):
    """What belongs to another project does not exist."""
    for method, route in all_routes():
        if '/instances/{' not in route or '/mgmt/' in route:
            continue
        key = 'instance_id' if '{instance_id}' in route else 'id'
        path = path_of(route, **{key: api_fixture.IDS['foreign']})
        response = swept.request(method, path, 'demo', VALID_BODIES.get((method, route)))
        assert response.status_int == 404, f'{method} {route} answered {response.status}'
        assert list(response.json) == ['itemNotFound']


def test_nothing_is_answered_without_credentials(swept):
    for method, route in all_routes():
        assert swept.request(method, path_of(route), None).status_int == 401


def test_reads_are_cheap(swept):
    for method, route in all_routes():
        if method == 'GET':
            swept.request(method, path_of(route), 'demo')
            assert swept.count_selects() <= 3, f'GET {route} sent {swept.statements}'
