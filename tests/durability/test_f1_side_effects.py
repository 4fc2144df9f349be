"""F1: a worker is killed after each single effect that an operation has on the outside world.

Whatever the cloud, the name server, the key store or the guest was made to do, our database does not know of it
then. Another worker takes over, and in the end there is one of each thing, or none. How soon it takes over is
told by ``test_leases.py``.
"""

import pytest

from tests.durability import conftest, plays, scenarios, worker
from trove.db import operations as ledger

OF_GUESTS = ('started',)
"""Effects in the journal that guests have, and no worker."""


def effects_of(world, instance_id):
    """Return what workers made the outside do for an instance."""
    journal = world.outside.journal(instance_id)
    return {(one.effect, one.thing) for one in journal if one.effect not in OF_GUESTS and 'job-' not in one.thing}


def count_effects(world, workers):
    """Carry out each operation undisturbed; return its kind to how many effects it had."""
    instances = {kind: world.tenants.create() for kind in scenarios.KINDS}
    with workers.rescue():
        world.until_idle()
        before = {kind: effects_of(world, one) for kind, one in instances.items()}
        for kind, instance_id in instances.items():
            if kind != scenarios.CREATE:
                plays.ASKS[kind](world.tenants, instance_id)
        world.until_idle()
    after = {kind: effects_of(world, one) for kind, one in instances.items()}
    counts = {kind: len(after[kind] - before[kind]) for kind in instances}
    return {**counts, scenarios.CREATE: len(before[scenarios.CREATE])}


@pytest.fixture(scope='module')
def played(world):
    """Every operation, killed after each of its effects; kind to the instances."""
    with conftest.workers_of(world) as workers:
        counts = count_effects(world, workers)
        plan = [(kind, number) for kind, count in counts.items() for number in range(1, count + 1)]
        instances = {one: world.tenants.create() for one in plan if one[0] != scenarios.CREATE}
        with workers.rescue():
            world.until_idle()
        for (kind, _number), instance_id in instances.items():
            plays.ASKS[kind](world.tenants, instance_id)
        instances.update({one: world.tenants.create() for one in plan if one[0] == scenarios.CREATE})
        dooms = [
            worker.Doom(world.operation_id(instance_id), '', None, after_effects=number)
            for (_kind, number), instance_id in instances.items()
        ]
        workers.kill_at(dooms)
        with workers.rescue():
            world.until_idle()
    return {kind: [instances[one] for one in plan if one[0] == kind] for kind in counts}


@pytest.mark.parametrize('kind', scenarios.KINDS)
def test_f1_killed_after_each_effect_there_is_one_of_each_thing(world, played, kind):
    assert played[kind], 'an operation without any effect'
    for instance_id in played[kind]:
        plays.check_ended(world, instance_id, kind)


def test_f1_nothing_is_left_and_the_quotas_count_what_there_is(world, played):
    killed = [instance_id for instances in played.values() for instance_id in instances]
    deleted = {one for one in killed if not {scenarios.DELETE, scenarios.CLEAR}.isdisjoint(world.operations(one))}
    assert set(world.outside.instance_ids()).isdisjoint(deleted)
    for instance_id in killed:
        operations = world.operations(instance_id).values()
        assert {one.state for one in operations} == {ledger.DONE}
        assert bool(world.usage(instance_id)) == (instance_id not in deleted)
