"""Workers of the bare ledger are killed at random moments; everything is done in the end, and once."""

import collections
import contextlib
import multiprocessing
import random
import signal
import time

import pytest
import sqlalchemy as sa

from tests.durability import ledger_worker
from trove.db import get_db_api, operations
from trove.db.sqlalchemy import tables

OPERATIONS = 120
WORKERS = 3
KILLS = 40
LIMIT_SECONDS = 300.0

_context = multiprocessing.get_context('forkserver')
_context.set_forkserver_preload(['tests.durability.worker', 'tests.durability.ledger_worker'])


def states():
    """How many operations are in each state."""
    with get_db_api().reading() as session:
        return collections.Counter(session.execute(sa.select(tables.operations.c.state)).scalars())


class Crew:
    """So many workers at work at any time, whatever befalls them."""

    def __init__(self, place):
        self._place = place
        self._processes = []
        self._count = 0

    def fill(self):
        while len(self._processes) < WORKERS:
            self._count += 1
            # Every second one waits for the leases of the dead to run out.
            process = _context.Process(target=ledger_worker.main, args=(self._place, self._count % 2 == 0))
            process.start()
            self._processes.append(process)

    def kill_one(self):
        process = self._processes.pop(random.randrange(len(self._processes)))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    @contextlib.contextmanager
    def at_work(self):
        try:
            self.fill()
            yield self
        finally:
            while self._processes:
                self.kill_one()


@pytest.fixture
def place(control_database, tmp_path):
    return ledger_worker.Place(control_database.url, tmp_path)


@pytest.mark.parametrize('database_server', ['sqlite', 'postgresql'], indirect=True)
def test_killed_workers_leave_each_effect_exactly_once(place):
    ids = ledger_worker.submit(place, OPERATIONS)
    deadline = time.monotonic() + LIMIT_SECONDS
    with Crew(place).at_work() as crew:
        kills = 0
        while states() != {operations.DONE: OPERATIONS}:
            assert time.monotonic() < deadline, states()
            time.sleep(random.uniform(0.02, 0.12))
            if kills < KILLS:
                kills += 1
                crew.kill_one()
                crew.fill()
    effects = {path.name: path.read_text().split() for path in place.folder.iterdir()}
    assert effects == {operation_id: list(ledger_worker.STEPS) for operation_id in ids}
