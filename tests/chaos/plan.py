"""What is asked for and what goes wrong, and when: drawn from a seed before anything runs.

Both are endless rows that are the same for the same seed. Requests name an instance by
the number of the request that creates it; troubles come at a count of accepted requests.
When things really happen is up to the machine.
"""

import dataclasses
import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

TENANTS = 6
MOST_INSTANCES = 4
"""Instances that a tenant keeps at most, as far as the plan can know."""

CREATE, DELETE, RESTART, RESIZE, GROW = 'create', 'delete', 'restart', 'resize', 'grow'
REBOOT, RENAME, ACCESS, DATABASE, READ = 'reboot', 'rename', 'access', 'database', 'read'
VERBS: Mapping[str, int] = {
    CREATE: 26,
    DELETE: 18,
    RESTART: 10,
    RESIZE: 9,
    GROW: 6,
    REBOOT: 6,
    RENAME: 8,
    ACCESS: 6,
    DATABASE: 6,
    READ: 5,
}
"""What tenants ask for, and how often in proportion."""

SHARE_OF_FRESH = 0.2
"""How often a delete is of the instance that was asked for last, which may not be built yet."""
FEWEST_BETWEEN, MOST_BETWEEN = 3, 9
"""Accepted requests between two troubles."""
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 9.0


@dataclasses.dataclass(frozen=True)
class Request:
    """One thing that a tenant asks for. ``instance`` is the number of the request that creates it."""

    number: int
    tenant: int
    verb: str
    instance: int
    value: Any = None


@dataclasses.dataclass(frozen=True)
class Trouble:
    """Something that goes wrong once so many requests were accepted; ``pick`` in [0, 1) chooses the victim."""

    at: int
    name: str
    seconds: float
    pick: float


@dataclasses.dataclass
class _Instance:
    number: int
    flavor: str = '1'
    size: int = 1


class _Tenant:
    """What the plan thinks a tenant has; a request that is refused makes no difference to that."""

    def __init__(self, index: int, chance: random.Random) -> None:
        self._index = index
        self._chance = chance
        self._living: list[_Instance] = []

    def ask(self, number: int) -> Request:
        """Return the tenant's next request."""
        verb = self._verb()
        if verb == CREATE:
            self._living.append(_Instance(number))
            return Request(number, self._index, verb, number, f'db-{number}')
        is_fresh = verb == DELETE and self._chance.random() < SHARE_OF_FRESH
        chosen = self._living[-1] if is_fresh else self._chance.choice(self._living)
        return Request(number, self._index, verb, chosen.number, self._value(verb, number, chosen))

    def _verb(self) -> str:
        if not self._living:
            return CREATE
        verbs = {verb: weight for verb, weight in VERBS.items() if verb != CREATE or len(self._living) < MOST_INSTANCES}
        return self._chance.choices(list(verbs), list(verbs.values()))[0]

    def _value(self, verb: str, number: int, chosen: _Instance) -> Any:
        if verb == DELETE:
            self._living.remove(chosen)
        if verb == RESIZE:
            chosen.flavor = '1' if chosen.flavor == '2' else '2'
            return chosen.flavor
        if verb == GROW:
            chosen.size += 1
            return chosen.size
        return {
            RENAME: f'renamed-{number}',
            ACCESS: bool(number % 2),
            DATABASE: f'database_{number}',
        }.get(verb)


def requests(seed: str, tenants: int = TENANTS) -> Iterator[Request]:
    """Yield what is asked for, without end."""
    chance = random.Random(f'{seed}:requests')
    all_tenants = [_Tenant(index, chance) for index in range(tenants)]
    for number in itertools.count():
        yield chance.choice(all_tenants).ask(number)


def troubles(seed: str, weights: Mapping[str, int]) -> Iterator[Trouble]:
    """Yield what goes wrong, without end. Every kind comes before any comes again for the second time."""
    chance = random.Random(f'{seed}:troubles')
    at = 0
    names = list(weights)
    chance.shuffle(names)
    while True:
        name = names.pop() if names else chance.choices(list(weights), list(weights.values()))[0]
        at += chance.randint(FEWEST_BETWEEN, MOST_BETWEEN)
        yield Trouble(at, name, chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS), chance.random())
