"""Workers are stopped past their lease and then go on: nothing that they do is accepted any more."""

import dataclasses
import os
import pathlib
import signal
import time

from tests.durability import conftest, plays, scenarios, worker
from tests.fixtures import provider_double
from trove.db import operations as ledger

TAKE_OVER_SECONDS = 5
"""Seconds after the end of its lease in which an operation must have found another worker."""
STOPS = (worker.BEFORE, worker.UNSETTLED)


def stop_all(world, workers, instances):
    """Stop a worker in the middle of each operation, some at a time; return process to operation id."""
    processes = {}

    def count_moving():
        return sum(not conftest.is_stopped(process) for process in processes)

    for scenario, instance_id in instances.items():
        operation_id = world.operation_id(instance_id)
        doom = dataclasses.replace(scenario.doom(operation_id, instance_id), signal=signal.SIGSTOP)
        processes[workers.start(doom)] = operation_id
        world.until(lambda: count_moving() < conftest.AT_ONCE, what='a stop')
    world.until(lambda: count_moving() == 0, what='every stop')
    return processes


def go_on(world, processes):
    """Let stopped workers go on until each has seen that its lease is lost."""
    for process in processes:
        os.kill(process.pid, signal.SIGCONT)

    def have_all_lost():
        return all(
            pathlib.Path(world.place.folder, f'lost-{operation_id}').exists() for operation_id in processes.values()
        )

    world.until(have_all_lost, what='the loss of every lease')


def check_nothing_was_accepted(world, processes):
    """Stopped workers that go on change nothing in the database, at the provider or in the guests."""
    before, outside, started = world.records(), world.outside.instance_ids(), started_jobs(world)
    go_on(world, processes)
    # Time enough for a guest to do what it was asked for.
    for _ in range(5):
        world.agents.turn()
    assert (world.records(), world.outside.instance_ids(), started_jobs(world)) == (before, outside, started)


def started_jobs(world):
    return [entry for entry in world.outside.journal() if entry.effect == 'started']


def test_killed_worker_is_replaced_soon_after_its_lease(world, workers):
    scenario = scenarios.Scenario(scenarios.CREATE, 'boot_server', worker.UNSETTLED)
    instance_id = plays.ask(world, workers, [scenario])[scenario]
    workers.kill_at([scenario.doom(world.operation_id(instance_id), instance_id)])
    token = world.operations(instance_id)[scenario.kind].lease_token
    with workers.rescue():
        began = time.monotonic()
        world.until(lambda: world.operations(instance_id)[scenario.kind].lease_token != token)
        assert time.monotonic() - began < world.place.lease_seconds + TAKE_OVER_SECONDS
        world.until_idle()
    plays.check_ended(world, instance_id, scenario.kind)


def test_stopped_worker_writes_nothing_after_its_lease(world, workers):
    # All of them are stopped at the same time, and each is a process: few enough for a small machine.
    plan = [
        scenarios.Scenario(kind, step, stop)
        for kind, step, is_new in scenarios.all_steps()
        if is_new
        for stop in (STOPS if kind in (scenarios.CREATE, scenarios.DELETE) else (worker.BEFORE,))
    ]
    instances = plays.ask(world, workers, plan)
    processes = stop_all(world, workers, instances)
    with workers.rescue():
        world.until_idle()
    check_nothing_was_accepted(world, processes)
    for scenario, instance_id in instances.items():
        plays.check_ended(world, instance_id, scenario.kind)


def test_stopped_worker_makes_nothing_for_an_instance_that_was_deleted(world, workers):
    plan = [
        scenarios.Scenario(scenarios.CREATE, step, worker.BEFORE) for step in scenarios.KINDS[scenarios.CREATE].STEPS
    ]
    instances = plays.ask(world, workers, plan)
    processes = stop_all(world, workers, instances)
    for instance_id in instances.values():
        world.tenants.delete(instance_id)
    with workers.rescue():
        world.until_idle()
    check_nothing_was_accepted(world, processes)
    for instance_id in instances.values():
        assert world.operations(instance_id)[scenarios.CREATE].state == ledger.CANCELLED
        world.check_deleted(instance_id)


MAKING = {'make_address': ('address',), 'make_volume': ('volume',), 'boot_server': provider_double.PARTS}
"""Steps of a build that make something, and what they make."""


def test_f2_what_a_stopped_worker_makes_too_late_does_not_stay(world, workers):
    """It stands between its last look at its lease and its request; meanwhile all is deleted."""
    plan = [scenarios.Scenario(scenarios.CREATE, step, worker.LATE) for step in MAKING]
    instances = plays.ask(world, workers, plan)
    processes = stop_all(world, workers, instances)
    for instance_id in instances.values():
        world.tenants.delete(instance_id)
    with workers.rescue():
        world.until_idle()
        for instance_id in instances.values():
            assert world.parts(instance_id) == []
        go_on(world, processes)
        world.until_idle()
    for instance_id in instances.values():
        # It was really made too late, and then found.
        assert world.operations(instance_id)[scenarios.CLEAR].state == ledger.DONE
        assert world.effects(instance_id, 'made')
        world.check_deleted_in_the_end(instance_id)
