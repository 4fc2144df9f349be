"""Scenarios played all at once, and how their instances must look at the end."""

from tests.durability import scenarios
from tests.durability import world as durability_world
from tests.fixtures import provider_double
from trove.common import states
from trove.db import operations as ledger

ASKS = {
    scenarios.DELETE: lambda tenants, instance_id: tenants.delete(instance_id),
    scenarios.RESTART: lambda tenants, instance_id: tenants.restart(instance_id),
    scenarios.RESIZE: lambda tenants, instance_id: tenants.resize(instance_id),
    scenarios.GROW: lambda tenants, instance_id: tenants.grow(instance_id),
    scenarios.REBOOT: lambda tenants, instance_id: tenants.reboot(instance_id),
    scenarios.STOP: lambda tenants, instance_id: tenants.stop(instance_id),
    scenarios.MIGRATE: lambda tenants, instance_id: tenants.migrate(instance_id),
    scenarios.REBUILD: lambda tenants, instance_id: tenants.rebuild(instance_id),
    scenarios.RENAME: lambda tenants, instance_id: tenants.rename(instance_id),
    scenarios.ACCESS: lambda tenants, instance_id: tenants.open(instance_id),
    scenarios.CLEAR: lambda tenants, instance_id: tenants.clear(instance_id),
    scenarios.ROTATE: lambda tenants, instance_id: tenants.rotate_key(instance_id),
}
"""How an operation on an instance that is built is asked for. An operation that is missing here has no test."""

JOBS = {
    scenarios.RESTART: {'restart'},
    scenarios.RESIZE: {'stop_db', 'start_db'},
    scenarios.MIGRATE: {'stop_db', 'start_db'},
    scenarios.REBOOT: {'stop_db', 'start_db'},
    scenarios.REBUILD: {'stop_db', 'rebuild'},
    scenarios.STOP: {'stop_db'},
    scenarios.ROTATE: {'rekey'},
    scenarios.GROW: {'resize_fs'},
}
"""What its guest does for an operation that succeeds, beside what it did when it was built; each once."""

EFFECTS = {
    scenarios.RESIZE: ('resized', 'confirmed'),
    scenarios.MIGRATE: ('migrated', 'confirmed'),
    scenarios.GROW: ('grown',),
    scenarios.REBOOT: ('rebooted',),
    scenarios.REBUILD: ('rebuilt',),
    scenarios.RENAME: ('renamed',),
    scenarios.ACCESS: ('opened',),
}
"""What happens outside to one thing, for an operation that succeeds."""
REPEATABLE = ('rebooted', 'rebuilt')
"""What may happen again after a kill or a lost answer, because nothing outside tells that it has happened."""


def ask(world, workers, plan):
    """Ask for the operation of each scenario; return scenario to instance id."""
    instances = {scenario: world.tenants.create() for scenario in plan if scenario.kind != scenarios.CREATE}
    if instances:
        with workers.rescue(count=1):
            world.until_idle()
    for scenario, instance_id in instances.items():
        ASKS[scenario.kind](world.tenants, instance_id)
    instances.update({scenario: world.tenants.create() for scenario in plan if scenario.kind == scenarios.CREATE})
    return instances


def play(world, workers, plan):
    """Play all scenarios at once; return scenario to instance id."""
    instances = ask(world, workers, plan)
    workers.kill_at(scenario.doom(world.operation_id(instance), instance) for scenario, instance in instances.items())
    with workers.rescue():
        world.until_idle()
    return instances


def check_ended(world, instance_id, kind, unanswered=1):
    """An operation that was to succeed did, once and completely; so many calls for it may have got no answer."""
    assert world.operations(instance_id)[kind].state == ledger.DONE
    if kind in (scenarios.DELETE, scenarios.CLEAR):
        world.check_deleted(instance_id)
        return
    world.check_built(instance_id)
    assert world.effects(instance_id, 'started') == dict.fromkeys({'prepare'} | JOBS.get(kind, set()), 1)
    for effect in EFFECTS.get(kind, ()):
        (count,) = world.effects(instance_id, effect).values()
        assert count == 1 or (effect in REPEATABLE and count <= 1 + unanswered), effect
    assert world.effects(instance_id, 'reverted') == {}
    check_result(world, instance_id, kind)


def check_result(world, instance_id, kind):
    """What was asked for is so, outside and in our records."""
    record = world.instance(instance_id)
    server = world.place.provider().find_server(instance_id)
    is_resized = kind == scenarios.RESIZE
    assert record.flavor_id == (provider_double.LARGE_FLAVOR if is_resized else provider_double.FLAVOR).id
    assert record.server_host == server.host == provider_double.HOSTS[kind == scenarios.MIGRATE]
    assert record.volume_size == (
        durability_world.SIZE if kind == scenarios.GROW else durability_world.CHARGE['volumes']
    )
    assert record.access == (durability_world.ACCESS if kind == scenarios.ACCESS else {})
    named = world.outside.read(instance_id, 'record.addresses')
    assert named == (provider_double.PUBLIC_ADDRESS if kind == scenarios.ACCESS else provider_double.ADDRESS).address
    if kind == scenarios.RENAME:
        assert record.name == world.outside.read(instance_id, 'server.name') == durability_world.NEW_NAME
    world.check_key(instance_id, 2 if kind == scenarios.ROTATE else 1)
    if kind == scenarios.REBUILD:
        assert world.outside.read(instance_id, 'server.image') == durability_world.IMAGE


def task_after_failure(kind, step):
    """Return the task that a failure in a step leaves, of operations on an instance that is built."""
    if kind == scenarios.DELETE:
        return states.Tasks.DELETING
    if kind == scenarios.ACCESS:
        return states.Tasks.UPDATING_ERROR_ACCESS
    if kind == scenarios.REBUILD and step not in ('find_image', 'make_account', 'stop_database'):
        return states.Tasks.BUILDING_ERROR_SERVER
    return states.Tasks.NONE


def check_failed(world, instance_id, kind, step):
    """An operation on an instance that is built failed: what there is is known, and is charged for."""
    record = world.instance(instance_id)
    assert states.TaskStatus.find(record.task_code) is task_after_failure(kind, step)
    if kind in (scenarios.DELETE, scenarios.CLEAR):
        return
    assert world.parts(instance_id) == list(durability_world.PARTS)
    assert all(count == 1 for count in world.effects(instance_id, 'started').values())
    world.check_quota(instance_id)
    assert world.outside.read(instance_id, 'server.move') == ''
    if kind in (scenarios.RESIZE, scenarios.MIGRATE):
        is_kept = step in ('confirm_move', 'await_confirmed', 'finish')
        server = world.place.provider().find_server(instance_id)
        has_moved = server.flavor_id != provider_double.FLAVOR.id or server.host != provider_double.HOSTS[0]
        assert has_moved == is_kept
        assert record.server_host == server.host
        assert ('start_again' in world.effects(instance_id, 'started')) == (not is_kept)
