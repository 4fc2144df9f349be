"""Hundreds of operations are in flight in one worker process, and none of them holds a thread while it waits."""

import threading

import sqlalchemy as sa

from tests.durability import world as durability_world
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.taskmanager import engine, operation

COUNT = 500
WORKERS = 8
LIMIT_SECONDS = 600


class Nap(operation.Operation):
    """Sleeps until it is woken."""

    KIND = 'nap'
    STEPS = ('sleep',)

    def sleep(self):
        if self.memo.get('has_slept'):
            return operation.Done()
        self.memo['has_slept'] = True
        return operation.Wait(3600.0)

    def failed(self, reason):
        return operation.Done()


def submit_all(clock):
    def work(session):
        for number in range(COUNT):
            submission = ledger.Submission('nap', f'subject-{number}', 'sleep', 7200.0)
            ledger.submit(session, submission, clock)

    get_db_api().run(work)


def count(*conditions):
    query = sa.select(sa.func.count()).select_from(tables.operations).where(*conditions)
    with get_db_api().reading() as session:
        return session.execute(query).scalar_one()


def test_waiting_operations_hold_no_thread(world):
    table = tables.operations.c
    clock = durability_world.clock()
    submit_all(clock)
    world.conf.set_override('operation_workers', WORKERS)
    tools = operation.Tools(
        conf=world.conf,
        ledger=ledger.Ledger(clock, 'one', 60.0),
        clock=clock,
        sealer=None,
        provider=None,
        guest=None,
        dns=None,
        keystore=None,
        keys=None,
        broker=None,
    )
    before = set(threading.enumerate())

    def count_new():
        return len(set(threading.enumerate()) - before)

    runner = engine.Engine({'nap': Nap}, tools)
    runner.start()
    try:
        is_in_flight = (table.state == ledger.RUNNING, table.lease_until.is_(None))
        world.until(lambda: count(*is_in_flight) == COUNT, LIMIT_SECONDS, 'all in flight at once')
        # The workers and the sweep, and nobody for those that wait.
        assert count_new() == WORKERS + 1
        get_db_api().run(lambda session: [ledger.wake(session, f'subject-{n}', clock) for n in range(COUNT)])
        world.until(lambda: count(table.state == ledger.DONE) == COUNT, LIMIT_SECONDS, 'all done')
        assert count_new() == WORKERS + 1
    finally:
        runner.stop()
    assert count_new() == 0
