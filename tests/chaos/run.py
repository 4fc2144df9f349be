"""Plays a plan in a world: asks, lets things go wrong, waits for the end, and takes stock."""

import collections
import concurrent.futures
import dataclasses
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from tests.chaos import faults, inventory, plan
from tests.chaos import world as chaos_world

CLIENTS = 6
TELL_EVERY = 50
PAUSE_SECONDS = 0.2
"""Between two requests."""
MOST_ACTIVE = 24
"""Operations in flight at which clients take a rest."""
END_SECONDS = 420.0
"""How long all that was accepted may take to end once nothing goes wrong any more."""
SETTLE_SECONDS = 30.0
"""How long the looks at the provider may take to bring records and cloud together."""
PATIENCE_SECONDS = 10.0
"""How long a request waits for the instance that it names to be known."""


@dataclasses.dataclass
class Book:
    """What was asked for and what became of it."""

    accepted: list[inventory.Ask] = dataclasses.field(default_factory=list)
    answers: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    ids: dict[int, str] = dataclasses.field(default_factory=dict)
    troubles: list[str] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def note(self, request: plan.Request, answer: requests.Response) -> None:
        """Write an answer down."""
        with self.lock:
            self.answers[str(answer.status_code)] += 1
            if not answer.ok:
                return
            if request.verb == plan.CREATE:
                self.ids[request.number] = answer.json()['instance']['id']
            if request.verb != plan.READ:
                request_id = answer.headers['x-openstack-request-id']
                self.accepted.append(inventory.Ask(request, self.ids[request.instance], request_id))

    def miss(self, what: str) -> None:
        with self.lock:
            self.answers[what] += 1

    def count(self) -> int:
        with self.lock:
            return len(self.accepted)


def message_of(request: plan.Request, instance_id: str | None) -> tuple[str, str, Any]:
    """Return method, path and body of a request."""
    path = f'/instances/{instance_id}'
    changed = {
        plan.RENAME: {'name': request.value},
        plan.ACCESS: {'access': {'is_public': request.value}},
    }
    actions = {
        plan.RESTART: {'restart': {}},
        plan.RESIZE: {'resize': {'flavorRef': request.value}},
        plan.GROW: {'resize': {'volume': {'size': request.value}}},
    }
    if request.verb == plan.CREATE:
        return 'POST', '/instances', {'instance': {'name': request.value, 'flavorRef': '1', 'volume': {'size': 1}}}
    if request.verb in changed:
        return 'PUT', path, {'instance': changed[request.verb]}
    if request.verb in actions:
        return 'POST', f'{path}/action', actions[request.verb]
    if request.verb == plan.REBOOT:
        return 'POST', f'/mgmt{path}/action', {'reboot': {}}
    if request.verb == plan.DATABASE:
        return 'POST', f'{path}/databases', {'databases': [{'name': request.value}]}
    return {plan.DELETE: 'DELETE', plan.READ: 'GET'}[request.verb], path, None


class Run:
    """One run of so many accepted requests."""

    def __init__(self, world: chaos_world.World, seed: str, operations: int, weights: Mapping[str, int]) -> None:
        self._world = world
        self._seed = seed
        self._operations = operations
        self._weights = weights
        self._busy: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        self._known: dict[int, threading.Event] = collections.defaultdict(threading.Event)
        self._over = threading.Event()
        self._began = time.monotonic()
        self.book = Book()

    # -- asking ------------------------------------------------------------------------------

    def tell(self, what: str) -> None:
        """Say how far it is."""
        print(
            f'{time.monotonic() - self._began:6.1f} s: {self.book.count()} accepted, {what}',
            file=sys.stderr,
            flush=True,
        )

    def play(self) -> None:
        """Ask until so many requests were accepted, with what goes wrong meanwhile; in the end nothing is wrong."""
        troubles = plan.troubles(self._seed, self._weights)
        following = next(troubles)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients, concurrent.futures.ThreadPoolExecutor() as ills:
            for request in plan.requests(self._seed):
                if request.number % TELL_EVERY == 0:
                    self.tell(f'{request.number} asked for')
                if self.book.count() >= self._operations:
                    break
                while self.book.count() >= following.at:
                    ills.submit(self._suffer, following)
                    following = next(troubles)
                self._rest()
                clients.submit(self._ask_safely, request)
            self._over.set()

    def _rest(self) -> None:
        time.sleep(PAUSE_SECONDS)
        for _ in range(50):
            try:
                if self._world.active_count() < MOST_ACTIVE:
                    return
            except Exception:
                # The control database may be away.
                return
            time.sleep(PAUSE_SECONDS)

    def _ask_safely(self, request: plan.Request) -> None:
        try:
            self._ask(request)
        except requests.RequestException as error:
            self.book.miss(type(error).__name__)
        except Exception as error:
            print(f'request {request} broke the harness: {error!r}', file=sys.stderr)
            self.book.miss(repr(error))

    def _ask(self, request: plan.Request) -> None:
        is_create = request.verb == plan.CREATE
        if not is_create and not self._known[request.instance].wait(PATIENCE_SECONDS):
            self.book.miss('never created')
            return
        try:
            instance_id = self.book.ids.get(request.instance)
            if not is_create and instance_id is None:
                self.book.miss('never created')
                return
            tenant = None if request.verb == plan.REBOOT else request.tenant
            answer = self._world.send(tenant, request.number, *message_of(request, instance_id))
            self.book.note(request, answer)
        finally:
            if is_create:
                self._known[request.number].set()

    # -- suffering ---------------------------------------------------------------------------

    def _suffer(self, trouble: plan.Trouble) -> None:
        kind = faults.FAULTS[trouble.name]
        # All moods of the cloud are one thing, and so are the faults of the database and those of the bus.
        group = next((word for word in ('cloud', 'database', 'bus', 'purge') if word in trouble.name), trouble.name)
        with self._busy[group]:
            fault = kind(self._world, trouble.pick)
            try:
                what = fault.begin()
                self.book.troubles.append(f'{trouble.at}: {trouble.name} ({what}) for {trouble.seconds:.1f} s')
                self._over.wait(trouble.seconds)
            except Exception as error:
                print(f'{trouble} broke the harness: {error!r}', file=sys.stderr)
            finally:
                fault.end()

    # -- the end -----------------------------------------------------------------------------

    def take_stock(self) -> list[inventory.Finding]:
        """Wait until everything has ended and return what is wrong then."""
        self.tell('nothing goes wrong any more')
        self._world.until(self._has_ended, END_SECONDS)
        self.tell('all has ended' if self._has_ended() else 'not all has ended')
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            found = inventory.examine(self._world.snapshot(list(self.book.accepted)))
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(1.0)

    def _has_ended(self) -> bool:
        return self._world.active_count() == 0

    def report(self, found: list[inventory.Finding]) -> Iterator[str]:
        """Yield what a reader is told; the last line is the figure."""
        yield f'answers: {dict(sorted(self.book.answers.items()))}'
        snapshot = self._world.snapshot(list(self.book.accepted))
        counted = collections.Counter((one.kind, one.state) for one in snapshot.operations)
        yield f'ended: { ({f"{kind} {state}": count for (kind, state), count in sorted(counted.items())}) }'
        if found:
            yield f'what went wrong, by the count of accepted requests, with CHAOS_SEED={self._seed}:'
            yield from (f'  {line}' for line in self.book.troubles)
        for finding in found:
            yield f'{finding.kind}: {finding.subject}: {finding.text}'
            yield from (f'    {line}' for line in self._history(finding, snapshot))
        figures = ' '.join(f'{kind}={count}' for kind, count in inventory.counts(found).items())
        yield f'operations={self.book.count()} {figures} seed={self._seed}'

    def _history(self, finding: inventory.Finding, snapshot: inventory.Snapshot) -> Iterator[str]:
        rows = [one for one in snapshot.operations if finding.subject in (one.id, one.subject_id)]
        for one in sorted(rows, key=lambda one: one.created):
            shown = {key: value for key, value in vars(one).items() if key[0] != '_' and key not in ('sealed', 'spec')}
            yield str(shown)
        ids = {finding.subject, *(one.id for one in rows), *(one.subject_id for one in rows)}
        yield from (str(entry) for entry in snapshot.journal or () if entry.instance_id in ids)
        yield from self._world.history(ids)
