"""F5: a cloud refuses, hangs and loses replies; nothing is made twice, nothing is left, and nearly all succeeds."""

import collections
import random

import pytest

from tests.durability import plays, scenarios, turned
from trove.common import exception
from trove.compute import base
from trove.db import operations as ledger

BROKEN, SILENT, LOST = 0.2, 0.04, 0.06
"""Shares of all calls that are refused, hang until the caller gives up, and are carried out without an answer."""
INSTANCES = 120
"""One create in about a thousand finds no moment in which four answers follow each other; of so many, two may."""
LEAST_SUCCESS = 0.99
ORPHANS_SECONDS = 600.0
"""By when nothing may be left."""
CHANGES = (scenarios.DELETE, scenarios.RESIZE, scenarios.GROW, scenarios.ACCESS, scenarios.REBOOT, scenarios.MIGRATE)


class Unreliable:
    """A provider behind a network that cannot be relied on.

    ``unanswered`` counts reboots whose answer was lost, by instance: they are asked for again.
    """

    def __init__(self, provider, chance, unanswered):
        self._provider = provider
        self._chance = chance
        self._unanswered = unanswered

    def __getattr__(self, name):
        carried_out = getattr(self._provider, name)
        if name not in base.Provider.__abstractmethods__:
            return carried_out

        def call(*arguments, **named):
            draw = self._chance.random()
            if draw < BROKEN:
                raise exception.ComputeBusy(reason='503')
            if draw < BROKEN + SILENT:
                raise exception.ComputeBusy(reason='no answer')
            answer = carried_out(*arguments, **named)
            if draw < BROKEN + SILENT + LOST:
                if name == 'reboot_server':
                    self._unanswered[arguments[0]] += 1
                raise exception.ComputeBusy(reason='the answer was lost')
            return answer

        return call


@pytest.fixture
def unanswered():
    return collections.Counter()


@pytest.fixture
def deployment(sqlite_control_database, tmp_path, unanswered):
    chance = random.Random(5)
    place = turned.place(sqlite_control_database.url, tmp_path)
    return turned.Turned(place, lambda provider: Unreliable(provider, chance, unanswered))


def states_of(world, kinds):
    """Return how operations ended; none may be under way."""
    states = [world.operations(one)[kind].state for one, kind in kinds.items()]
    assert set(states) <= {ledger.DONE, ledger.FAILED}
    return states


def test_f5_nothing_twice_nothing_left_and_nearly_all_succeeds(deployment, unanswered):
    world = deployment.world
    built = dict.fromkeys((world.tenants.create() for _ in range(INSTANCES)), scenarios.CREATE)
    deployment.run(ORPHANS_SECONDS)
    states = states_of(world, built)
    changed = {one: CHANGES[number % len(CHANGES)] for number, one in enumerate(built)}
    changed = {
        one: kind for one, kind in changed.items() if world.operations(one)[scenarios.CREATE].state == ledger.DONE
    }
    for one, kind in changed.items():
        plays.ASKS[kind](world.tenants, one)
    deployment.run(ORPHANS_SECONDS + world.conf.resize_time_out)
    states += states_of(world, changed)
    assert states.count(ledger.DONE) / len(states) >= LEAST_SUCCESS
    for one, kind in changed.items():
        if world.operations(one)[kind].state == ledger.DONE:
            plays.check_ended(world, one, kind, unanswered[one])
    living = {one for one, kind in changed.items() if kind != scenarios.DELETE}
    assert set(world.outside.instance_ids()) == living
