"""A worker of the bare ledger: runs scripted operations whose effects are lines in files."""

import dataclasses
import os
import pathlib
import random
import signal
import time

from tests.fixtures import databases
from trove.common import clock as trove_clock
from trove.common import processes
from trove.db import get_db_api, operations

HOST = 'durability'
LEASE_SECONDS = 3.0
STEPS = ('make_server', 'await_server', 'prepare', 'announce')


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the workers of a test meet: the control database, and the folder of effects."""

    url: str
    folder: pathlib.Path


def find_or_make(place, ledger, claim):
    """Write the step's name into the operation's file unless it is there.

    Only the lease keeps two workers from writing it both; it is asked for right before, as by every step.
    """
    path = place.folder / claim.id
    with open(path, 'a+', encoding='ascii') as stream:
        stream.seek(0)
        if claim.step not in stream.read().split():
            time.sleep(random.uniform(0, 0.004))
            ledger.check(claim)
            stream.write(f'{claim.step}\n')


def settlement_of(claim):
    """Return how the script goes on after a step; one of them has to wait a moment first."""
    memo = {**claim.memo, claim.step: claim.memo.get(claim.step, 0) + 1}
    if claim.step == 'await_server' and memo[claim.step] == 1:
        return operations.Settlement(claim.step, memo, wait_seconds=0.05)
    if claim.step == STEPS[-1]:
        return operations.Settlement(claim.step, memo, state=operations.DONE)
    return operations.Settlement(STEPS[STEPS.index(claim.step) + 1], memo)


def carry_out(place, ledger, operation_id):
    """Run an operation until it waits or ends, or somebody took over."""
    claim = ledger.claim(operation_id)
    while claim is not None:
        try:
            find_or_make(place, ledger, claim)
            time.sleep(random.uniform(0, 0.004))
            claim = ledger.settle(claim, settlement_of(claim))
        except operations.LeaseLost:
            claim = None


def main(place, does_release):
    """Work until killed; give back what dead workers held if told so, otherwise wait for their leases to run out."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    databases.connect(place.url)
    ledger = operations.Ledger(trove_clock.Clock(), processes.own_name(HOST), LEASE_SECONDS)
    if does_release:
        ledger.release(lambda name: processes.is_dead(name, HOST))
    while os.getppid() != 1:
        ids, _ = ledger.due()
        for operation_id in random.sample(ids, len(ids)):
            carry_out(place, ledger, operation_id)
        time.sleep(0.02)


def submit(place, count):
    """Write operations into the ledger; return their ids."""
    clock = trove_clock.Clock()

    def work(session):
        return [
            operations.submit(session, operations.Submission('script', f'subject-{number}', STEPS[0], 600.0), clock).id
            for number in range(count)
        ]

    return get_db_api().run(work)
