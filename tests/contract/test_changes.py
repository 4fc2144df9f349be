"""What may be asked of an instance in which state, where the request scripts cannot bring it there."""

import pytest
import sqlalchemy as sa

from tests.contract import test_flows
from tests.durability import world as durability_world
from tests.fixtures import provider_double
from trove.common import exception, states
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables

GB, RAM = durability_world.CHARGE['volumes'], durability_world.CHARGE['ram']

stage = test_flows.stage


@pytest.fixture
def built(stage):
    """A stage with an instance that is built."""
    stage.build()
    return stage


def set_columns(stage, **values):
    table = tables.instances
    get_db_api().run(lambda session: session.execute(sa.update(table).values(**values)) and None)


def set_quota(stage, resource, limit):
    row = models.Quota(project_id=stage.record.project_id, resource=resource, hard_limit=limit)
    get_db_api().run(lambda session: session.add(row))


def add_flavor(**values):
    row = models.Flavor(**{'id': 'f', 'name': 'f', 'ram': 1, 'vcpus': 1, 'disk': 0, 'ephemeral': 0, **values})
    get_db_api().run(lambda session: session.add(row))


def test_larger_flavor_is_refused_beyond_the_quota_and_leaves_nothing(built):
    set_quota(built, 'ram', provider_double.LARGE_FLAVOR.ram - 1)
    with pytest.raises(exception.QuotaExceeded, match='ram'):
        built.world.tenants.resize(built.instance_id)
    assert built.record.task_code == states.Tasks.NONE.code
    assert built.world.usage(built.instance_id) == built.record.quota_charge == durability_world.CHARGE


def test_only_the_difference_is_charged(built):
    set_quota(built, 'ram', provider_double.LARGE_FLAVOR.ram)
    built.world.tenants.resize(built.instance_id)
    assert built.world.usage(built.instance_id)['ram'] == provider_double.LARGE_FLAVOR.ram


def test_larger_volume_is_refused_beyond_the_quota(built):
    set_quota(built, 'volumes', GB)
    with pytest.raises(exception.QuotaExceeded, match='volumes'):
        built.world.tenants.grow(built.instance_id)
    assert built.world.usage(built.instance_id) == durability_world.CHARGE


def test_deleted_in_a_resize_gives_all_of_its_quota_back(built):
    built.world.tenants.resize(built.instance_id)
    built.world.tenants.delete(built.instance_id)
    # The cancelled resize comes to its end first.
    cancelled = built.world.operations(built.instance_id)['resize_instance']
    claim = built.tools.ledger.claim(cancelled.id)
    built.tools.ledger.settle(claim, ledger.Settlement(claim.step, {}, state=ledger.CANCELLED))
    deletion = built.claim(test_flows.delete.DeleteInstance)
    for step in deletion.STEPS:
        getattr(deletion, step)()
    assert built.world.usage(built.instance_id) == {}


def test_flavor_with_a_disk_is_none_for_data_on_a_volume(built):
    add_flavor(ephemeral=10)
    with pytest.raises(exception.NotImplementedHere, match='on a volume'):
        built.world.tenants.resize(built.instance_id, 'f')


def test_data_on_the_disk_of_a_flavor_keep_such_a_disk(built):
    built.conf.set_override('volume_support', False, durability_world.MANAGER)
    add_flavor(ephemeral=10)
    set_columns(built, flavor_id='f')
    with pytest.raises(exception.BadRequest, match='brings no disk'):
        built.world.tenants.resize(built.instance_id)


def test_without_volumes_any_flavor_will_do(built):
    built.conf.set_override('volume_support', False, durability_world.MANAGER)
    built.world.tenants.resize(built.instance_id)
    assert built.record.task_code == states.Tasks.RESIZING.code


def test_what_is_not_there_does_not_grow_and_is_not_lost(built):
    set_columns(built, volume_size=None)
    with pytest.raises(exception.BadRequest, match='no volume'):
        built.world.tenants.grow(built.instance_id)
    with pytest.raises(exception.BadRequest, match='lose its data'):
        built.world.tenants.rebuild(built.instance_id)


@pytest.mark.parametrize('ask', ['stop', 'migrate', 'resize', 'grow', 'restart'])
def test_server_that_is_off_is_not_worked_on(built, ask):
    set_columns(built, server_status='SHUTOFF')
    with pytest.raises(exception.InstanceNotReady):
        getattr(built.world.tenants, ask)(built.instance_id)


@pytest.mark.parametrize('ask', ['reboot', 'rebuild', 'open'])
def test_server_that_is_off_can_be_brought_back(built, ask):
    set_columns(built, server_status='SHUTOFF')
    getattr(built.world.tenants, ask)(built.instance_id)


@pytest.mark.parametrize('ask', ['stop', 'reboot', 'rebuild', 'open'])
def test_without_a_server_nothing_can_be_done(built, ask):
    set_columns(built, server_status='DELETED')
    with pytest.raises(exception.InstanceNotReady, match='no server'):
        getattr(built.world.tenants, ask)(built.instance_id)


@pytest.mark.parametrize('ask', ['grow', 'open'])
def test_need_of_a_restart_is_kept_by_what_restarts_nothing(built, ask):
    set_columns(built, task_code=states.Tasks.RESTART_REQUIRED.code)
    getattr(built.world.tenants, ask)(built.instance_id)
    kind = {'grow': 'grow_instance', 'open': 'update_access'}[ask]
    assert built.world.operations(built.instance_id)[kind].spec['task_code'] == states.Tasks.RESTART_REQUIRED.code


def test_reset_frees_the_instance_for_another_task(built):
    built.world.tenants.resize(built.instance_id)
    built.world.tenants.reset(built.instance_id)
    assert built.record.task_code == states.Tasks.NONE.code
    built.world.tenants.reboot(built.instance_id)


def test_same_name_needs_no_operation(built):
    built.world.tenants.rename(built.instance_id, 'name')
    assert set(built.world.operations(built.instance_id)) == {'create_instance'}


@pytest.mark.parametrize('ask', ['restart', 'resize', 'reboot', 'migrate', 'rebuild'])
def test_service_that_needs_a_restart_is_listened_to_again(built, ask):
    service = sa.update(tables.service_statuses).values(description=states.RESTART_REQUIRED.description)
    get_db_api().run(lambda session: session.execute(service) and None)
    getattr(built.world.tenants, ask)(built.instance_id)
    built.beat('healthy', True)
    with get_db_api().reading() as session:
        assert session.get(models.ServiceStatus, built.instance_id).description == states.HEALTHY.description
