"""The ledger on each database, with a clock that stands still until a test turns it."""

import pytest

from trove.common import clock as trove_clock
from trove.db import operations


@pytest.fixture
def clock():
    return trove_clock.ManualClock()


@pytest.fixture
def ledger(control_database, clock):
    """A worker's view of the ledger, with leases of 60 s."""
    return operations.Ledger(clock, 'host/one', lease_seconds=60.0)


@pytest.fixture
def rival(control_database, clock):
    """Another worker's view of the same ledger."""
    return operations.Ledger(clock, 'host/two', lease_seconds=60.0)
