"""An instance is resized, grown, opened, renamed, rebooted, stopped and rebuilt; its data stay."""

import uuid

import pytest

from tests.e2e import checks, clients
from tests.fixtures import tenant as tenants

pytestmark = pytest.mark.slow

SECRET = 'anna-Secret-1'
WITH_USER = {
    'databases': [{'name': 'shop'}],
    'users': [{'name': 'anna', 'password': SECRET, 'databases': [{'name': 'shop'}]}],
}
WANTED = {'mariadb': WITH_USER, 'postgresql': WITH_USER, 'redis': {}}
MEMORY = {
    'mariadb': 'SELECT @@innodb_buffer_pool_size',
    'postgresql': 'SHOW shared_buffers',
}
"""What the flavor decides of an engine."""


class Subject:
    """An instance with a table in it, and the commands that change it."""

    def __init__(self, stack, name):
        self.stack = stack
        self.tenant = stack.tenant()
        self.datastore = name
        created = self.tenant.create(f'changed-{name}', name, **WANTED[name])
        self.id = created['id']
        self.password = created.get('password', SECRET)
        self.address = self.tenant.await_healthy(self.id)['ip'][0]
        for statement in ('CREATE TABLE bird (name TEXT)', "INSERT INTO bird VALUES ('wren')"):
            self.ask(statement, ('SET', 'bird', 'wren'))

    def ask(self, statement, command):
        if self.datastore == 'redis':
            return clients.ask_redis(self.address, self.password, *command)
        return clients.ASK[self.datastore](self.address, 'anna', self.password, statement, 'shop')

    def memory(self):
        return self.ask(MEMORY.get(self.datastore), ('CONFIG', 'GET', 'maxmemory'))

    def change(self, *words, cloud='trove-standalone'):
        """Ask for a change with the real client and wait for its end."""
        self.stack.openstack('database', 'instance', *words[:-1], self.id, *words[-1], cloud=cloud)
        return self.settled()

    def manage(self, action):
        """Ask for a change as an administrator and wait for its end."""
        admin = self.stack.tenant('trove-admin')
        answer = admin.send('POST', f'/mgmt/instances/{self.id}/action', json=action)
        assert answer.status_code == 202, answer.text
        return self.settled()

    def settled(self):
        """Return the instance once nothing is done to it any more."""
        return tenants.until(
            lambda: (one := self.tenant.show(self.id)) and 'operation' not in one and one, pause_seconds=0.4
        )

    def check(self):
        """It serves, and its data are there."""
        shown = self.tenant.await_healthy(self.id)
        assert 'fault' not in shown, shown
        assert shown['ip'] == [self.address]
        assert self.ask('SELECT name FROM bird', ('GET', 'bird')) in ([['wren']], 'wren')
        return shown


@pytest.fixture(scope='module', params=WANTED)
def subject(request, shared_stack):
    subject = Subject(shared_stack, request.param)
    yield subject
    checks.remove(subject.tenant, subject.id)
    checks.assert_nothing_is_left(shared_stack, subject.tenant, subject.id)


def test_another_flavor(subject):
    before = subject.memory()
    subject.change('resize', 'flavor', ['small'])
    assert subject.check()['flavor']['id'] == '2'
    assert subject.memory() != before
    assert subject.tenant.in_use()['ram'] >= 1024


def test_a_larger_volume(subject):
    subject.change('resize', 'volume', ['2'])
    assert subject.check()['volume']['size'] == 2


def test_another_name_and_access(subject):
    subject.change('update', ['--name', f'handbook-{subject.datastore}', '--allowed-cidr', '10.0.0.0/8'])
    shown = subject.check()
    assert shown['name'] == f'handbook-{subject.datastore}'
    assert shown['access'] == {'is_public': False, 'allowed_cidrs': ['10.0.0.0/8']}


def test_a_reboot(subject):
    subject.change('reboot', [], cloud='trove-admin')
    subject.check()


def test_a_stop_that_lasts_until_the_restart(subject):
    subject.manage({'stop': {}})
    tenants.until(lambda: subject.tenant.show(subject.id)['operating_status'] == 'SHUTDOWN', pause_seconds=0.4)
    subject.change('restart', [])
    subject.check()


def test_a_rebuild(subject):
    subject.manage({'rebuild': {'image_id': str(uuid.uuid4())}})
    subject.check()


def test_a_migration_that_cannot_be_leaves_everything_as_it_was(subject):
    shown = subject.manage({'migrate': {}})
    assert 'no other host' in shown['fault']['message']
    assert subject.tenant.await_healthy(subject.id)['status'] == 'ACTIVE'
    assert subject.ask('SELECT name FROM bird', ('GET', 'bird')) in ([['wren']], 'wren')
