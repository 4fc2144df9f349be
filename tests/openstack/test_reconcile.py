"""What happens to servers behind our back, as the look at a real cloud sees it."""

import pytest

from tests.fixtures import nova_provider
from trove.common import clock as trove_clock
from trove.common import states
from trove.db import get_db_api, models
from trove.instance import reconcile
from trove.testing import asking, providers

# The first look asks for all servers, and no other in a test.
FULL_LOOK_TURNS = 1_000_000
LIMIT_SECONDS = 60


@pytest.fixture
def world(cloud, tmp_path):
    with nova_provider.worlds(cloud.layout.folder, tmp_path) as made:
        yield made


@pytest.fixture
def reconciler(sqlite_control_database, world):
    looks = reconcile.Looks(trove_clock.Clock(), FULL_LOOK_TURNS, overlap_seconds=60)
    return reconcile.Reconciler(world.provider(), looks)


@pytest.fixture
def record(reconciler, world):
    """The id of an instance that is built, and looked at once."""
    request = world.request()
    providers.build(world.provider(), request)
    now = trove_clock.utcnow()
    with get_db_api().transaction() as session:
        session.add(models.Datastore(id='d', name='d'))
        session.flush()
        session.add(models.DatastoreVersion(id='v', datastore_id='d', name='1', version='1', manager='mariadb'))
        session.flush()
        values = {'name': 'i', 'project_id': world.project_id, 'datastore_version_id': 'v', 'volume_size': 1}
        task = states.Tasks.NONE.code
        session.add(
            models.Instance(
                id=request.instance_id, **values, flavor_id='1', task_code=task, addresses=[], created=now, updated=now
            )
        )
    reconciler.refresh_servers()
    reconciler.refresh_volumes()
    return request.instance_id


def instance(instance_id):
    with get_db_api().reading() as session:
        return session.get(models.Instance, instance_id)


def await_status(reconciler, instance_id, status):
    """Look for what changed until it shows."""

    def is_seen():
        reconciler.refresh_servers()
        return instance(instance_id).server_status == status

    asking.until(is_seen, LIMIT_SECONDS)
    return instance(instance_id)


def test_what_the_cloud_tells_is_written_down(world, record):
    (server,) = world.cloud.servers(record)
    (volume,) = world.cloud.volumes(record)
    found = instance(record)
    assert (found.server_id, found.server_status) == (server.id, 'ACTIVE')
    assert (found.volume_id, found.volume_size) == (volume.id, 1)
    assert {one['address'] for one in found.addresses} <= {
        one['addr'] for network in server.addresses.values() for one in network
    }
    assert found.addresses


def test_a_server_that_is_stopped_and_started(world, reconciler, record):
    (server,) = world.cloud.servers(record)
    server.stop()
    await_status(reconciler, record, 'SHUTOFF')
    server.start()
    assert await_status(reconciler, record, 'ACTIVE').fault_message is None


def test_a_server_in_error_and_well_again(world, reconciler, record):
    (server,) = world.cloud.servers(record)
    admin = world.cloud.admin.compute
    admin.reset_server_state(server.id, 'error')
    assert await_status(reconciler, record, 'ERROR').fault_message.startswith(reconcile.REPORT)
    admin.reset_server_state(server.id, 'active')
    assert await_status(reconciler, record, 'ACTIVE').fault_message is None


def test_a_server_that_is_deleted(world, reconciler, record):
    (server,) = world.cloud.servers(record)
    server.delete()
    assert 'was deleted outside of Trove' in await_status(reconciler, record, 'SHUTDOWN').fault_message


def test_a_volume_that_grew(world, reconciler, record):
    (volume,) = world.cloud.volumes(record)
    world.provider().grow_volume(record, 2)

    def is_seen():
        reconciler.refresh_volumes()
        return instance(record).volume_size == 2

    asking.until(is_seen, LIMIT_SECONDS)
    assert instance(record).volume_id == volume.id
