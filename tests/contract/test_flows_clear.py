"""What was made too late for an instance that is no more is cleared away, step by step."""

from tests.contract import test_flows
from trove.db import operations as ledger
from trove.instance.flows import clear, delete
from trove.taskmanager.operation import Done, Next, Wait

stage = test_flows.stage


def clearing(stage):
    return stage.claim(clear.ClearInstance, is_beside=True)


def is_cleared(stage):
    return clear.ClearInstance.KIND in stage.world.operations(stage.instance_id)


def run_through(running):
    for step, following in zip(running.STEPS, running.STEPS[1:], strict=False):
        assert getattr(running, step)() == Next(following)
    assert running.finish() == Done()


def test_everything_is_cleared_from_the_first_step_to_the_last(stage):
    stage.build()
    stage.world.tenants.clear(stage.instance_id)
    running = clearing(stage)
    assert running.subject_id == stage.instance_id != running.claim.subject_id
    run_through(running)
    stage.world.check_deleted(stage.instance_id)


def test_late_worker_of_a_deleted_instance_has_it_cleared_after_the_deletion(stage):
    building = stage.reach('await_guest')
    stage.world.tenants.delete(stage.instance_id)
    building.lost()
    running = clearing(stage)
    assert running.judge() == Wait(clear.JUDGE_SECONDS)
    end = ledger.Settlement(building.claim.step, {}, state=ledger.CANCELLED)
    stage.tools.ledger.settle(building.claim, end)
    deleting = stage.claim(delete.DeleteInstance, is_beside=True)
    run_through(deleting)
    test_flows.settle(stage, deleting)
    run_through(running)
    stage.world.check_deleted(stage.instance_id)


def test_late_worker_of_a_living_instance_clears_nothing(stage):
    building = stage.reach('finish')
    building.lost()
    assert not is_cleared(stage), 'somebody goes on with the build'
    assert building.finish() == Done()
    test_flows.settle(stage, building)
    building.lost()
    assert not is_cleared(stage)


def test_instance_that_lives_after_all_is_left_alone(stage):
    building = stage.reach('finish')
    stage.world.tenants.delete(stage.instance_id)
    building.lost()
    test_flows.settle(stage, building)
    deleting = stage.claim(delete.DeleteInstance, is_beside=True)
    assert deleting.failed('no answer') == Done()
    test_flows.settle(stage, deleting)
    assert clearing(stage).judge() == Done()
    assert stage.world.parts(stage.instance_id) == list(test_flows.durability_world.PARTS)


def test_what_cannot_be_cleared_is_told_to_the_operator(stage, caplog):
    stage.build()
    stage.world.tenants.clear(stage.instance_id)
    assert clearing(stage).failed('no answer') == Done()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == 'ERROR']
    assert line == f'What was made too late for instance {stage.instance_id} could not be deleted: no answer'
