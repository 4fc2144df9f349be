"""A process that claims and ends operations until none is due; prints the ids that it got.

Arguments: URL of the control database, name of the worker, time of the clock.
"""

import sys

from tests.contract.db import book
from tests.fixtures import databases
from trove.common import clock as trove_clock
from trove.db import operations


def main(url, worker, now):
    databases.connect(url)
    ledger = operations.Ledger(trove_clock.ManualClock(float(now)), worker)
    print('ready', flush=True)
    sys.stdin.readline()
    # A few at a time, so that all processes reach for the same ones.
    while ids := ledger.due(limit=5)[0]:
        for operation_id in ids:
            claim = ledger.claim(operation_id)
            if claim is not None:
                ledger.settle(claim, book.ends())
                print(claim.id, flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
