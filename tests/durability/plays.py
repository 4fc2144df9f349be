"""Scenarios played all at once, and how their instances must look at the end."""

from tests.durability import scenarios
from trove.db import operations as ledger

ASKS = {
    scenarios.DELETE: lambda tenants, instance_id: tenants.delete(instance_id),
    scenarios.RESTART: lambda tenants, instance_id: tenants.restart(instance_id),
}
"""How a tenant asks for an operation on an instance that is built. An operation that is missing here has no test."""


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


def check_ended(world, instance_id, kind):
    """An operation that was to succeed did, once and completely."""
    assert world.operations(instance_id)[kind].state == ledger.DONE
    if kind == scenarios.DELETE:
        world.check_deleted(instance_id)
        return
    world.check_built(instance_id)
    started = {'prepare': 1, 'restart': 1} if kind == scenarios.RESTART else {'prepare': 1}
    assert world.effects(instance_id, 'started') == started
