"""Instances that are deleted while they are built."""

import pytest

from tests.e2e import checks
from tests.fixtures import observed
from tests.fixtures import tenant as tenants

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def tenant(shared_stack):
    return shared_stack.tenant('builder')


@pytest.fixture(scope='module')
def deleted(shared_stack):
    """The ids of what was deleted; nothing of it may come back later."""
    instance_ids = []
    yield instance_ids
    assert {one: left for one in instance_ids if (left := shared_stack.leftovers_of(one))} == {}


@pytest.mark.parametrize('step', ['make_address', 'make_volume', 'boot_server', 'await_guest', 'prepare_datastore'])
def test_delete(shared_stack, tenant, deleted, step):
    created = tenant.create(f'unwanted-in-{step}', 'mariadb')
    checks.await_step(shared_stack, created['id'], step)
    tenant.delete(created['id'])
    checks.assert_nothing_is_left(shared_stack, tenant, created['id'])
    deleted.append(created['id'])


@pytest.mark.parametrize('datastore', ['mariadb', 'postgresql'])
def test_delete_when_the_engine_begins(shared_stack, tenant, deleted, datastore):
    created = tenant.create(f'unwanted-{datastore}', datastore)
    tenants.until(lambda: observed.engines_of(created['id']), pause_seconds=0.005)
    tenant.delete(created['id'])
    checks.assert_nothing_is_left(shared_stack, tenant, created['id'])
    deleted.append(created['id'])


def test_delete_twice_is_one_delete(shared_stack, tenant, deleted):
    created = tenant.create('unwanted-twice', 'redis')
    answers = [tenant.send('DELETE', f'/instances/{created["id"]}').status_code for _ in range(2)]
    assert answers[0] == 202
    assert answers[1] in (202, 404)
    checks.assert_nothing_is_left(shared_stack, tenant, created['id'])
    deleted.append(created['id'])
