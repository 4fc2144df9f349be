"""What the taskmanager learns of servers and flavors from the provider, on every control database."""

import logging
import uuid

import pytest

from tests.fixtures import provider_double
from trove.common import clock, states
from trove.compute import base
from trove.db import get_db_api, models
from trove.instance import reconcile


class ProviderDouble(provider_double.FolderProvider):
    """Answers with the flavors and servers that a test gives it."""

    def __init__(self, outside) -> None:
        super().__init__(outside)
        self.flavors = [base.Flavor('1', 'tiny', 512), base.Flavor('2', 'small', 1024)]
        self.servers: dict[str, str] = {}

    def list_flavors(self):
        return self.flavors

    def find_server(self, instance_id):
        status = self.servers.get(instance_id)
        return base.Server(instance_id, status) if status else None


@pytest.fixture
def provider(tmp_path) -> ProviderDouble:
    return ProviderDouble(provider_double.Outside(tmp_path))


def make_instance(task: states.TaskStatus = states.Tasks.NONE, is_deleted: bool = False) -> str:
    instance_id = str(uuid.uuid4())
    with get_db_api().transaction() as session:
        datastore = models.Datastore(id=str(uuid.uuid4()), name=instance_id)
        version = models.DatastoreVersion(
            id=str(uuid.uuid4()), datastore_id=datastore.id, name='1', version='1', manager='redis'
        )
        session.add(datastore)
        session.flush()
        session.add(version)
        session.flush()
        session.add(
            models.Instance(
                id=instance_id,
                name='i',
                project_id='p',
                datastore_version_id=version.id,
                flavor_id='2',
                task_code=task.code,
                server_status='ACTIVE',
                created=clock.utcnow(),
                updated=clock.utcnow(),
                is_deleted=is_deleted,
            )
        )
    return instance_id


def server_status(instance_id: str) -> str | None:
    with get_db_api().reading() as session:
        found = session.get(models.Instance, instance_id)
    assert found is not None
    return found.server_status


def flavors() -> dict[str, int]:
    with get_db_api().reading() as session:
        return {record.id: record.ram for record in session.query(models.Flavor)}


def test_flavors_follow_the_provider_and_stay_while_they_are_used(control_database, provider) -> None:
    reconciler = reconcile.Reconciler(provider)
    reconciler.refresh_flavors()
    assert flavors() == {'1': 512, '2': 1024}
    make_instance()
    make_instance(is_deleted=True)
    provider.flavors = [base.Flavor('1', 'tiny', 256)]
    reconciler.refresh_flavors()
    assert flavors() == {'1': 256, '2': 1024}


def test_a_flavor_that_nobody_has_goes(control_database, provider) -> None:
    reconciler = reconcile.Reconciler(provider)
    reconciler.refresh_flavors()
    provider.flavors = []
    reconciler.refresh_flavors()
    assert flavors() == {}


def test_the_state_of_servers_is_written_down(control_database, provider) -> None:
    running, stopped, gone, building = (
        make_instance(),
        make_instance(),
        make_instance(),
        make_instance(states.Tasks.BUILDING),
    )
    provider.servers = {running: 'ACTIVE', stopped: 'SHUTOFF', building: 'ERROR'}
    reconcile.Reconciler(provider).refresh_servers()
    assert [server_status(each) for each in (running, stopped, gone)] == ['ACTIVE', 'SHUTOFF', 'SHUTDOWN']
    assert server_status(building) == 'ACTIVE', 'an operation works on it and knows better'


def test_what_belongs_to_no_instance_is_told(control_database, provider, tmp_path, caplog) -> None:
    outside = provider_double.Outside(tmp_path)
    known, deleted = make_instance(), make_instance(is_deleted=True)
    for instance_id in (known, deleted, 'stranger'):
        outside.make(instance_id, 'server')
    with caplog.at_level(logging.WARNING):
        reconcile.Reconciler(provider).report_orphans()
    assert known not in caplog.text
    assert deleted in caplog.text and 'stranger' in caplog.text
