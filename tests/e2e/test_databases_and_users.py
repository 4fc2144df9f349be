"""Databases, users, grants and root with the real client; what they do is seen by connecting."""

import pytest

from tests.e2e import clients


class Place:
    """An instance that was asked for with the real client, with a database and a user."""

    def __init__(self, stack, datastore):
        self.datastore = datastore
        self.stack = stack
        self.name = f'place-{datastore}'
        stack.openstack(
            *('database', 'instance', 'create', self.name, '--flavor', 'tiny', '--size', '1'),
            *('--datastore', datastore, '--datastore-version', version_of(stack, datastore)),
            *('--databases', 'shop', '--users', 'anna:first-Secret-1'),
        )
        shown = stack.openstack_json('database', 'instance', 'show', self.name)
        self.id = shown['id']
        self.address = stack.tenant().await_healthy(self.id)['ip'][0]

    def run(self, *command):
        """Run ``openstack database COMMAND`` with the instance as the first argument after the verb."""
        return self.stack.openstack('database', *command)

    def json(self, *command):
        return self.stack.openstack_json('database', *command)

    def ask(self, user, password, statement="SELECT 'here'", database='shop'):
        return clients.ASK[self.datastore](self.address, user, password, statement, database)

    def is_refused(self, user, password, statement="SELECT 'here'", database='shop'):
        return clients.is_refused(clients.ASK[self.datastore], self.address, user, password, statement, database)


def version_of(stack, datastore):
    return stack.openstack_json('datastore', 'version', 'list', datastore)[0]['Name']


@pytest.fixture(scope='module', params=['mariadb', 'postgresql'])
def place(request, shared_stack):
    place = Place(shared_stack, request.param)
    yield place
    shared_stack.tenant().delete(place.id)
    shared_stack.tenant().await_gone(place.id)


def test_what_was_asked_for_at_create_is_there(place):
    assert place.ask('anna', 'first-Secret-1') == [['here']]
    assert place.is_refused('anna', 'wrong')
    assert place.is_refused('anna', '')
    assert place.is_refused('nobody', '')


def test_databases(place):
    place.run('db', 'create', place.name, 'garden')
    assert [row['Name'] for row in place.json('db', 'list', place.name)] == ['garden', 'shop']
    place.run('db', 'delete', place.name, 'garden')
    assert [row['Name'] for row in place.json('db', 'list', place.name)] == ['shop']
    assert place.ask('anna', 'first-Secret-1') == [['here']]


def test_users(place):
    place.run('user', 'create', place.name, 'bert', 'Bert-Secret-2', '--databases', 'shop')
    assert place.ask('bert', 'Bert-Secret-2') == [['here']]
    listed = {row['Name']: row for row in place.json('user', 'list', place.name)}
    assert sorted(listed) == ['anna', 'bert']
    assert 'shop' in str(listed['bert']['Databases'])
    shown = place.json('user', 'show', place.name, 'bert')
    assert shown['name'] == 'bert'
    assert 'shop' in str(shown['databases'])
    assert 'Bert-Secret-2' not in str(shown)

    attributes = ('--new_name', 'carl', '--new_password', 'Carl-Secret-3')
    place.run('user', 'update', 'attributes', place.name, 'bert', *attributes)
    assert place.ask('carl', 'Carl-Secret-3') == [['here']]
    assert place.is_refused('bert', 'Bert-Secret-2')
    assert place.is_refused('carl', 'Bert-Secret-2')

    place.run('user', 'delete', place.name, 'carl')
    assert place.is_refused('carl', 'Carl-Secret-3')
    assert [row['Name'] for row in place.json('user', 'list', place.name)] == ['anna']


def test_grants(place):
    place.run('db', 'create', place.name, 'cellar')
    place.run('user', 'create', place.name, 'dora', 'Dora-Secret-4', '--databases', 'shop')
    table = 'CREATE TABLE wine (bottle INT)'
    assert place.is_refused('dora', 'Dora-Secret-4', table, 'cellar')

    place.run('user', 'grant', 'access', place.name, 'dora', 'cellar')
    assert place.ask('dora', 'Dora-Secret-4', table, 'cellar') == []
    assert place.ask('dora', 'Dora-Secret-4', 'SELECT count(*) FROM wine', 'cellar') == [[0]]
    granted = {row['Name'] for row in place.json('user', 'show', 'access', place.name, 'dora')}
    assert granted == {'shop', 'cellar'}

    place.run('user', 'revoke', 'access', place.name, 'dora', 'cellar')
    assert place.is_refused('dora', 'Dora-Secret-4', 'INSERT INTO wine VALUES (1)', 'cellar')
    assert place.ask('dora', 'Dora-Secret-4') == [['here']]
    place.run('user', 'delete', place.name, 'dora')
    place.run('db', 'delete', place.name, 'cellar')
    assert [row['Name'] for row in place.json('db', 'list', place.name)] == ['shop']


def test_root(place):
    assert 'False' in place.run('root', 'show', place.name)
    enabled = place.json('root', 'enable', place.name)
    root, password = enabled['name'], enabled['password']
    assert root == {'mariadb': 'root', 'postgresql': 'postgres'}[place.datastore]
    assert place.ask(root, password) == [['here']]
    assert place.is_refused(root, '')
    assert place.is_refused(root, 'wrong')
    assert 'True' in place.run('root', 'show', place.name)

    again = place.json('root', 'enable', place.name)
    assert again['password'] != password
    assert place.is_refused(root, password)
    assert place.ask(root, again['password']) == [['here']]

    place.run('root', 'disable', place.name)
    assert place.is_refused(root, again['password'])
    assert 'False' in place.run('root', 'show', place.name)


def test_the_data_survive_a_restart(place):
    place.ask('anna', 'first-Secret-1', 'CREATE TABLE pet (name TEXT)')
    place.ask('anna', 'first-Secret-1', "INSERT INTO pet VALUES ('cat')")
    place.run('instance', 'restart', place.name)
    place.stack.tenant().await_healthy(place.id)
    assert place.ask('anna', 'first-Secret-1', 'SELECT name FROM pet') == [['cat']]
