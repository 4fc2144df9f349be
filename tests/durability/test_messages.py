"""The bus loses, repeats and reorders: every operation still ends, and each effect comes once.

No wake-up is ever sent in these worlds; the sweep alone finds the work.
"""

import collections
import time
import uuid

import pytest

from tests.durability import plays, scenarios
from tests.durability import world as durability_world
from tests.fixtures import agents_double, guest_bus
from trove.common import context as trove_context
from trove.conductor import manager as conductor_manager
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.instance.flows import guest_job
from trove.taskmanager import engine, operation
from trove.taskmanager import manager as taskmanager_manager

CONTEXT = trove_context.service_context()


LOST = 3


class LosingAgents(agents_double.Agents):
    """The first reports of each job are lost; somebody has to ask again."""

    def __init__(self, outside):
        super().__init__(outside)
        self._tries = collections.Counter()

    def report(self, instance_id, job_id):
        self._tries[job_id] += 1
        if self._tries[job_id] > LOST:
            super().report(instance_id, job_id)


class TriplingAgents(agents_double.Agents):
    """Every report comes three times."""

    def report(self, instance_id, job_id):
        for _ in range(3):
            super().report(instance_id, job_id)

    def beat(self, instance_id, payload, sent):
        for _ in range(3):
            super().beat(instance_id, payload, sent)


class ReorderingAgents(agents_double.Agents):
    """Heartbeats come after the ends of jobs that were reported later, and the newest of them first."""

    def __init__(self, outside):
        super().__init__(outside)
        self._late = []

    def turn(self):
        super().turn()
        for beat in reversed(self._late):
            super().beat(*beat)
        self._late.clear()

    def beat(self, instance_id, payload, sent):
        self._late.append((instance_id, payload, sent))


def all_kinds():
    return [scenarios.Scenario(kind, found.STEPS[0], None) for kind, found in scenarios.KINDS.items()]


@pytest.mark.parametrize('agents', [LosingAgents, TriplingAgents, ReorderingAgents])
def test_reports_of_guests_may_be_lost_tripled_and_reordered(world, workers, agents):
    world.agents = agents(world.outside)
    instances = plays.ask(world, workers, all_kinds())
    with workers.rescue():
        world.until_idle()
    for scenario, instance_id in instances.items():
        plays.check_ended(world, instance_id, scenario.kind)


# -- wake-ups --------------------------------------------------------------------------


class Count(operation.Operation):
    """Counts its runs."""

    KIND = 'count'
    STEPS = ('begin',)
    runs = []

    def begin(self):
        self.runs.append(self.claim.id)
        time.sleep(0.01)
        return operation.Done()

    def failed(self, reason):
        return operation.Done()


def test_wake_up_that_comes_many_times_starts_nothing_twice(world):
    clock = durability_world.clock()
    tools = operation.Tools(world.conf, ledger.Ledger(clock, 'one', 60.0), clock, *[None] * 7)
    runners = [engine.Engine({Count.KIND: Count}, tools) for _ in range(2)]
    endpoints = [taskmanager_manager.Manager(runner) for runner in runners]
    for runner in runners:
        runner.start()
    ids = []
    for _ in range(20):
        submission = ledger.Submission(Count.KIND, uuid.uuid4().hex, 'begin', 3600.0)
        ids.append(get_db_api().run(lambda session, wanted=submission: ledger.submit(session, wanted, clock).id))
        for endpoint in endpoints * 3:
            endpoint.run_operation(CONTEXT, ids[-1])
    world.until_idle()
    for endpoint in endpoints:
        endpoint.run_operation(CONTEXT, ids[0])
        endpoint.run_operation(CONTEXT, 'unknown')
    for runner in runners:
        runner.stop()
    assert sorted(Count.runs) == sorted(ids)


# -- reports out of their time ---------------------------------------------------------


def test_late_heartbeat_does_not_undo_a_newer_one(world, workers):
    instance_id = world.tenants.create()
    with workers.rescue(count=1):
        world.until_idle()
    conductor = conductor_manager.Manager('nowhere', durability_world.clock(), agents_double.DeafWaker())
    late = {'service_status': 'building', 'volume': None, 'prepared': False}
    conductor.heartbeat(guest_bus.context_of(instance_id), instance_id, late, time.time() - 60)
    with get_db_api().reading() as session:
        record = session.get(models.ServiceStatus, instance_id)
    assert (record.description, record.is_prepared) == ('running', True)


class BusAway:
    """A guest's door while the bus is away."""

    def prepare(self, context, job_id, request):
        raise ConnectionRefusedError('the bus is away')


def test_job_is_cast_again_after_the_bus_was_away(world):
    submission = ledger.Submission('create_instance', uuid.uuid4().hex, 'prepare_datastore', 60.0)
    clock = durability_world.clock()
    book = ledger.Ledger(clock, 'one', 60.0)
    claim = book.claim(get_db_api().run(lambda session: ledger.submit(session, submission, clock).id))
    tools = operation.Tools(world.conf, book, clock, None, None, lambda instance_id: BusAway(), *[None] * 4)
    running = scenarios.KINDS[scenarios.CREATE](claim, tools)
    outcome = guest_job.ask(running, 'prepare', lambda guest, job_id: guest.prepare(running.context, job_id, {}))
    assert outcome == operation.Wait(world.conf.guest_job_repeat_seconds)
    book.settle(claim, ledger.Settlement('prepare_datastore', {}, state=ledger.DONE))
