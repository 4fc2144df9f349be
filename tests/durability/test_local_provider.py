"""A few of the kills again with the real local provider: processes and folders instead of files."""

import pytest

from tests.durability import conftest, plays, scenarios, worker
from tests.durability import world as durability_world
from tests.fixtures import agents_double, local_provider
from trove.common import states
from trove.db import operations as ledger
from trove.db.sqlalchemy import session

PORT = 3306
PLAN = [
    scenarios.Scenario(scenarios.CREATE, 'boot_server', worker.UNSETTLED),
    scenarios.Scenario(scenarios.CREATE, 'await_guest', worker.BEFORE, is_deleted_meanwhile=True),
    scenarios.Scenario(scenarios.CREATE, ledger.FAILED_STEP, worker.UNSETTLED, failing_step='prepare_datastore'),
    scenarios.Scenario(scenarios.DELETE, 'delete_server', worker.UNSETTLED),
    scenarios.Scenario(scenarios.DELETE, 'delete_address', worker.UNSETTLED),
]


class LocalAgents(agents_double.Agents):
    """Speak for the agents that the local provider started, which know no bus."""

    def __init__(self, outside, provider):
        super().__init__(outside)
        self._provider = provider

    def servers(self):
        return [one for one in self._provider.list_instance_ids() if self._provider.find_server(one) is not None]


@pytest.fixture(scope='module')
def local_world():
    with local_provider.worlds() as make:
        yield make()


@pytest.fixture(scope='module')
def world(sqlite_server, tmp_path_factory, local_world):
    """A deployment with the real local provider."""
    guest_config = f'[DEFAULT]\nport = {PORT}\nmanners = good\n'
    folder = tmp_path_factory.mktemp('world')
    made = conftest.make_world(sqlite_server, folder, guest_config, local_options=local_world.options)
    made.agents = LocalAgents(made.outside, made.place.provider())
    yield made
    session.dispose()


@pytest.fixture(scope='module')
def played(world):
    with conftest.workers_of(world) as workers:
        return plays.play(world, workers, PLAN)


@pytest.mark.parametrize('scenario', PLAN, ids=str)
def test_killed_worker_is_replaced(world, local_world, played, scenario):
    instance_id = played[scenario]
    is_built = scenario.kind == scenarios.CREATE and not scenario.is_deleted_meanwhile and not scenario.failing_step
    if is_built:
        assert world.instance(instance_id).task_code == states.Tasks.NONE.code
        assert world.usage(instance_id) == durability_world.CHARGE
        assert local_world.count_servers(instance_id) == 1
        return
    assert local_world.processes(instance_id) == []
    assert not local_world.home(instance_id).exists()
    assert world.usage(instance_id) == {}
    assert instance_id not in world.place.provider().list_instance_ids()
