"""The message broker stopped and started again, and guests that do not answer."""

import contextlib
import os
import signal
import time

import pytest
import requests

from tests.e2e import checks
from tests.fixtures import observed
from tests.fixtures import tenant as tenants

pytestmark = pytest.mark.slow


@pytest.fixture
def tenant(fragile_stack):
    tenant = fragile_stack.tenant('other')
    yield tenant
    checks.remove(tenant, *[one['id'] for one in tenant.list_instances()])


def test_the_bus_goes_away_during_a_create(fragile_stack, tenant, record_testsuite_property):
    during = tenant.create('during', 'postgresql')
    checks.await_step(fragile_stack, during['id'], 'prepare_datastore')
    with fragile_stack.without_bus():
        began = time.monotonic()
        # The client waits 10 s at most; that it got an answer is what is asserted.
        meanwhile = tenant.create('meanwhile', 'redis')
        record_testsuite_property('post_without_bus_seconds', round(time.monotonic() - began, 3))
        assert {one['id'] for one in tenant.list_instances()} == {during['id'], meanwhile['id']}
    for created in (during, meanwhile):
        checks.assert_exactly_one(fragile_stack, tenant, created['id'])


def test_a_delete_without_a_bus(fragile_stack, tenant):
    created = tenant.create('unwanted', 'redis')
    with fragile_stack.without_bus():
        tenant.delete(created['id'])
    checks.assert_nothing_is_left(fragile_stack, tenant, created['id'])


@contextlib.contextmanager
def stopped(pids):
    """Hold processes still as long as the block lasts."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_reads_ask_nothing_of_a_dead_guest(fragile_stack, tenant, record_testsuite_property):
    created = tenant.create('silent', 'redis')
    shown = tenant.await_healthy(created['id'])
    with stopped(observed.processes_of(created['id'])):
        began = time.monotonic()
        assert tenant.show(created['id'])['ip'] == shown['ip']
        record_testsuite_property('show_of_dead_guest_seconds', round(time.monotonic() - began, 3))
        # Nobody can be asked when there is no bus either.
        with fragile_stack.without_bus():
            assert tenant.show(created['id'])['status'] == 'ACTIVE'
            assert [one['id'] for one in tenant.list_instances()] == [created['id']]
            assert len(tenant.get('/instances/detail')['instances']) == 1
    tenant.await_healthy(created['id'])


def is_answered(tenant, path):
    """Return whether a guest answers; the agent may need a while to come back to the bus."""
    with contextlib.suppress(requests.ReadTimeout):
        return tenant.send('GET', path).status_code == 200
    return False


def test_a_question_to_a_guest_says_that_the_bus_is_away(fragile_stack, tenant):
    created = tenant.create('unreachable', 'mariadb')
    tenant.await_healthy(created['id'])
    path = f'/instances/{created["id"]}/databases'
    # A new process has not asked any guest yet, and has no queue for answers.
    before = fragile_stack.process('trove-api')
    fragile_stack.kill('trove-api')
    tenants.until(lambda: fragile_stack.process('trove-api') not in (None, before))
    tenant.await_healthy(created['id'])
    with fragile_stack.without_bus():
        answer = tenant.send('GET', path)
        assert answer.status_code == 503, answer.text
        assert 'message bus' in answer.json()['serviceUnavailable']['message']
    tenants.until(lambda: is_answered(tenant, path), pause_seconds=0.5)
