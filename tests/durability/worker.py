"""A worker process: the real engine on the real ledger with the real flows; it may be doomed at a chosen moment."""

import dataclasses
import logging
import os
import pathlib
import signal
import threading

from oslo_config import cfg
from sqlalchemy import orm

from tests.durability import world
from tests.fixtures import agents_double, guest_bus, naming_double
from trove.common import ending, plugs, processes
from trove.datastore import descriptions
from trove.db import guest_keys
from trove.db import operations as ledger
from trove.db.sqlalchemy import mappers
from trove.taskmanager import engine, operation

OPERATIONS_GROUP = 'trove.operations'
HOST = 'durability'
# Looked up once, in the process that workers are forked from.
KINDS = plugs.load_all(OPERATIONS_GROUP, operation.Operation)
descriptions.find(cfg.ConfigOpts(), world.MANAGER)
mappers.map_records()
orm.configure_mappers()

BEFORE, OUTSIDE, UNSETTLED, SETTLED = 'before', 'outside', 'unsettled', 'settled'
LATE = 'late'
"""In the provider's double, after the last look at the lease and right before something is made."""
BOUNDARIES = (BEFORE, OUTSIDE, UNSETTLED, SETTLED)
"""Before a step; after its first effect on the outside world, which our database does not know of yet; after
all its effects, before it is settled; after it was settled. A step without an outside effect has its outside
moment when it is unsettled."""


@dataclasses.dataclass(frozen=True)
class Doom:
    """What befalls a worker, and when. It works on one operation only."""

    operation_id: str
    step: str
    boundary: str | None
    signal: int = signal.SIGKILL
    failing_step: str | None = None
    """A step of the operation that fails after its effects."""
    deletes: str | None = None
    """An instance whose tenant deletes it just before the step."""
    after_effects: int | None = None
    """Dies after so many effects on the outside world, in whichever step that is."""


class Blow:
    """Strikes the process once, when the doom's moment has come."""

    def __init__(self, doom):
        self._doom = doom
        self._step = None
        self._was_struck = False
        self._effects = 0
        # Held by whoever is inside the database beside the step. A process that is stopped there
        # keeps SQLite's locks, and everybody would have to wait for it.
        self.database = threading.Lock()

    def enter(self, step):
        self._step = step
        self.strike(BEFORE)

    def approach(self):
        self.strike(LATE)

    def effect(self):
        self._effects += 1
        if self._effects == self._doom.after_effects:
            self._fall()
        self.strike(OUTSIDE)

    def strike(self, *boundaries):
        if self._doom.boundary in boundaries and self._step == self._doom.step and not self._was_struck:
            self._fall()

    def _fall(self):
        self._was_struck = True
        with self.database:
            # To this thread, because it is to come no further; to the process the main thread would take it.
            signal.pthread_kill(threading.get_ident(), self._doom.signal)


class DoomedLedger(ledger.Ledger):
    """Sees the doom's operation only."""

    def __init__(self, doom, blow, *arguments):
        super().__init__(*arguments)
        self._doom = doom
        self._blow = blow

    def due(self, limit=100):
        with self._blow.database:
            ids, _ = super().due(limit=10000)
        # The next sweep is soon enough: the moment is one of any operation, and there are hundreds.
        return [operation_id for operation_id in ids if operation_id == self._doom.operation_id], None

    def settle(self, claim, settlement):
        following = super().settle(claim, settlement)
        if settlement.wait_seconds is None:
            self._blow.strike(SETTLED)
        return following


class DoomedEngine(engine.Engine):
    """Tells the blow how far it is; writes down what became of its claim."""

    def __init__(self, kinds, tools, doom, blow, place):
        super().__init__(kinds, tools)
        self._doom = doom
        self._blow = blow
        self._place = place

    def run(self, operation_id):
        try:
            super().run(operation_id)
        except ledger.LeaseLost:
            pathlib.Path(self._place.folder, f'lost-{operation_id}').touch()
            raise

    def step(self, claim):
        if self._doom.deletes and claim.step == self._doom.step:
            world.Tenants(self._place, self._tools.conf).delete(self._doom.deletes)
            self._doom = dataclasses.replace(self._doom, deletes=None)
        self._blow.enter(claim.step)
        settlement = super().step(claim)
        if settlement.wait_seconds is None:
            self._blow.strike(UNSETTLED, OUTSIDE)
        return settlement


def failing(kind, step):
    """Return a kind of operation whose step fails after its effects."""

    def fail(self):
        getattr(kind, step)(self)
        raise operation.Fail('the double fails here')

    return type(kind.__name__, (kind,), {step: fail})


def tools_of(place, conf, book, blow=None):
    """Return what the steps of a process work with."""
    outside = place.outside()
    effect = (lambda: None) if blow is None else blow.effect
    approach = (lambda: None) if blow is None else blow.approach
    return operation.Tools(
        conf=conf,
        ledger=book,
        clock=world.clock(),
        sealer=place.sealer(),
        provider=place.provider(effect, approach),
        guest=lambda instance_id: agents_double.GuestDoor(outside, instance_id, effect),
        dns=naming_double.FolderDns(outside, effect),
        keystore=naming_double.FolderKeyStore(outside, effect),
        keys=guest_keys.Keeper(place.sealer()),
        broker=guest_bus.FolderAccounts(outside, effect),
    )


def build(place, doom, make_tools=tools_of):
    """Return the engine of this process."""
    kinds = KINDS
    name = processes.own_name(HOST)
    if doom is None:
        conf = place.configure(workers=2)
        return engine.Engine(kinds, make_tools(place, conf, ledger.Ledger(world.clock(), name, place.lease_seconds)))
    conf = place.configure(workers=1)
    if doom.failing_step:
        kinds = {kind: failing(found, doom.failing_step) for kind, found in kinds.items() if _has(found, doom)}
    blow = Blow(doom)
    book = DoomedLedger(doom, blow, world.clock(), name, place.lease_seconds)
    return DoomedEngine(kinds, make_tools(place, conf, book, blow), doom, blow, place)


def _has(kind, doom):
    return doom.failing_step in kind.STEPS


def main(place, doom=None, is_ready=None, make_tools=tools_of):
    """Work until SIGTERM, or until doom comes."""
    logging.basicConfig(filename=os.path.join(place.folder, f'worker-{os.getpid()}.log'), level=logging.INFO)
    asked = ending.Ending()
    signal.signal(signal.SIGTERM, asked.set)
    runner = build(place, doom, make_tools)
    runner.start()
    if is_ready is not None:
        is_ready.set()
    asked.wait()
    runner.stop()
