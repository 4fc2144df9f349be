"""A deployment in one process whose clock is turned: the real engine on the real ledger, and nobody waits.

What would be minutes of back-off, deadlines and silence is over as soon as there is nothing to do before.
"""

import time

from tests.durability import worker
from tests.durability import world as durability_world
from tests.fixtures import agents_double, guest_bus, naming_double
from trove.common import clock as trove_clock
from trove.db import guest_keys
from trove.db import operations as ledger
from trove.taskmanager import engine, operation

LEASE_SECONDS = 60.0
SHORTEST_TURN_SECONDS = 1.0
"""Many operations that wait are looked at together."""


def place(url, folder):
    """Return a place where guests are asked as seldom as by default: the time there is long."""
    return durability_world.Place(url, str(folder), options={'guest_job_repeat_seconds': 5.0})


class TickingClock(trove_clock.ManualClock):
    """Two looks at it never tell the same time, as of two heartbeats of the same time one is dropped."""

    def time(self):
        self.turn(0.0001)
        return super().time()


class Turned:
    """A world and its one taskmanager. ``wrap(provider)`` returns the provider that the taskmanager sees."""

    def __init__(self, place, wrap=lambda provider: provider):
        self.clock = TickingClock(time.time())
        self.world = durability_world.World(place, clock=self.clock)
        self._book = ledger.Ledger(self.clock, 'one', LEASE_SECONDS)
        outside = self.world.outside
        tools = operation.Tools(
            conf=self.world.conf,
            ledger=self._book,
            clock=self.clock,
            sealer=place.sealer(),
            provider=wrap(place.provider()),
            guest=lambda instance_id: agents_double.GuestDoor(outside, instance_id),
            dns=naming_double.FolderDns(outside),
            keystore=naming_double.FolderKeyStore(outside),
            keys=guest_keys.Keeper(place.sealer()),
            broker=guest_bus.FolderAccounts(outside),
        )
        self._engine = engine.Engine(worker.KINDS, tools)

    def run(self, seconds):
        """Let time go by as fast as it can; return the seconds until nothing was left to do, at most so many."""
        began = self.clock.time()
        while self.clock.time() - began < seconds:
            ids, moment = self._book.due(limit=1000)
            for operation_id in ids:
                self._engine.run(operation_id)
            self.world.agents.turn()
            if not ids and moment is None:
                break
            if not ids:
                self.clock.turn(max(SHORTEST_TURN_SECONDS, moment - self.clock.time()))
        return self.clock.time() - began
