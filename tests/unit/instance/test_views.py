"""Instances as JSON."""

import dataclasses
import datetime
from typing import Any

import pytest

from trove.common import context, states, wsgi
from trove.db import models as records
from trove.instance import models, views

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)


def request(is_admin: bool = False) -> wsgi.Request:
    req = wsgi.Request.blank('/v1.0/p1/instances', base_url='http://api:8779')
    req.environ[wsgi.CONTEXT_KEY] = context.TroveContext(project_id='p1', is_admin=is_admin)
    return req


def instance(**values: Any) -> models.Instance:
    columns: dict[str, Any] = dict.fromkeys(records.Instance.__annotations__)
    columns.update(
        id='i1',
        name='db',
        project_id='p1',
        flavor_id='7',
        volume_size=4,
        task_code=states.Tasks.NONE.code,
        server_status='ACTIVE',
        server_id='s1',
        volume_id='v1',
        addresses=[],
        access={},
        created=MOMENT,
        updated=MOMENT,
    )
    columns.update(values)
    service = records.ServiceStatus(description='healthy', volume=None, updated=MOMENT)
    return models.Instance(records.Instance(**columns), service, None, 'mariadb', 'mariadb', '10', '10.11')


def test_short() -> None:
    view = views.short(request(), instance(), states.HEALTHY)
    assert view == {
        'id': 'i1',
        'name': 'db',
        'status': 'ACTIVE',
        'operating_status': 'HEALTHY',
        'links': [
            {'rel': 'self', 'href': 'http://api:8779/v1.0/p1/instances/i1'},
            {'rel': 'bookmark', 'href': 'http://api:8779/instances/i1'},
        ],
        'flavor': {
            'id': '7',
            'links': [
                {'rel': 'self', 'href': 'http://api:8779/v1.0/p1/flavors/7'},
                {'rel': 'bookmark', 'href': 'http://api:8779/flavors/7'},
            ],
        },
        'datastore': {'type': 'mariadb', 'version': '10'},
        'region': None,
        'access': {},
        'volume': {'size': 4},
    }


def test_addresses() -> None:
    addresses = [{'address': '127.0.0.9', 'type': 'public', 'network': 'n'}]
    view = views.short(request(), instance(addresses=addresses), states.HEALTHY)
    assert (view['ip'], view['addresses'], view['access']) == (['127.0.0.9'], addresses, {'is_public': True})


def test_a_host_name_stands_for_the_addresses() -> None:
    addresses = [{'address': '127.0.0.9', 'type': 'private', 'network': 'n'}]
    view = views.short(request(), instance(addresses=addresses, hostname='i1.db.example.org'), states.HEALTHY)
    assert view['hostname'] == 'i1.db.example.org'
    assert 'ip' not in view and 'addresses' not in view


def test_locality_is_a_detail() -> None:
    found = instance(locality='affinity')
    assert 'locality' not in views.short(request(), found, states.HEALTHY)
    assert views.detail(request(), found, states.HEALTHY)['locality'] == 'affinity'
    assert 'locality' not in views.detail(request(), instance(), states.HEALTHY)


def test_what_only_an_administrator_sees() -> None:
    fault = {'fault_message': 'no', 'fault_details': 'why', 'fault_created': MOMENT}
    seen = views.detail(request(is_admin=True), instance(**fault), states.HEALTHY)
    hidden = views.detail(request(), instance(**fault), states.HEALTHY)
    assert set(seen) - set(hidden) == {'tenant_id', 'server_id', 'volume_id', 'encrypted_rpc_messaging'}
    assert (seen['server_id'], seen['volume_id']) == ('s1', 'v1')
    assert seen['fault'] == {'message': 'no', 'created': '2026-01-02T03:04:05', 'details': 'why'}
    assert hidden['fault']['details'] is None


def test_an_operation_whose_guest_is_silent_says_so() -> None:
    operation = records.Operation(id='o1', kind='resize_instance', step='stop_database', progress=0, created=MOMENT)
    found = dataclasses.replace(instance(), operation=operation)
    assert 'message' not in views.short(request(), found, states.HEALTHY)['operation']
    assert views.short(request(), found, states.FAILED_TIMEOUT_GUESTAGENT)['operation']['message'] == views.SILENT


def test_an_operation_in_progress() -> None:
    operation = records.Operation(id='o1', kind='create_instance', step='boot_server', progress=25, created=MOMENT)
    view = views.short(request(), dataclasses.replace(instance(), operation=operation), states.NEW)
    assert view['operation'] == {
        'id': 'o1',
        'action': 'create',
        'step': 'boot_server',
        'progress': 25,
        'started': '2026-01-02T03:04:05',
    }


@pytest.mark.parametrize(
    ('usage', 'expected'),
    [
        (None, {'size': 4, 'volume_enforced': False}),
        ({'used': 0.5}, {'size': 4, 'volume_enforced': False, 'used': 0.5}),
        (
            {
                'used': 0.5,
                'total_blocks': 100,
                'free_blocks': 50,
                'avail_blocks': 45,
                'mgr_extra_info': {'wal_size': 1},
            },
            {'size': 4, 'volume_enforced': False, 'used': 0.5, 'used_percent': 52.63, 'wal_size': 1},
        ),
        (
            {'used': 0.0, 'total_blocks': 0, 'free_blocks': 0, 'avail_blocks': 0},
            {'size': 4, 'volume_enforced': False, 'used': 0.0, 'used_percent': 0.0},
        ),
    ],
)
def test_the_volume(usage: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    found = instance(is_volume_enforced=False)
    service = records.ServiceStatus(description='healthy', volume=usage, updated=MOMENT)
    view = views.detail(request(), dataclasses.replace(found, service=service), states.HEALTHY)
    assert view['volume'] == expected


def test_an_instance_without_a_volume_or_a_report() -> None:
    found = dataclasses.replace(instance(volume_size=None, volume_id=None), service=None)
    view = views.detail(request(is_admin=True), found, states.UNKNOWN)
    assert 'volume' not in view and 'service_status_updated' not in view and view['volume_id'] is None
