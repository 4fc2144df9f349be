"""Workers are killed in every step of every operation, with the ledger on MariaDB."""

import pytest

from tests.durability import conftest, plays, scenarios


@pytest.fixture(scope='module')
def played(mariadb_world):
    """A kill in every step, played."""
    with conftest.workers_of(mariadb_world) as workers:
        return plays.play(mariadb_world, workers, scenarios.once_per_step())


@pytest.mark.parametrize('scenario', scenarios.once_per_step(), ids=str)
def test_killed_worker_is_replaced(mariadb_world, played, scenario):
    plays.check_ended(mariadb_world, played[scenario], scenario.kind)
