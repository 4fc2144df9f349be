"""The life of an instance of each datastore in the cloud, driven by a Keystone user with the real client."""

import pytest

from tests.e2e import clients
from tests.fixtures import observed
from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import places

BEHIND_OUR_BACK_SECONDS = 60


@pytest.fixture(scope='module', params=['mariadb', 'postgresql', 'redis'])
def place(request, module_member):
    """One instance for all tests of its datastore, in the order in which they stand here."""
    with places.serving(module_member, request.param, f'place-{request.param}') as made:
        yield made


def need_sql(place):
    if place.datastore not in places.SQL:
        pytest.skip('it has no databases and no users')


def test_it_consists_of_one_of_each(place, cloud):
    held = cloud.holdings_of(place.id)
    networks = sorted(cloud.network_id(name) for name in ('private', 'mgmt'))
    assert {kind: len(held[kind]) for kind in ('servers', 'volumes', 'security groups')} == {
        'servers': 1,
        'volumes': 1,
        'security groups': 1,
    }
    assert sorted(port['network_id'] for port in held['ports']) == networks
    shown = place.show()
    port = next(one for one in held['ports'] if one['network_id'] == cloud.network_id())
    assert shown['ip'] == [port['fixed_ips'][0]['ip_address']]
    assert (shown['flavor']['id'], shown['volume']['size']) == ('db.tiny', 1)
    assert len(observed.engines_of(place.id)) == 1


def test_queries_are_answered_on_the_address_of_the_port(place):
    place.put('wren')
    assert place.values() == ['wren']
    assert place.is_refused('wrong')
    assert place.is_refused('')


def test_databases(place):
    need_sql(place)
    place.run('db', 'create', place.name, 'garden')
    assert [row['Name'] for row in place.json('db', 'list', place.name)] == ['garden', 'shop']
    place.run('db', 'delete', place.name, 'garden')
    assert [row['Name'] for row in place.json('db', 'list', place.name)] == ['shop']


def test_users(place):
    need_sql(place)
    place.run('user', 'create', place.name, 'bert', 'Bert-Secret-2', '--databases', 'shop')
    assert place.ask("SELECT 'here'", 'bert', 'Bert-Secret-2') == [['here']]
    assert sorted(row['Name'] for row in place.json('user', 'list', place.name)) == ['anna', 'bert']
    place.run('user', 'delete', place.name, 'bert')
    assert place.is_refused('Bert-Secret-2', 'bert')


def test_root(place):
    enabled = place.json('root', 'enable', place.name)
    if place.datastore in places.SQL:
        assert place.ask("SELECT 'here'", enabled.get('name', 'root'), enabled['password']) == [['here']]
    else:
        assert clients.ask_redis(place.address, enabled['password'], 'PING') in ('PONG', True)
        place.use_password(enabled['password'])
    assert 'True' in place.run('root', 'show', place.name)


def test_restart(place):
    before = observed.engines_of(place.id)
    place.run('instance', 'restart', place.name)
    place.await_healthy()
    after = observed.engines_of(place.id)
    assert (len(before), len(after)) == (1, 1)
    assert before != after
    assert place.values() == ['wren']


def test_another_flavor(place):
    place.run('instance', 'resize', 'flavor', place.name, 'db.small')
    shown = place.await_healthy()
    assert shown['flavor']['id'] == 'db.small'
    server = place.server
    assert (server['status'], server['flavor']['original_name']) == ('ACTIVE', 'db.small')
    assert place.values() == ['wren']


def test_a_larger_volume(place):
    place.run('instance', 'resize', 'volume', place.name, '2')
    shown = place.await_healthy()
    assert shown['volume']['size'] == 2
    assert (place.volume['size'], place.volume['status']) == (2, 'in-use')
    assert place.values() == ['wren']


def test_a_server_that_is_stopped_behind_our_back(place, cloud):
    server_id = place.server['id']
    cloud.act(server_id, 'os-stop')
    try:
        # What a server does that is neither active nor at work has no word of its own in the API.
        tenants.until(lambda: place.show()['status'] == 'UNKNOWN', BEHIND_OUR_BACK_SECONDS, 0.5)
        assert place.show()['operating_status'] == ''
    finally:
        cloud.act(server_id, 'os-start')
    tenants.until(lambda: place.show()['status'] == 'ACTIVE', BEHIND_OUR_BACK_SECONDS, 0.5)
    place.await_healthy()
    assert place.values() == ['wren']


def rules_of(cloud, instance_id):
    (group,) = cloud.holdings_of(instance_id)['security groups']
    rules = [rule for rule in group['security_group_rules'] if rule['direction'] == 'ingress']
    return {(rule['remote_ip_prefix'], rule['port_range_min']) for rule in rules}


PORTS = {'mariadb': 3306, 'postgresql': 5432, 'redis': 6379}


def test_access(place, cloud):
    port = PORTS[place.datastore]
    assert ('0.0.0.0/0', port) in rules_of(cloud, place.id)
    place.run('instance', 'update', place.name, '--is-public', '--allowed-cidr', '127.0.0.0/8')
    shown = place.await_healthy()
    assert {prefix for prefix, _port in rules_of(cloud, place.id)} == {'127.0.0.0/8'}
    (floating,) = cloud.holdings_of(place.id)['floating IPs']
    assert floating['floating_ip_address'] in [one['address'] for one in shown['addresses'] if one['type'] == 'public']
    place.run('instance', 'update', place.name, '--is-private')
    place.await_healthy()
    assert 'floating IPs' not in cloud.holdings_of(place.id)
    assert place.values() == ['wren']


def fixed_addresses(server):
    """Return the addresses of the server's ports; of floating ones Nova hears late, when they come and when they go."""
    found = [one for addresses in server['addresses'].values() for one in addresses]
    return sorted(one['addr'] for one in found if one['OS-EXT-IPS:type'] == 'fixed')


def test_rebuild_by_the_operator(place, trove, operator):
    before = place.server
    image_id = trove.make_guest_image('newer-guest')
    operator.openstack('database', 'instance', 'rebuild', place.id, image_id)
    place.await_healthy()
    after = place.server
    assert (after['id'], after['image']['id']) == (before['id'], image_id)
    assert fixed_addresses(after) == fixed_addresses(before)
    assert place.values() == ['wren']


def test_delete_leaves_nothing(place, cloud):
    place.run('instance', 'delete', place.name)
    place.member.await_gone(place.id)
    assert cloud.holdings_of(place.id) == {}
