"""Flows that take a database down: moves, reboots and rebuilds, step by step, and how they go back."""

import pytest

from tests.contract import test_flows
from tests.durability import world as durability_world
from tests.fixtures import provider_double
from trove.common import exception, states
from trove.compute import base as compute
from trove.instance.flows import downtime, migrate, moving, reboot, rebuild, resize, stop
from trove.taskmanager.operation import Done, Fail, Next, Wait

stage = test_flows.stage

POLL = Wait(downtime.SERVER_POLL_SECONDS)
OLD, NEW = provider_double.FLAVOR, provider_double.LARGE_FLAVOR
ACTIVE = states.ServerStatus.ACTIVE


def begin(stage, kind, ask, *arguments):
    """Build the instance, ask for an operation on it and claim that."""
    stage.build()
    getattr(stage.world.tenants, ask)(stage.instance_id, *arguments)
    return stage.claim(kind)


def repeat(stage):
    return Wait(stage.conf.guest_job_repeat_seconds)


def run_to(stage, running, step):
    """Run the steps before one; jobs end and heartbeats come as they should."""
    for name in running.STEPS[: running.STEPS.index(step)]:
        if name == 'stop_database':
            stage.end_job(running, 'stop_db')
        if name == 'start_database':
            stage.end_job(running, 'start_db')
            stage.beat('healthy', True)
        if name == 'rebuild_guest':
            stage.end_job(running, 'rebuild')
            stage.beat('healthy', True)
        assert isinstance(getattr(running, name)(), Next), name
    return running


def fail(stage, running, step, reason='so it was'):
    """Let the operation fail in a step and clean up to its end, with a guest that does what it is told."""
    running.memo['failed_step'] = step
    outcome = running.failed(reason)
    while isinstance(outcome, Wait):
        stage.end_job(running, 'start_again')
        outcome = running.failed(reason)
    assert outcome == Done()


def server_is(stage, status, **values):
    """Let the provider tell of another server than there is."""
    stage.provider.server = compute.Server('s', status, instance_id=stage.instance_id, **values)


def later(running, seconds):
    """Make it seem as if the first run of the step had been so long ago."""
    for name in ('stopping_since', 'undo_until'):
        if name in running.memo:
            running.memo[name] -= seconds


# -- a resize ------------------------------------------------------------------------------


def resizing(stage):
    return begin(stage, resize.ResizeInstance, 'resize')


def test_resize_from_its_first_step_to_its_last(stage):
    running = resizing(stage)
    assert stage.record.task_code == states.Tasks.RESIZING.code
    assert running.stop_database() == repeat(stage)
    run_to(stage, running, 'finish')
    assert stage.record.flavor_id == OLD.id
    assert running.finish() == Done()
    assert (stage.record.flavor_id, stage.record.task_code) == (NEW.id, states.Tasks.NONE.code)
    stage.world.check_quota(stage.instance_id)


def test_database_is_configured_for_the_new_flavor(stage):
    running = run_to(stage, resizing(stage), 'start_database')
    assert running.start_database() == repeat(stage)
    _job_id, with_new = stage.guest.casts[-1]
    running.ask_to_start('start_again', None)
    _job_id, with_old = stage.guest.casts[-1]
    assert with_new['config_contents'] != with_old['config_contents']


def test_beat_from_before_the_start_says_nothing(stage):
    running = run_to(stage, resizing(stage), 'start_database')
    stage.end_job(running, 'start_db')
    assert running.start_database() == Wait(downtime.GUEST_POLL_SECONDS)
    stage.beat('shutdown', True)
    assert running.start_database() == Wait(downtime.GUEST_POLL_SECONDS)
    stage.beat('healthy', True)
    assert running.start_database() == Next('confirm_move')


@pytest.mark.parametrize('status', moving.ON_THE_WAY)
def test_server_on_its_way_is_waited_for(stage, status):
    running = run_to(stage, resizing(stage), 'await_moved')
    server_is(stage, status)
    assert running.await_moved() == POLL


def test_move_that_somebody_confirmed_is_a_move(stage):
    running = run_to(stage, resizing(stage), 'await_moved')
    server_is(stage, ACTIVE, flavor_id=NEW.id)
    assert running.await_moved() == Next('start_database')


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        ({'status': ACTIVE, 'flavor_id': OLD.id}, 'no host has room'),
        ({'status': ACTIVE, 'flavor_id': OLD.id, 'fault': 'No valid host was found'}, 'No valid host was found'),
        ({'status': 'ERROR', 'fault': 'broken'}, 'broken'),
    ],
)
def test_server_that_was_not_moved_fails(stage, values, text):
    running = run_to(stage, resizing(stage), 'await_moved')
    server_is(stage, **values)
    with pytest.raises(Fail, match=text):
        running.await_moved()


def test_resize_to_a_flavor_that_went_away_fails(stage):
    running = run_to(stage, resizing(stage), 'move_server')
    running.claim.spec['flavor_id'] = 'gone'
    with pytest.raises(Fail, match='not offered'):
        running.move_server()


@pytest.mark.parametrize('step', ['move_server', 'await_moved', 'start_database'])
def test_failed_resize_goes_back(stage, step):
    running = run_to(stage, resizing(stage), 'start_database')
    fail(stage, running, step)
    record = stage.record
    assert (record.flavor_id, record.task_code, record.server_status) == (OLD.id, states.Tasks.NONE.code, ACTIVE)
    for part in (step, 'so it was', f'flavor {OLD.id} as before', 'started again', 'choose another'):
        assert part in record.fault_details
    assert stage.world.effects(stage.instance_id, 'reverted') == {'server': 1}
    stage.world.check_quota(stage.instance_id)


def test_cleaned_up_resize_cleans_up_again_alike(stage):
    running = run_to(stage, resizing(stage), 'start_database')
    for _ in range(2):
        fail(stage, running, 'start_database')
        stage.world.check_quota(stage.instance_id)
    assert stage.world.effects(stage.instance_id, 'reverted') == {'server': 1}


@pytest.mark.parametrize('step', moving.KEPT)
def test_resize_whose_database_serves_does_not_go_back(stage, step):
    running = run_to(stage, resizing(stage), 'confirm_move')
    fail(stage, running, step)
    assert stage.world.effects(stage.instance_id, 'reverted') == {}
    assert (stage.record.flavor_id, stage.record.task_code) == (NEW.id, states.Tasks.NONE.code)
    assert 'confirm' in stage.record.fault_details
    stage.world.check_quota(stage.instance_id)


def test_failure_after_the_confirmation_says_what_there_is(stage):
    running = run_to(stage, resizing(stage), 'finish')
    fail(stage, running, 'await_confirmed')
    assert f'has flavor {NEW.id}' in stage.record.fault_details


def test_resize_of_a_silent_guest_changes_nothing(stage):
    running = resizing(stage)
    assert running.stop_database() == repeat(stage)
    later(running, stage.conf.database_stop_time_out)
    with pytest.raises(Fail, match='nothing was changed'):
        running.stop_database()
    assert stage.world.effects(stage.instance_id, 'resized') == {}


def test_resize_of_a_database_that_does_not_stop_changes_nothing(stage):
    running = resizing(stage)
    stage.end_job(running, 'stop_db', 'it hangs')
    with pytest.raises(Fail, match='it hangs'):
        running.stop_database()


def test_silent_guest_is_not_waited_for_without_end(stage):
    running = run_to(stage, resizing(stage), 'await_moved')
    running.memo['failed_step'] = 'await_moved'
    assert running.failed('so') == POLL
    assert running.failed('so') == repeat(stage)
    later(running, stage.conf.revert_time_out + 1)
    assert running.failed('so') == Done()
    assert 'look at the operating status' in stage.record.fault_details


def test_database_that_cannot_be_started_again_is_told_of(stage):
    running = resizing(stage)
    stage.end_job(running, 'start_again', 'no disk')
    fail(stage, running, 'stop_database')
    assert 'no disk' in stage.record.fault_details


@pytest.mark.parametrize('status', ['ERROR', 'SHUTOFF'])
def test_server_that_is_broken_is_the_operators(stage, status):
    running = resizing(stage)
    server_is(stage, status, fault='burnt')
    fail(stage, running, 'await_moved')
    assert (stage.record.server_status, stage.record.task_code) == (status, states.Tasks.NONE.code)
    assert 'burnt' in stage.record.fault_details and 'operator' in stage.record.fault_details


def test_server_that_is_gone_is_told_of(stage):
    running = resizing(stage)
    stage.provider.delete_server(stage.instance_id)
    for step in (running.await_moved, running.await_confirmed):
        with pytest.raises(Fail, match='gone'):
            step()
    fail(stage, running, 'await_moved')
    assert stage.record.server_status == states.ServerStatus.SHUTDOWN
    assert 'gone' in stage.record.fault_details


def test_smaller_flavor_is_paid_for_from_its_end_on(stage):
    running = resizing(stage)
    run_to(stage, running, 'finish').finish()
    test_flows.settle(stage, running)
    stage.world.tenants.resize(stage.instance_id, OLD.id)
    assert stage.world.usage(stage.instance_id)['ram'] == NEW.ram
    running = stage.claim(resize.ResizeInstance)
    run_to(stage, running, 'finish').finish()
    stage.world.check_quota(stage.instance_id)
    assert stage.world.usage(stage.instance_id)['ram'] == OLD.ram


# -- a migration ---------------------------------------------------------------------------


@pytest.mark.parametrize('host', [None, provider_double.HOSTS[1]])
def test_migration_from_its_first_step_to_its_last(stage, host):
    running = begin(stage, migrate.MigrateInstance, 'migrate', host)
    assert stage.record.task_code == states.Tasks.MIGRATING.code
    assert run_to(stage, running, 'finish').finish() == Done()
    assert (stage.record.server_host, stage.record.task_code) == (provider_double.HOSTS[1], states.Tasks.NONE.code)
    assert stage.record.flavor_id == OLD.id


def test_migration_to_where_it_is_is_done(stage):
    running = begin(stage, migrate.MigrateInstance, 'migrate', provider_double.HOSTS[0])
    assert run_to(stage, running, 'finish').finish() == Done()
    assert stage.world.effects(stage.instance_id, 'migrated') == {}


def test_server_that_stays_where_it_is_was_not_migrated(stage):
    running = run_to(stage, begin(stage, migrate.MigrateInstance, 'migrate'), 'await_moved')
    server_is(stage, ACTIVE, host=provider_double.HOSTS[0])
    with pytest.raises(Fail, match='not moved'):
        running.await_moved()


def test_migration_to_nowhere_starts_the_database_again(stage):
    running = run_to(stage, begin(stage, migrate.MigrateInstance, 'migrate', 'nowhere'), 'move_server')
    with pytest.raises(Fail, match='nowhere'):
        running.move_server()
    fail(stage, running, 'move_server', 'there is no host nowhere')
    assert stage.record.server_host == provider_double.HOSTS[0]
    assert 'started again' in stage.record.fault_details


# -- a reboot ------------------------------------------------------------------------------


def rebooting(stage):
    return begin(stage, reboot.RebootInstance, 'reboot')


def test_reboot_from_its_first_step_to_its_last(stage):
    running = rebooting(stage)
    assert run_to(stage, running, 'finish').finish() == Done()
    assert stage.world.effects(stage.instance_id, 'rebooted') == {'server': 1}
    assert stage.record.task_code == states.Tasks.NONE.code


@pytest.mark.parametrize('error', ['it hangs', None])
def test_guest_that_does_not_stop_its_database_is_rebooted_all_the_same(stage, error):
    running = rebooting(stage)
    if error:
        stage.end_job(running, 'stop_db', error)
    else:
        running.stop_database()
        later(running, stage.conf.database_stop_time_out)
    assert running.stop_database() == Next('reboot_server')


def test_server_that_is_off_is_started(stage):
    running = rebooting(stage)
    stage.provider.stop_server(stage.instance_id)
    assert running.reboot_server() == Next('await_server')
    assert stage.world.effects(stage.instance_id, 'rebooted') == {}
    assert running.await_server() == Next('start_database')


def test_server_that_reboots_is_not_rebooted_again(stage):
    running = rebooting(stage)
    server_is(stage, 'REBOOT')
    assert running.reboot_server() == Next('await_server')
    assert running.await_server() == POLL
    assert stage.world.effects(stage.instance_id, 'rebooted') == {}


def test_server_in_error_is_rebooted_the_hard_way(stage):
    running = rebooting(stage)
    server_is(stage, 'ERROR', fault='burnt')
    assert running.reboot_server() == Next('await_server')
    with pytest.raises(Fail, match='burnt'):
        running.await_server()


def test_failed_reboot_starts_the_database(stage):
    running = run_to(stage, rebooting(stage), 'start_database')
    fail(stage, running, 'start_database')
    assert stage.record.task_code == states.Tasks.NONE.code
    assert 'The reboot failed' in stage.record.fault_message


# -- a rebuild -----------------------------------------------------------------------------


def rebuilding(stage):
    return begin(stage, rebuild.RebuildInstance, 'rebuild')


def test_rebuild_from_its_first_step_to_its_last(stage):
    running = rebuilding(stage)
    assert stage.record.task_code == states.Tasks.BUILDING.code
    assert run_to(stage, running, 'finish').finish() == Done()
    assert stage.world.outside.read(stage.instance_id, 'server.image') == durability_world.IMAGE
    assert stage.record.task_code == states.Tasks.NONE.code


def test_guest_is_told_what_to_serve(stage):
    running = run_to(stage, rebuilding(stage), 'rebuild_guest')
    assert running.rebuild_guest() == repeat(stage)
    job_id, request = stage.guest.casts[-1]
    assert job_id == f'{running.claim.id}.rebuild'
    assert request['datastore_version'] == '1' and request['config_contents']


def test_image_that_is_not_there_stops_nothing(stage):
    running = rebuilding(stage)
    stage.provider.image_error = exception.ImageNotFound(image=durability_world.IMAGE)
    with pytest.raises(Fail, match=durability_world.IMAGE):
        running.find_image()
    fail(stage, running, 'find_image')
    assert stage.record.task_code == states.Tasks.NONE.code


def test_server_that_is_rebuilt_is_not_rebuilt_again(stage):
    running = run_to(stage, rebuilding(stage), 'rebuild_server')
    server_is(stage, 'REBUILD')
    assert running.rebuild_server() == Next('await_server')
    assert running.await_server() == POLL
    assert stage.world.effects(stage.instance_id, 'rebuilt') == {}


def test_failed_rebuild_can_be_repeated(stage):
    running = run_to(stage, rebuilding(stage), 'await_server')
    fail(stage, running, 'await_server')
    assert stage.record.task_code == states.Tasks.BUILDING_ERROR_SERVER.code
    assert 'rebuild it again' in stage.record.fault_details
    test_flows.settle(stage, running)
    stage.world.tenants.rebuild(stage.instance_id)
    assert stage.record.task_code == states.Tasks.BUILDING.code


# -- stopping alone ------------------------------------------------------------------------


def test_database_is_stopped(stage):
    running = begin(stage, stop.StopInstance, 'stop')
    assert running.stop_database() == repeat(stage)
    stage.end_job(running, 'stop_db')
    assert running.stop_database() == Next('finish')
    assert running.finish() == Done()
    assert stage.record.task_code == states.Tasks.NONE.code


def test_failed_stop_is_told_of(stage):
    running = begin(stage, stop.StopInstance, 'stop')
    assert running.failed('it hangs') == Done()
    assert (stage.record.task_code, 'it hangs' in stage.record.fault_message) == (states.Tasks.NONE.code, True)
