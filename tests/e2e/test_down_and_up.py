"""A stack that is stopped and started again, run by root and by an ordinary user."""

import contextlib
import os
import pwd
import sys

import pytest

from tests.e2e import checks, clients
from tests.fixtures import observed, ordinary
from tests.fixtures import stack as stacks
from tests.fixtures import tenant as tenants
from trove.standalone import processes

pytestmark = pytest.mark.slow

ORDINARY_USER = 'nobody'
DAEMONS = {'epmd', 'rabbitmq', 'supervisor', 'trove-api', 'trove-conductor', 'trove-taskmanager'}
WITH_USER = {
    'databases': [{'name': 'shop'}],
    'users': [{'name': 'anna', 'password': 'anna-Secret-1', 'databases': [{'name': 'shop'}]}],
}
WANTED = {'mariadb': WITH_USER, 'postgresql': WITH_USER, 'redis': {}}


@pytest.fixture(params=['as we are', ORDINARY_USER])
def stack(request):
    user = None
    if request.param == ORDINARY_USER:
        if os.geteuid() != 0:
            pytest.skip('only root can run a stack as another user; the tests run as an ordinary one already')
        if not ordinary.can_run_trove(ORDINARY_USER):
            pytest.skip(f'the user {ORDINARY_USER} cannot read {sys.executable} or what it imports')
        user = ORDINARY_USER
    with stacks.running(user) as stack:
        yield stack


def daemons_of(stack):
    """Return name to process of all daemons of a stack that run, the broker's two included."""
    files = [path for path in stack.state.folder.rglob('*.pid') if path.parent.name == 'run']
    found = {path.stem: processes.read_pid_file(path) for path in files}
    return {name: one for name, one in found.items() if one is not None and one.is_alive()}


def owners(pids):
    found = set()
    for pid in pids:
        # A worker of an engine may have ended since it was seen.
        with contextlib.suppress(FileNotFoundError):
            found.add(pwd.getpwuid(os.stat(f'/proc/{pid}').st_uid).pw_name)
    return found


def write(kept):
    for name, (instance, secret) in kept.items():
        if name == 'redis':
            assert clients.ask_redis(instance['ip'][0], secret, 'SET', 'bird', 'wren')
        else:
            for statement in ('CREATE TABLE bird (name TEXT)', "INSERT INTO bird VALUES ('wren')"):
                clients.ASK[name](instance['ip'][0], 'anna', secret, statement, 'shop')


def has_data(name, address, secret):
    """Return whether an engine serves and has what was written; False while it does not answer."""
    with contextlib.suppress(*clients.AWAY):
        if name == 'redis':
            return clients.ask_redis(address, secret, 'GET', 'bird') == 'wren'
        return clients.ASK[name](address, 'anna', secret, 'SELECT name FROM bird', 'shop') == [['wren']]
    return False


def test_down_and_up(stack):
    again = stack.standalone('up')
    assert (again.returncode, 'runs already' in again.stdout) == (0, True), again.stdout + again.stderr
    tenant = stack.tenant()
    asked = {name: tenant.create(f'kept-{name}', name, **fields) for name, fields in WANTED.items()}
    kept = {
        name: (tenant.await_healthy(created['id']), created.get('password', 'anna-Secret-1'))
        for name, created in asked.items()
    }
    write(kept)
    check_processes(stack, kept)

    assert_down_leaves_no_process(stack, kept)
    stack.up()
    for name, (instance, secret) in kept.items():
        # Until the first heartbeat what is shown is what was known before.
        tenants.until(lambda name=name, instance=instance, secret=secret: has_data(name, instance['ip'][0], secret))
        checks.assert_exactly_one(stack, tenant, instance['id'])
    checks.remove(tenant, kept['redis'][0]['id'])
    checks.assert_nothing_is_left(stack, tenant, kept['redis'][0]['id'])


def check_processes(stack, kept):
    """Everything runs, and the instances' processes belong to an unprivileged user."""
    assert set(daemons_of(stack)) == DAEMONS
    status = stack.standalone('status')
    assert (status.returncode, 'The stack is up.' in status.stdout) == (0, True), status.stdout
    for instance, _secret in kept.values():
        assert 'root' not in owners(observed.processes_of(instance['id']))


def assert_down_leaves_no_process(stack, kept):
    running = daemons_of(stack)
    down = stack.standalone('down')
    assert down.returncode == 0, down.stdout + down.stderr
    assert [name for name, process in running.items() if process.is_alive()] == []
    assert {name: found for name, (one, _) in kept.items() if (found := observed.processes_of(one['id']))} == {}
    assert stack.standalone('status').returncode == 3
    assert 'does not run' in stack.standalone('down').stdout
