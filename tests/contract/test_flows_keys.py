"""The rotation of a guest's key, step by step, and the repair of accounts."""

import pytest

from tests.contract import test_flows
from tests.fixtures import guest_bus
from trove.broker import base as broker
from trove.common import sealing
from trove.db import get_db_api, models
from trove.instance import guest_accounts
from trove.instance.flows import delete, rotate_key
from trove.taskmanager.operation import Done, Next, Retry, Wait

stage = test_flows.stage


def rotating(stage):
    stage.build()
    stage.world.tenants.rotate_key(stage.instance_id)
    return stage.claim(rotate_key.RotateGuestKey)


def keys_of(stage):
    return stage.tools.keys.keys(stage.instance_id)


def test_key_is_rotated_from_the_first_step_to_the_last(stage):
    running = rotating(stage)
    (old,) = keys_of(stage)
    assert running.make_next_key() == Next('hand_over_key')
    # A repetition makes no other one.
    first = keys_of(stage)[1].id
    assert running.make_next_key() == Next('hand_over_key')
    assert [key.id for key in keys_of(stage)] == [old.id, first]
    assert running.hand_over_key() == Wait(stage.conf.guest_job_repeat_seconds)
    (job_id, request) = stage.guest.casts[-1]
    assert job_id == running.job_id('rekey')
    assert request['number'] == 2
    assert sealing.Key.decode(request['key'], stage.instance_id).id == first
    stage.end_job(running, 'rekey')
    assert running.hand_over_key() == Next('change_password')
    assert running.change_password() == Next('finish')
    assert running.finish() == Done()
    stage.world.check_key(stage.instance_id, 2)
    assert keys_of(stage)[0].id == first


def test_broker_that_is_away_makes_it_wait(stage):
    running = rotating(stage)
    running.make_next_key()
    stage.tools.broker.error = broker.BrokerBusy('so far away')
    with pytest.raises(Retry, match='so far away'):
        running.change_password()


def test_failed_rotation_keeps_both_keys_for_the_next_one(stage):
    running = rotating(stage)
    running.make_next_key()
    before = [key.id for key in keys_of(stage)]
    assert running.failed('no answer') == Done()
    assert 'Rotate it again' in stage.record.fault_message
    assert running.make_next_key() == Next('hand_over_key')
    assert [key.id for key in keys_of(stage)] == before


def test_key_that_was_rotated_meanwhile_is_made_anew(stage):
    running = rotating(stage)
    assert running.hand_over_key() == Next('make_next_key')


# -- repair ----------------------------------------------------------------------------


@pytest.fixture
def repair(stage):
    return guest_accounts.Repair(stage.tools.broker, stage.tools.keys)


def test_lost_account_is_made_again_with_its_password(stage, repair):
    stage.build()
    repair.make_missing()
    assert stage.world.effects(stage.instance_id, 'made')['account'] == 1
    stage.tools.broker.delete(stage.instance_id)
    repair.make_missing()
    stage.world.check_key(stage.instance_id, 1)


def test_account_of_nobody_is_removed(stage, repair):
    stage.build()
    stage.tools.broker.make(broker.account_of(guest_bus.key_of('stranger')))
    repair.remove_strays()
    assert stage.tools.broker.list_instance_ids() == [stage.instance_id]


def test_what_is_being_deleted_gets_no_account(stage, repair):
    stage.build()
    stage.world.tenants.delete(stage.instance_id)
    running = stage.claim(delete.DeleteInstance)
    running.delete_server()
    assert running.delete_account() == Next('delete_volume')
    repair.make_missing()
    assert 'account' not in stage.world.parts(stage.instance_id)


def test_instance_without_a_key_gets_no_account(stage, repair):
    stage.build()
    stage.tools.broker.delete(stage.instance_id)
    with get_db_api().transaction() as session:
        session.delete(session.get(models.GuestKey, stage.instance_id))
    repair.make_missing()
    assert 'account' not in stage.world.parts(stage.instance_id)
