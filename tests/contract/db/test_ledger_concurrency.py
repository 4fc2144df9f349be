"""Many workers reach for the same rows at the same time, on every database."""

import collections
import concurrent.futures
import random
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from tests.contract.db import book
from trove.db import get_db_api, operations
from trove.db.sqlalchemy import tables

WORKERS = 8

pytestmark = pytest.mark.usefixtures('control_database')


def at_once(function, count=WORKERS):
    """Call a function with 0, 1, … in threads that start together; return the results or errors."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        try:
            return function(number)
        except operations.OperationInProgress as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_threads_claim_each_operation_exactly_once(clock):
    ids = [book.submit(clock, f'subject-{number}') for number in range(30)]

    def claim_all(number):
        ledger = operations.Ledger(clock, f'worker-{number}')
        return [claim for claim in map(ledger.claim, random.sample(ids, len(ids))) if claim is not None]

    claims = [claim for claimed in at_once(claim_all) for claim in claimed]
    assert sorted(claim.id for claim in claims) == sorted(ids)
    assert all(book.read(claim.id).lease_token == claim.lease_token for claim in claims)


def test_expired_leases_are_taken_over_exactly_once(ledger, clock):
    ids = [book.submit(clock, f'subject-{number}') for number in range(15)]
    stale = [ledger.claim(operation_id) for operation_id in ids]
    clock.turn(61.0)

    def take_over(number):
        rival = operations.Ledger(clock, f'worker-{number}')
        return [claim.id for claim in map(rival.claim, random.sample(ids, len(ids))) if claim is not None]

    taken = [operation_id for claimed in at_once(take_over) for operation_id in claimed]
    assert sorted(taken) == sorted(ids)
    for claim in stale:
        with pytest.raises(operations.LeaseLost):
            ledger.settle(claim, book.ends())


def test_processes_claim_each_operation_exactly_once(control_database, clock):
    ids = [book.submit(clock, f'subject-{number}') for number in range(60)]
    command = [sys.executable, '-m', 'tests.contract.db.claiming', control_database.url]
    processes = [
        subprocess.Popen(
            [*command, f'worker-{number}', str(clock.time())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == 'ready\n'
    for process in processes:
        process.stdin.write('go\n')
        process.stdin.flush()
    claimed = collections.Counter()
    for process in processes:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        claimed.update(output.split())
    assert claimed == collections.Counter(ids)


def test_one_of_many_submits_on_a_subject_wins(clock):
    outcomes = at_once(lambda _number: book.submit(clock))
    winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(winners) == 1
    with get_db_api().reading() as session:
        assert session.execute(sa.select(tables.operations.c.id)).scalars().all() == winners


def test_submits_on_many_subjects_do_not_stand_in_each_others_way(clock):
    outcomes = at_once(lambda number: [book.submit(clock, f'{number}-{turn}') for turn in range(5)])
    assert len({operation_id for ids in outcomes for operation_id in ids}) == 5 * WORKERS


def test_one_of_many_deletes_stands_behind_what_runs(ledger, clock):
    first = book.submit(clock)
    claim = ledger.claim(first)

    def replace(_number):
        def change(session):
            operations.cancel(session, 'subject', clock)
            return operations.submit(session, book.submission(kind='delete'), clock).id

        return get_db_api().run(change)

    outcomes = [outcome for outcome in at_once(replace, 4) if isinstance(outcome, str)]
    with get_db_api().reading() as session:
        last = operations.active(session, 'subject')
    assert last.id in outcomes
    assert ledger.due()[0] == []
    ledger.settle(claim, book.ends(operations.CANCELLED))
    # Whoever was cancelled in the queue ends in its turn, and the last one is not.
    ended = []
    while due := ledger.due()[0]:
        assert len(due) == 1
        claim = ledger.claim(due[0])
        ended.append((claim.id, claim.is_cancelled))
        ledger.settle(claim, book.ends())
    assert ended[-1] == (last.id, False)
    assert all(is_cancelled for _, is_cancelled in ended[:-1])
    assert len(ended) == len(outcomes)


def test_wakes_while_steps_are_settled_are_not_lost(ledger, clock):
    """Each wake that comes after a claim makes the operation due again, whatever the settling does meanwhile."""
    operation_id = book.submit(clock)
    for _ in range(10):
        claim = ledger.claim(operation_id)
        clock.turn(1.0)

        def act(number, claim=claim):
            return book.wake(clock) if number else ledger.settle(claim, book.waits(300.0))

        at_once(act, 2)
        assert ledger.due()[0] == [operation_id]


def test_release_beside_busy_workers_harms_nobody(clock):
    ids = [book.submit(clock, f'subject-{number}') for number in range(20)]
    dead = operations.Ledger(clock, 'dead')
    for operation_id in ids[:10]:
        dead.claim(operation_id)

    def act(number):
        ledger = operations.Ledger(clock, f'worker-{number}')
        if number == 0:
            return ledger.release(lambda worker: worker == 'dead')
        for operation_id in ids[10:]:
            claim = ledger.claim(operation_id)
            if claim is not None:
                ledger.settle(claim, book.ends())
        return 0

    assert sum(at_once(act, 4)) == 10
    assert set(dead.due()[0]) == set(ids[:10])
