"""Workers are killed at every step boundary of every operation; others finish the work, exactly once.

All scenarios of a group are played at the same time, on instances of their own;
each test then looks at one of them.
"""

import pytest

from tests.durability import conftest, plays, scenarios
from trove.common import states
from trove.db import operations as ledger


@pytest.fixture(scope='module')
def played(world):
    """All scenarios on SQLite, played."""
    plan = [*scenarios.at_every_boundary(), *scenarios.while_cleaning_up(), *scenarios.deleted_meanwhile()]
    with conftest.workers_of(world) as workers:
        return plays.play(world, workers, plan)


@pytest.mark.parametrize('scenario', scenarios.at_every_boundary(), ids=str)
def test_killed_worker_is_replaced(world, played, scenario):
    plays.check_ended(world, played[scenario], scenario.kind)


@pytest.mark.parametrize('scenario', scenarios.while_cleaning_up(), ids=str)
def test_killed_worker_is_replaced_in_the_clean_up(world, played, scenario):
    instance_id = played[scenario]
    operation = world.operations(instance_id)[scenario.kind]
    assert operation.state == ledger.FAILED
    assert 'the double fails here' in operation.error
    record = world.instance(instance_id)
    # The server's name is for operators only: that it is an old one is no fault of the instance. Nor is it one
    # of a deleted instance that something was made for it too late.
    is_shown = scenario.kind not in (scenarios.RENAME, scenarios.CLEAR)
    assert ('the double fails here' in (record.fault_message or '')) == is_shown
    if scenario.kind == scenarios.CREATE:
        assert states.TaskStatus.find(record.task_code).is_error
        world.check_nothing_outside(instance_id)
    else:
        plays.check_failed(world, instance_id, scenario.kind, scenario.failing_step)


@pytest.mark.parametrize('scenario', scenarios.deleted_meanwhile(), ids=str)
def test_delete_behind_another_operation_leaves_nothing(world, played, scenario):
    instance_id = played[scenario]
    operations = world.operations(instance_id)
    assert operations[scenario.kind].state in (ledger.CANCELLED, ledger.DONE)
    assert operations[scenarios.DELETE].state == ledger.DONE
    assert operations[scenarios.DELETE].after_id == operations[scenario.kind].id
    world.check_deleted(instance_id)


def test_quota_equals_inventory_and_there_are_no_orphans(world, played):
    held = set(world.outside.instance_ids())
    living = {instance_id for instance_id in played.values() if not world.instance(instance_id).is_deleted}
    # Of what could not be cleared away the operator is told.
    left = {played[scenario] for scenario in scenarios.while_cleaning_up() if scenario.kind == scenarios.CLEAR}
    assert held <= living | left
    for instance_id in played.values():
        # A delete that failed keeps its quota, because somebody has to look at what is left.
        is_held = instance_id in held or scenarios.DELETE in world.operations(instance_id)
        assert bool(world.usage(instance_id)) == (is_held and instance_id in living)
