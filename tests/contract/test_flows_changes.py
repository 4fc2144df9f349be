"""Flows that leave the database running: volumes, accesses and names, step by step."""

import pytest

from tests.contract import test_flows
from tests.durability import world as durability_world
from tests.fixtures import provider_double
from trove.common import exception, states
from trove.instance.flows import access, create, delete, grow, rename
from trove.taskmanager.operation import Done, Fail, Next, Wait

stage = test_flows.stage

GB, MORE = durability_world.CHARGE['volumes'], durability_world.SIZE


def begin(stage, kind, ask, *arguments):
    stage.build()
    getattr(stage.world.tenants, ask)(stage.instance_id, *arguments)
    return stage.claim(kind)


# -- the volume ----------------------------------------------------------------------------


def growing(stage):
    return begin(stage, grow.GrowInstance, 'grow')


def test_volume_grows_from_the_first_step_to_the_last(stage):
    running = growing(stage)
    assert (stage.record.task_code, stage.record.volume_size) == (states.Tasks.RESIZING.code, GB)
    assert stage.world.usage(stage.instance_id)['volumes'] == MORE
    assert running.grow_volume() == Next('grow_file_system')
    assert running.grow_file_system() == Wait(stage.conf.guest_job_repeat_seconds)
    stage.end_job(running, 'resize_fs')
    assert running.grow_file_system() == Next('finish')
    assert running.finish() == Done()
    assert (stage.record.task_code, stage.record.volume_size) == (states.Tasks.NONE.code, MORE)
    stage.world.check_quota(stage.instance_id)


def test_volume_that_is_not_ready_is_waited_for(stage):
    running = growing(stage)
    stage.provider.is_volume_ready = False
    assert running.grow_volume() == Wait(grow.VOLUME_POLL_SECONDS)
    assert stage.record.volume_size == GB
    assert running.failed('so') == Wait(grow.VOLUME_POLL_SECONDS)


def test_volume_that_could_not_grow_is_not_paid_for(stage):
    running = growing(stage)
    for _ in range(2):
        assert running.failed('no room') == Done()
        assert (stage.record.task_code, stage.record.volume_size) == (states.Tasks.NONE.code, GB)
        assert f'{GB} GB as before' in stage.record.fault_message
        stage.world.check_quota(stage.instance_id)


def test_volume_that_grew_without_its_file_system_is_paid_for(stage):
    running = growing(stage)
    running.grow_volume()
    stage.end_job(running, 'resize_fs', 'it is busy')
    with pytest.raises(Fail, match='it is busy'):
        running.grow_file_system()
    assert running.failed('it is busy') == Done()
    assert f'has {MORE} GB' in stage.record.fault_message
    stage.world.check_quota(stage.instance_id)


def test_build_waits_for_its_volume(stage):
    running = stage.reach('make_volume')
    stage.provider.is_volume_ready = False
    assert running.make_volume() == Wait(create.VOLUME_POLL_SECONDS)
    assert stage.record.volume_id is None


# -- the access ----------------------------------------------------------------------------


def opening(stage):
    return begin(stage, access.UpdateAccess, 'open')


def test_access_changes_from_the_first_step_to_the_last(stage):
    running = opening(stage)
    assert (stage.record.task_code, stage.record.access) == (states.Tasks.UPDATING.code, {})
    assert running.change_access() == Next('move_record')
    assert stage.world.outside.read(stage.instance_id, 'address.access') == 'public 10.0.0.0/8'
    assert [one['type'] for one in stage.record.addresses] == ['private', 'public']
    assert running.move_record() == Next('finish')
    named = stage.world.outside.read(stage.instance_id, 'record.addresses')
    assert named == provider_double.PUBLIC_ADDRESS.address
    assert running.finish() == Done()
    assert (stage.record.task_code, stage.record.access) == (states.Tasks.NONE.code, durability_world.ACCESS)


def test_missing_parts_of_an_access_are_closed(stage):
    running = begin(stage, access.UpdateAccess, 'open', {'is_public': True})
    assert running.claim.spec['access'] == {'is_public': True, 'allowed_cidrs': []}


def test_failed_access_is_an_error_until_it_is_asked_for_again(stage):
    running = opening(stage)
    assert running.failed('no address left') == Done()
    assert stage.record.task_code == states.Tasks.UPDATING_ERROR_ACCESS.code
    assert 'no address left' in stage.record.fault_message
    test_flows.settle(stage, running)
    stage.world.tenants.open(stage.instance_id)
    again = stage.claim(access.UpdateAccess)
    assert (again.change_access(), again.move_record()) == (Next('move_record'), Next('finish'))
    assert again.finish() == Done()
    assert (stage.record.task_code, stage.record.fault_message) == (states.Tasks.NONE.code, None)


# -- the name ------------------------------------------------------------------------------


def test_server_gets_the_name(stage):
    running = begin(stage, rename.RenameInstance, 'rename')
    assert running.rename_server() == Done()
    assert stage.world.outside.read(stage.instance_id, 'server.name') == durability_world.NEW_NAME


def test_rename_goes_beside_another_operation(stage):
    stage.build()
    stage.world.tenants.grow(stage.instance_id)
    growing = stage.claim(grow.GrowInstance)
    test_flows.settle(stage, growing, is_done=False)
    stage.world.tenants.rename(stage.instance_id)
    assert stage.record.name == durability_world.NEW_NAME


def test_rename_waits_for_the_server(stage):
    stage.world.tenants.rename(stage.instance_id)
    running = stage.claim(rename.RenameInstance, is_beside=True)
    assert running.rename_server() == Wait(rename.SERVER_POLL_SECONDS)


def test_name_that_changed_meanwhile_is_the_one(stage):
    running = begin(stage, rename.RenameInstance, 'rename')
    stage.provider.on_rename = lambda: stage.world.tenants.rename(stage.instance_id, 'last')
    assert running.rename_server() == Next('rename_server')
    stage.provider.on_rename = None
    assert running.rename_server() == Done()
    assert stage.world.outside.read(stage.instance_id, 'server.name') == 'last'


def test_instance_that_is_gone_needs_no_name(stage):
    running = begin(stage, rename.RenameInstance, 'rename')
    stage.world.tenants.delete(stage.instance_id)
    deletion = stage.claim(delete.DeleteInstance, is_beside=True)
    for step in delete.DeleteInstance.STEPS:
        getattr(deletion, step)()
    assert running.rename_server() == Done()


def test_name_that_cannot_be_given_is_no_fault(stage):
    running = begin(stage, rename.RenameInstance, 'rename')
    assert running.failed('no answer') == Done()
    assert stage.record.fault_message is None


# -- host names and secrets ----------------------------------------------------------------


def test_password_of_root_is_kept(stage):
    running = stage.reach('keep_secrets')
    assert running.keep_secrets() == Next('make_volume')
    kept = running.tools.keystore.fetch(stage.instance_id, create.ROOT_SECRET)
    assert kept and kept == running._secrets()['root']


def test_failing_name_service_fails_the_build(stage):
    running = stage.reach('make_record')
    running.tools.dns.error = exception.ComputeError(reason='no zone')
    with pytest.raises(Fail, match='no zone'):
        running.make_record()
    running.tools.dns.error = None
    running.memo['failed_step'] = 'make_record'
    assert running.failed('no zone') == Done()
    assert stage.record.task_code == states.Tasks.BUILDING_ERROR_DNS.code
    stage.world.check_nothing_outside(stage.instance_id)


def test_deletion_waits_for_names_and_secrets(stage):
    stage.build()
    stage.world.tenants.delete(stage.instance_id)
    running = stage.claim(delete.DeleteInstance)
    running.tools.dns.is_slow = running.tools.keystore.is_slow = True
    assert running.delete_record() == running.forget_secrets() == Wait(delete.POLL_SECONDS)
    assert stage.world.outside.path(stage.instance_id, 'record').exists()
