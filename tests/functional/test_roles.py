"""What a role may do: a reader reads everything and changes nothing, whatever routes there are."""

import re

import pytest
import sqlalchemy as sa

from tests.fixtures import api as api_fixture
from tests.functional import test_sweep
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables
from trove.extensions.mgmt import schema as mgmt_schema
from trove.instance import schema

ACTIONS = {
    'restart': [{}],
    'reset_status': [{}, {'force_delete': True}],
    'resize': [{'flavorRef': '2'}, {'volume': {'size': 2}}],
    'promote_to_replica_source': [{}],
    'eject_replica_source': [{}],
}
"""Values for every action of an instance, so that each of the rules behind it is asked."""

MGMT_ACTIONS = {
    'stop': [{}],
    'reboot': [{}],
    'migrate': [{}, {'host': 'elsewhere'}],
    'reset-task-status': [{}],
    'rotate-guest-key': [{}],
    'rebuild': [{'image_id': api_fixture.IDS['unknown']}],
}
"""The same for what administrators do with an instance of whatever project."""

CHANGES = ({'name': 'another'}, {'access': {'is_public': False}}, {'configuration': None})
"""What can be changed of an instance, each under the same rule."""


@pytest.fixture
def filled(api):
    """The API with a user and a database in its instance."""
    guest = api.guests['instance']
    guest.databases.add('ab')
    guest.users['ann', '%'] = {'password': 'x', 'databases': {'ab'}}
    return api


def everything(api):
    """Return all that a request could change: the database and what is in the guests."""
    with get_db_api().reading() as session:
        rows = {
            table.name: sorted(map(repr, session.execute(sa.select(table)))) for table in tables.metadata.sorted_tables
        }
    inside = {
        name: (set(guest.databases), repr(guest.users), guest.root_password) for name, guest in api.guests.items()
    }
    return rows, inside


def requests(user):
    """Yield ``(method, route, path, body)`` for every route, and for every body of those that take several."""
    for method, route in test_sweep.all_routes():
        path = test_sweep.path_of(route, user)
        if route.endswith('/instances/{id}/action'):
            actions = MGMT_ACTIONS if '/mgmt/' in route else ACTIONS
            bodies = [{name: value} for name, values in actions.items() for value in values]
        elif method == 'PUT' and route == '/{tenant_id}/instances/{id}':
            bodies = [{'instance': change} for change in CHANGES]
        else:
            bodies = [test_sweep.VALID_BODIES.get((method, route))]
        for body in bodies:
            yield method, route, path, body


def told(response):
    """Return what a response says, without the time at which the next request is welcome: that goes on."""
    return response.status, re.sub('"nextAvailable": "[^"]+"', '', response.text)


def test_every_action_is_tried():
    assert set(ACTIONS) == set(schema.ACTION['properties'])
    assert set(MGMT_ACTIONS) == set(mgmt_schema.INSTANCE_ACTION['properties'])


def test_a_reader_reads_what_a_member_reads(filled):
    before = everything(filled)
    for method, route, path, _body in requests('reader'):
        if method == 'GET':
            as_reader, as_member = (filled.request(method, path, user) for user in ('reader', 'demo'))
            assert told(as_reader) == told(as_member), f'{method} {route}'
            assert ('/mgmt/' in route) == (as_reader.status_int in (401, 403)), route
    assert filled.request('GET', test_sweep.path_of('/{tenant_id}/mgmt/quotas/{tenant_id}'), 'reader').status_int == 200
    assert everything(filled) == before


def test_a_reader_changes_nothing(filled):
    before = everything(filled)
    for method, route, path, body in requests('reader'):
        if method != 'GET':
            response = filled.request(method, path, 'reader', body)
            wanted = {401} if '/mgmt/' in route else {403}
            shown = f'{method} {route} with {body} answered {response.status} {response.text}'
            # What is not there at all yet is told to everybody alike.
            assert response.status_int in wanted or response.status_int == 501, shown
            assert everything(filled) == before, shown


def test_a_member_is_let_in_where_a_reader_is_not(filled):
    """Else the refusals above would say nothing of roles."""
    for method, route, path, body in requests('demo'):
        if method != 'GET' and '/mgmt/' not in route and '/datastores' not in route:
            if body == {'reset_status': {}}:
                continue
            response = filled.request(method, path, 'demo', body)
            assert response.status_int not in (401, 403), f'{method} {route} {body}: {response.text}'


def test_management_is_for_administrators(filled):
    """Who is no administrator gets 401 there, reader or not; only the own quotas are shown."""
    for user in ('reader', 'demo'):
        for method, route, path, body in requests(user):
            if '/mgmt/' in route and not (method == 'GET' and 'quotas' in route):
                response = filled.request(method, path, user, body)
                assert response.status_int == 401, f'{method} {route} answered {response.status}'
                assert list(response.json) == ['unauthorized']


def test_whatever_has_an_id_is_of_a_kind_that_is_known():
    """Of a project (tried with another project's ids by the sweep), of everybody, or for administrators."""
    of_projects, of_all, of_administrators = r'/instances/\{', '/(datastores|flavors|extensions)/', '/mgmt/'
    for method, route in test_sweep.all_routes():
        inner = route.removeprefix('/{tenant_id}')
        if '{' in inner:
            assert re.match(f'{of_projects}|{of_all}|{of_administrators}', inner), f'{method} {route}'


def test_an_instance_of_another_project_is_not_there_for_its_actions(filled):
    before = everything(filled)
    for name, values in ACTIONS.items():
        for value in values:
            path = test_sweep.path_of('/{tenant_id}/instances/{id}/action', id=api_fixture.IDS['foreign'])
            response = filled.request('POST', path, 'demo', {name: value})
            assert response.status_int == 404, f'{name} {value} answered {response.status}'
    with get_db_api().reading() as session:
        assert session.get(models.Instance, api_fixture.IDS['foreign']).project_id == api_fixture.OTHER_PROJECT
    assert everything(filled) == before
