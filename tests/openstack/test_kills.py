"""Taskmanagers are killed at every step boundary of create, resize and delete; in the end there is one of each thing.

A few moments that a seed chooses, unless the environment asks for all of them.
"""

import os
import random

import pytest

from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import kills

ALL, SEED = 'TROVE_ALL_KILLS', 'TROVE_KILLS_SEED'


def choose():
    """Return name to lives that are lived at the same time; the name tells how to have the same again."""
    if os.environ.get(ALL) == '1':
        chosen = kills.batches(kills.all_lives())
        return {f'{number} of {len(chosen)}': lives for number, lives in enumerate(chosen, 1)}
    seed = os.environ.get(SEED) or str(random.randrange(10000))
    return {f'{SEED}={seed}': kills.some_lives(seed)}


CHOSEN = choose()


@pytest.fixture
def stage(trove, member, operator):
    return kills.Stage(trove, member, operator)


@pytest.mark.short
def test_killed_after_the_server_was_asked_for(stage):
    assert stage.live([kills.Life(kills.BOOT)]) == []


@pytest.mark.slow
@pytest.mark.parametrize('lives', CHOSEN.values(), ids=CHOSEN)
def test_killed_at_a_step_boundary(request, capsys, stage, lives):
    with capsys.disabled():
        print('', request.node.name, *lives, sep='\n')
    assert stage.live(lives) == []


@pytest.mark.slow
def test_killed_daemon_is_started_again(trove, stage):
    subject = kills.Subject(stage.member, kills.Life())
    # The server is asked for in boot_server, and may or may not be noted when the process dies.
    tenants.until(lambda: trove.step_of(subject.id) in ('boot_server', 'await_server'), 30, 0.002)
    trove.kill('taskmanager')
    trove.start_daemon('taskmanager')
    assert stage.goes_well(subject, kills.CREATE), stage.problems


@pytest.mark.slow
@pytest.mark.parametrize('moment', [kills.POSTING, kills.CLAIMED], ids=str)
def test_frozen_until_somebody_else_has_made_the_server(stage, moment):
    with stage.workers() as workers:
        with stage.taskmanager_away():
            kept, deleted = (kills.Subject(stage.member, kills.Life(moment), number) for number in range(2))
            frozen = stage.freeze(workers, [kept, deleted])
        deleted.ask_for(kills.DELETE)
        # Lease and slot run out meanwhile, or nobody else could make a server.
        assert stage.goes_well(kept, kills.CREATE), stage.problems
        assert stage.goes_well(deleted, kills.DELETE), stage.problems
        stage.thaw(frozen)
        kept.check_holdings()
        deleted.check_nothing_is_left()
