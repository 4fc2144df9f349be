"""What events say of each kind of operation."""

import pytest

from tests.unit.taskmanager import doubles
from trove.common import context as trove_context
from trove.common import plugs
from trove.db import operations as ledger
from trove.taskmanager import events

BASE = {
    'tenant_id': 'project',
    'client_ip': None,
    'server_ip': None,
    'server_type': 'taskmanager',
    'request_id': 'req-1',
}


class Remembering:
    """Stands for the notifications of a process."""

    server_type = 'taskmanager'

    def __init__(self, has_listeners=True):
        self.has_listeners = has_listeners
        self.told = []

    def emit(self, event_type, payload, priority='info'):
        self.told.append((event_type, payload, priority))


@pytest.mark.parametrize(
    ('kind', 'spec', 'type_', 'said'),
    [
        ('restart_instance', {}, 'instance_restart', {'instance_id': 'subject'}),
        ('reboot_instance', {}, 'instance_reboot', {'instance_id': 'subject'}),
        ('stop_instance', {}, 'instance_stop', {'instance_id': 'subject'}),
        ('delete_instance', {}, 'instance_delete', {'instance_id': 'subject'}),
        (
            'grow_instance',
            {'size': 3, 'old_size': 2},
            'instance_resize_volume',
            {'instance_id': 'subject', 'new_size': 3},
        ),
        (
            'resize_instance',
            {'flavor_id': '2', 'old_flavor_id': '1'},
            'instance_resize_instance',
            {'instance_id': 'subject', 'new_flavor_id': '2'},
        ),
        ('migrate_instance', {'host': 'h-1', 'old_host': 'h-2'}, 'migrate', {'instance_id': 'subject', 'host': 'h-1'}),
        ('rebuild_instance', {'image_id': 'm'}, 'instance_rebuild', {'instance_id': 'subject', 'image_id': 'm'}),
        ('rename_instance', {'instance_id': 'i-1'}, 'instance_rename', {'instance_id': 'i-1'}),
        (
            'update_access',
            {'access': {'is_public': True}, 'task_code': 1},
            'instance_update_access',
            {'instance_id': 'subject', 'access': {'is_public': True}},
        ),
        ('polish_instance', {'secret': 'canary'}, 'polish_instance', {'subject_id': 'subject'}),
    ],
)
def test_payloads(kind, spec, type_, said):
    assert events.event_of(kind).type == type_
    assert events.payload_of(doubles.claim(kind=kind, spec=spec, sealed='canary'), 'taskmanager') == {**BASE, **said}


def test_a_create_says_what_is_made_and_where_the_request_came_from():
    context = trove_context.TroveContext(client_ip='127.0.0.7', server_ip='trove:8779')
    spec = {'name': 'shop', 'flavor_id': '1', 'datastore': 'mariadb', 'users': [{'name': 'clerk'}], 'access': {}}
    memo = events.origin(context, image_id='m', datastore_version='10.11')
    payload = events.payload_of(doubles.claim(kind='create_instance', spec=spec, memo=memo), 'api')
    assert payload['server_type'] == 'api'
    assert (payload['client_ip'], payload['server_ip']) == ('127.0.0.7', 'trove:8779')
    assert (payload['instance_id'], payload['image_id'], payload['datastore_version']) == ('subject', 'm', '10.11')
    required = {'name', 'flavor_id', 'datastore', 'datastore_version', 'image_id', 'availability_zone', 'region_name'}
    assert required <= set(payload)
    assert 'access' not in payload


def test_where_a_request_came_from_does_not_travel():
    context = trove_context.TroveContext(client_ip='127.0.0.7')
    assert trove_context.TroveContext.from_dict(context.to_dict()).client_ip is None


def test_every_operation_of_ours_has_its_event():
    assert set(events.EVENTS) == {
        plug.name for plug in plugs.installed('trove.operations') if plug.package[:6] == 'trove '
    }


@pytest.mark.parametrize(
    ('settlement', 'suffix', 'more', 'priority'),
    [
        (ledger.Settlement('end', {}, state=ledger.DONE), 'end', {}, 'info'),
        (
            ledger.Settlement('failed', {'failed_step': 'boot'}, state=ledger.FAILED, error='no host'),
            'error',
            {'message': 'no host', 'exception': 'FAILED in step boot'},
            'error',
        ),
        (
            ledger.Settlement('boot', {}, state=ledger.CANCELLED),
            'error',
            {'message': 'The operation was cancelled.', 'exception': 'CANCELLED in step boot'},
            'error',
        ),
    ],
)
def test_ends(settlement, suffix, more, priority):
    listener = Remembering()
    events.tell_end(listener, doubles.claim(kind='restart_instance'), settlement, doubles.conf())
    payload = {**BASE, 'instance_id': 'subject', **more}
    assert listener.told == [(f'dbaas.instance_restart.{suffix}', payload, priority)]


def test_what_goes_on_or_has_no_listener_is_not_told():
    for listener, state in ((Remembering(), ledger.RUNNING), (Remembering(has_listeners=False), ledger.DONE)):
        settlement = ledger.Settlement('go_on', {}, state=state)
        events.tell_end(listener, doubles.claim(), settlement, doubles.conf())
        assert listener.told == []
