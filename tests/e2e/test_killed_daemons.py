"""kill -9 of the taskmanager and of guest agents while instances are built."""

import contextlib
import os
import signal

import pytest

from tests.e2e import checks, clients
from tests.fixtures import observed
from tests.fixtures import tenant as tenants

pytestmark = pytest.mark.slow

WANTED = {
    'databases': [{'name': 'shop'}],
    'users': [{'name': 'anna', 'password': 'anna-Secret-1', 'databases': [{'name': 'shop'}]}],
}


@pytest.fixture
def tenant(fragile_stack):
    """The user whose instances are built while things are killed; all are deleted in the end."""
    tenant = fragile_stack.tenant('builder')
    yield tenant
    checks.remove(tenant, *[one['id'] for one in tenant.list_instances()])


@pytest.mark.parametrize('step', ['make_address', 'make_volume', 'boot_server', 'await_guest'])
def test_the_taskmanager_is_killed(fragile_stack, tenant, step):
    created = tenant.create(f'killed-in-{step}', 'redis')
    checks.await_step(fragile_stack, created['id'], step)
    fragile_stack.kill('trove-taskmanager')
    checks.assert_exactly_one(fragile_stack, tenant, created['id'])


# What dies again and again is started again later and later; these tests give the taskmanager time
# to be forgiven.


def job_began(stack, instance_id):
    folder = stack.folder_of(instance_id) / 'state' / 'jobs'
    return folder.is_dir() and any(folder.iterdir())


def engine_runs(_stack, instance_id):
    return bool(observed.engines_of(instance_id))


@pytest.mark.parametrize('is_it_time', [job_began, engine_runs])
@pytest.mark.parametrize('datastore', ['mariadb', 'postgresql'])
def test_the_agent_is_killed_while_it_prepares(fragile_stack, tenant, datastore, is_it_time):
    created = tenant.create(f'prepared-twice-{datastore}', datastore, **WANTED)
    tenants.until(lambda: is_it_time(fragile_stack, created['id']), pause_seconds=0.005)
    killed = observed.agents_of(created['id'])
    for agent in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(agent, signal.SIGKILL)
    # The create may have ended just before: what is looked at is how things are after it.
    tenants.until(lambda: set(observed.agents_of(created['id'])) - set(killed))
    shown = checks.assert_exactly_one(fragile_stack, tenant, created['id'])
    ask, address = clients.ASK[datastore], shown['ip'][0]
    assert ask(address, 'anna', 'anna-Secret-1', 'SELECT 1', 'shop') == [[1]]
    assert clients.is_refused(ask, address, 'anna', '', 'SELECT 1', 'shop')


def test_the_taskmanager_is_killed_while_the_guest_prepares(fragile_stack, tenant):
    created = tenant.create('killed-in-prepare', 'mariadb', **WANTED)
    checks.await_step(fragile_stack, created['id'], 'prepare_datastore')
    fragile_stack.kill('trove-taskmanager')
    shown = checks.assert_exactly_one(fragile_stack, tenant, created['id'])
    assert clients.ask_mariadb(shown['ip'][0], 'anna', 'anna-Secret-1', 'SELECT 1', 'shop') == [[1]]


def test_a_request_is_accepted_while_no_taskmanager_runs(fragile_stack, tenant):
    with fragile_stack.without('trove-taskmanager'):
        created = tenant.create('early', 'redis')
        assert tenant.show(created['id'])['status'] == 'BUILD'
    checks.assert_exactly_one(fragile_stack, tenant, created['id'])


def test_every_daemon_is_killed_while_three_are_built(fragile_stack, tenant):
    created = [tenant.create(f'one-of-three-{name}', name)['id'] for name in ('mariadb', 'postgresql', 'redis')]
    checks.await_step(fragile_stack, created[0], 'await_guest')
    for daemon in ('trove-taskmanager', 'trove-conductor', 'trove-api'):
        fragile_stack.kill(daemon)
    for instance_id in created:
        checks.assert_exactly_one(fragile_stack, tenant, instance_id)
