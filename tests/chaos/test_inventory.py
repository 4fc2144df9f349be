"""The inventory: silent about what is well, and it finds each thing that is wrong."""

import dataclasses
import datetime
import json

import pytest

from tests.chaos import ground, guests, inventory, plan
from tests.fixtures import provider_double
from trove.common import states
from trove.db import models
from trove.db import operations as ledger

ID, PROJECT, REQUEST = 'instance', 'project', 'req-1'
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
THINGS = ground.Things(provider_double.PARTS, '1', 1)


def operation(**values):
    fields = dict.fromkeys(models.Operation.__annotations__)
    fields.update(id='create', kind='create_instance', subject_id=ID, state=ledger.DONE, request_id=REQUEST)
    return models.Operation(**{**fields, 'created': MOMENT, **values})


def instance(**values):
    fields = {
        'id': ID,
        'name': 'db',
        'project_id': PROJECT,
        'flavor_id': '1',
        'volume_size': 1,
        'task_code': states.Tasks.NONE.code,
        'server_status': 'ACTIVE',
        'is_deleted': False,
    }
    return models.Instance(**{**fields, **values})


def usages(**values):
    amounts = {'instances': 1, 'ram': 512, 'volumes': 1, **values}
    return [models.QuotaUsage(project_id=PROJECT, resource=name, in_use=count) for name, count in amounts.items()]


def entries(*words):
    return [provider_double.Entry(ID, *pair) for pair in words]


MADE = [('made', part) for part in provider_double.PARTS]
PREPARED = (guests.ENDED, 'create.prepare')
WELL = inventory.Snapshot(
    asks=[inventory.Ask(plan.Request(0, 0, plan.CREATE, 0, 'db'), ID, REQUEST)],
    operations=[operation()],
    instances={ID: instance()},
    usages=usages(),
    things={ID: THINGS},
    journal=entries(*MADE, PREPARED),
    engines={},
)
DELETED = operation(id='delete', kind='delete_instance', request_id='req-2')
DATABASE = inventory.Ask(plan.Request(1, 0, plan.DATABASE, 0, 'shop'), ID, 'req-3')


def kinds_of(**changes):
    return {finding.kind for finding in inventory.examine(dataclasses.replace(WELL, **changes))}


def test_what_is_well_is_not_spoken_of():
    assert inventory.examine(WELL) == []
    gone = {'instances': {ID: instance(is_deleted=True)}, 'usages': [], 'things': {}}
    assert kinds_of(**gone, operations=[operation(), DELETED]) == set()
    again = entries(*MADE, PREPARED, (guests.BEGAN, '-'), PREPARED)
    assert kinds_of(journal=again) == set(), 'a job that was cut off with its agent comes again'
    assert kinds_of(asks=[DATABASE], engines={ID: json.dumps({'databases': ['shop']})}) == set()


@pytest.mark.parametrize(
    ('kind', 'changes'),
    [
        (inventory.LOST, {'operations': [operation(request_id='another')]}),
        (inventory.LOST, {'operations': [operation(state=ledger.RUNNING)]}),
        (inventory.LOST, {'operations': [operation(lease_token='held')]}),
        (inventory.LOST, {'instances': {ID: instance(task_code=states.Tasks.BUILDING.code)}}),
        (inventory.LOST, {'instances': {ID: instance(flavor_id='2')}}),
        (inventory.LOST, {'instances': {ID: instance(server_status='BUILD')}}),
        (inventory.LOST, {'things': {ID: dataclasses.replace(THINGS, name='another')}}),
        (inventory.LOST, {'things': {ID: dataclasses.replace(THINGS, running=0)}}),
        (inventory.LOST, {'journal': entries(*MADE)}),
        (inventory.LOST, {'usages': usages(volumes=0)}),
        (inventory.LOST, {'asks': [DATABASE]}),
        (
            inventory.DUPLICATED,
            {'operations': [operation(), operation(id='twin')], 'journal': entries(*MADE, PREPARED)},
        ),
        (inventory.DUPLICATED, {'journal': entries(*MADE, *MADE, PREPARED)}),
        (inventory.DUPLICATED, {'journal': entries(*MADE, PREPARED, PREPARED)}),
        (inventory.DUPLICATED, {'things': {ID: dataclasses.replace(THINGS, running=2)}}),
        (inventory.ORPHANED, {'operations': [operation(state=ledger.FAILED)]}),
        (inventory.ORPHANED, {'usages': usages(volumes=3)}),
    ],
)
def test_what_is_wrong_is_found(kind, changes):
    assert kind in kinds_of(**changes)


def test_what_is_left_of_a_deleted_instance_is_an_orphan():
    changes = {'operations': [operation(), DELETED], 'instances': {ID: instance(is_deleted=True)}, 'usages': []}
    found = inventory.examine(dataclasses.replace(WELL, **changes))
    assert inventory.counts(found) == {'lost': 0, 'duplicated': 0, 'orphaned': 1}
