"""The life of an instance with the real client, and what lists of the catalog show."""

import pytest

from tests.e2e import clients
from tests.fixtures import observed


def version_of(stack, datastore):
    return stack.openstack_json('datastore', 'version', 'list', datastore)[0]['Name']


@pytest.fixture(scope='module')
def redis_instance(shared_stack):
    """A Redis that was asked for with the real client: what the client showed of it then."""
    created = shared_stack.openstack_json(
        *('database', 'instance', 'create', 'cache', '--flavor', '1', '--size', '1'),
        *('--datastore', 'redis', '--datastore-version', version_of(shared_stack, 'redis')),
    )
    shared_stack.tenant().await_healthy(created['id'])
    yield created
    shared_stack.tenant().delete(created['id'])
    shared_stack.tenant().await_gone(created['id'])


def test_the_catalog(shared_stack):
    datastores = {row['Name'] for row in shared_stack.openstack_json('datastore', 'list')}
    assert {'mariadb', 'postgresql', 'redis'} <= datastores
    versions = shared_stack.openstack_json('datastore', 'version', 'list', 'postgresql')
    assert [row['Version'] for row in versions]
    flavors = shared_stack.openstack_json('database', 'flavor', 'list')
    assert (flavors[0]['Name'], flavors[0]['RAM']) == ('tiny', 512)


def test_the_quota(shared_stack, redis_instance):
    project_id = shared_stack.tenant().project_id
    rows = shared_stack.openstack_json('database', 'quota', 'show', project_id)
    quota = {row['Resource']: row for row in rows}
    assert (quota['instances']['Limit'], quota['volumes']['Limit']) == (10, 40)
    assert quota['instances']['In Use'] >= 1
    assert quota['ram']['In Use'] >= 512


def test_a_new_instance_is_shown_and_listed(shared_stack, redis_instance):
    shown = shared_stack.openstack_json('database', 'instance', 'show', 'cache')
    assert shown['id'] == redis_instance['id']
    assert (shown['status'], shown['operating_status']) == ('ACTIVE', 'HEALTHY')
    assert (shown['datastore'], shown['flavor'], shown['volume']) == ('redis', '1', 1)
    assert 'password' not in shown
    rows = {row['ID']: row for row in shared_stack.openstack_json('database', 'instance', 'list')}
    listed = rows[redis_instance['id']]
    assert (listed['Name'], listed['Status'], listed['Datastore'], listed['Size']) == ('cache', 'ACTIVE', 'redis', 1)
    assert listed['Addresses'][0]['address'] in str(shown['ip'])


def test_every_client_of_a_redis_needs_the_password(shared_stack, redis_instance):
    address = shared_stack.tenant().show(redis_instance['id'])['ip'][0]
    assert clients.ask_redis(address, redis_instance['password'], 'SET', 'bird', 'wren')
    assert clients.is_refused(clients.ask_redis, address, '', 'GET', 'bird')
    assert clients.is_refused(clients.ask_redis, address, 'wrong', 'GET', 'bird')

    assert 'True' in shared_stack.openstack('database', 'root', 'show', 'cache')
    enabled = shared_stack.openstack_json('database', 'root', 'enable', 'cache')
    assert clients.is_refused(clients.ask_redis, address, redis_instance['password'], 'GET', 'bird')
    assert clients.ask_redis(address, enabled['password'], 'GET', 'bird') == 'wren'

    shared_stack.openstack('database', 'root', 'disable', 'cache')
    assert clients.is_refused(clients.ask_redis, address, enabled['password'], 'GET', 'bird')


@pytest.mark.parametrize('command', [('db', 'list', 'cache'), ('user', 'list', 'cache')])
def test_redis_says_what_it_does_not_support(shared_stack, redis_instance, command):
    refused = shared_stack.try_openstack('database', *command)
    assert refused.returncode != 0
    assert 'HTTP 422' in refused.stderr or 'HTTP 501' in refused.stderr


def test_rename(shared_stack, redis_instance):
    shared_stack.openstack('database', 'instance', 'update', 'cache', '--name', 'larder')
    assert shared_stack.openstack_json('database', 'instance', 'show', 'larder')['id'] == redis_instance['id']
    shared_stack.openstack('database', 'instance', 'update', 'larder', '--name', 'cache')


def test_restart_starts_the_engine_anew(shared_stack, redis_instance):
    before = observed.engines_of(redis_instance['id'])
    shared_stack.openstack('database', 'instance', 'restart', 'cache')
    shared_stack.tenant().await_healthy(redis_instance['id'])
    after = observed.engines_of(redis_instance['id'])
    assert (len(before), len(after)) == (1, 1)
    assert before != after


def test_reset_status_is_for_administrators(shared_stack, redis_instance):
    refused = shared_stack.try_openstack('database', 'instance', 'reset', 'status', redis_instance['id'])
    assert refused.returncode != 0
    assert 'HTTP 403' in refused.stderr
    shared_stack.openstack('database', 'instance', 'reset', 'status', redis_instance['id'], cloud='trove-admin')
    # What the service is will be known again with the guest's next report.
    shown = shared_stack.tenant().show(redis_instance['id'])
    assert (shown['status'], 'operation' in shown) == ('ACTIVE', False)


def test_delete_leaves_nothing(shared_stack):
    tenant = shared_stack.tenant('builder')
    kept = tenant.create('short-lived', 'redis')
    tenant.await_healthy(kept['id'])
    assert tenant.in_use() == {'instances': 1, 'ram': 512, 'volumes': 1}
    shared_stack.openstack('database', 'instance', 'delete', 'short-lived', cloud='builder')
    tenant.await_gone(kept['id'])
    assert shared_stack.leftovers_of(kept['id']) == {}
    assert tenant.in_use() == {}


def test_force_delete_by_an_administrator(shared_stack):
    tenant = shared_stack.tenant('trove-admin')
    unloved = tenant.create('unloved', 'redis')
    shared_stack.openstack('database', 'instance', 'force', 'delete', unloved['id'], cloud='trove-admin')
    tenant.await_gone(unloved['id'])
    assert shared_stack.leftovers_of(unloved['id']) == {}
    assert tenant.in_use() == {}
