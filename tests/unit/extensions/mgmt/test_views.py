"""What administrators see of an instance."""

import datetime
from typing import Any

from trove.common import context, states, wsgi
from trove.db import models as records
from trove.extensions.mgmt import views
from trove.instance import models

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)


def request() -> wsgi.Request:
    req = wsgi.Request.blank('/v1.0/p1/mgmt/instances', base_url='http://api:8779')
    req.environ[wsgi.CONTEXT_KEY] = context.TroveContext(project_id='p1', is_admin=True)
    return req


def instance(usage: dict[str, Any] | None = None, **values: Any) -> models.Instance:
    columns: dict[str, Any] = dict.fromkeys(records.Instance.__annotations__)
    columns.update(
        id='i1',
        name='db',
        project_id='p2',
        flavor_id='7',
        volume_size=4,
        volume_id='v1',
        task_code=states.Tasks.NONE.code,
        server_status='ACTIVE',
        server_id='s1',
        server_host='compute7',
        addresses=[],
        access={},
        created=MOMENT,
        updated=MOMENT,
        is_deleted=False,
    )
    columns.update(values)
    service = records.ServiceStatus(description='healthy', volume=usage, updated=MOMENT)
    return models.Instance(records.Instance(**columns), service, None, 'mariadb', 'mariadb', '10', '10.11')


def test_the_server_is_that_of_our_records() -> None:
    addresses = [
        {'address': '10.0.0.9', 'type': 'private', 'network': 'n'},
        {'address': '203.0.113.9', 'type': 'public', 'network': 'n'},
        {'address': 'fd00::9', 'type': 'private', 'network': 'm'},
    ]
    view = views.instance_detail(request(), instance(addresses=addresses), states.HEALTHY, None)
    assert view['server'] == {
        'id': 's1',
        'name': 'db',
        'status': 'ACTIVE',
        'tenant_id': 'p2',
        'host': 'compute7',
        'deleted': False,
        'deleted_at': None,
        'addresses': {
            'n': [
                {'addr': '10.0.0.9', 'version': 4, 'OS-EXT-IPS:type': 'fixed'},
                {'addr': '203.0.113.9', 'version': 4, 'OS-EXT-IPS:type': 'floating'},
            ],
            'm': [{'addr': 'fd00::9', 'version': 6, 'OS-EXT-IPS:type': 'fixed'}],
        },
    }


def test_the_volume_with_what_the_guest_told_of_it() -> None:
    view = views.instance_detail(request(), instance({'used': 0.5, 'total': 3.9}), states.HEALTHY, None)
    assert view['volume'] == {
        'size': 4,
        'used': 0.5,
        'total': 3.9,
        'id': 'v1',
        'attachments': [{'server_id': 's1', 'volume_id': 'v1'}],
        'availability_zone': None,
        'created_at': '2026-01-02T03:04:05',
        'status': 'in-use',
    }


def test_an_instance_that_has_nothing_yet_or_any_more() -> None:
    found = instance(server_id=None, volume_size=None, is_deleted=True, deleted_at=MOMENT)
    view = views.instance_detail(request(), found, states.UNKNOWN, None)
    assert (view['server'], view['volume'], view['deleted_at']) == (None, None, '2026-01-02T03:04:05')
    waiting = views.instance_detail(request(), instance(server_id=None), states.NEW, None)
    assert (waiting['volume']['attachments'], waiting['volume']['status']) == ([], 'available')
