"""What becomes of an instance when the cloud refuses, breaks or is changed behind our back, with the real services."""

import contextlib
import uuid

import pytest

from tests.fixtures import observed
from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import members, places

REFUSAL_SECONDS = 60
BEHIND_OUR_BACK_SECONDS = 60
GIANT = 'db.giant'


def use_of(operator, member):
    """Return what a member's project uses of its quota."""
    quotas = operator.get(f'/mgmt/quotas/{member.project_id}')['quotas']
    return {quota['resource']: quota['in_use'] for quota in quotas if quota['in_use']}


def task_of(operator, instance_id):
    """Return what operators are told that an instance is at."""
    return operator.get(f'/mgmt/instances/{instance_id}')['instance']['task_description']


def create(member, version):
    """Ask for a Redis of some version."""
    wanted = {
        'name': version,
        'flavorRef': members.FLAVOR,
        'volume': {'size': 1},
        'nics': [{'net-id': member.cloud.network_id()}],
        'datastore': {'type': 'redis', 'version': version},
    }
    answer = member.send('POST', '/instances', json={'instance': wanted})
    assert answer.status_code == 200, answer.text
    return answer.json()['instance']


def await_refusal(member, instance_id, seconds=REFUSAL_SECONDS):
    """Return the fault of an instance whose build failed, once nothing is left to be done."""
    shown = member.await_state(instance_id, 'ERROR', seconds)
    tenants.until(lambda: 'operation' not in member.show(instance_id), seconds)
    assert member.show(instance_id)['status'] == 'ERROR'
    return shown['fault']['message']


def check_nothing_is_held(operator, member, instance_id):
    """The failed build keeps nothing; the row goes with a deletion."""
    assert member.cloud.holdings_of(instance_id) == {}
    assert use_of(operator, member) == {}
    member.delete(instance_id)
    member.await_gone(instance_id)
    assert member.show(instance_id) is None
    assert use_of(operator, member) == {}


class TestCreate:
    """Builds that cannot succeed end as errors that say why, and hold nothing."""

    def test_flavor_that_is_too_big(self, member, operator):
        instance = member.create('giant', 'redis', flavorRef=GIANT)
        fault = await_refusal(member, instance['id'])
        assert 'no host of the cloud could take the server. Choose a smaller flavor' in fault
        assert 'No valid host was found' in fault
        assert task_of(operator, instance['id']) == 'Build error: server.'
        check_nothing_is_held(operator, member, instance['id'])

    def test_quota_of_cinder(self, member, operator, volume_quota):
        volume_quota(volumes=0)
        instance = member.create('heavy', 'redis')
        fault = await_refusal(member, instance['id'])
        assert 'Making the volume' in fault
        assert 'delete what is not needed or ask the operator for more quota' in fault
        assert task_of(operator, instance['id']) == 'Build error: volume.'
        check_nothing_is_held(operator, member, instance['id'])

    def test_image_that_does_not_boot(self, trove, member, operator):
        trove.register_version('redis', 'broken', trove.make_image('broken', 'echo no kernel found; exit 1'))
        instance = create(member, 'broken')
        fault = await_refusal(member, instance['id'])
        assert 'look at the image of this datastore version' in fault
        assert task_of(operator, instance['id']) == 'Build error: server.'
        check_nothing_is_held(operator, member, instance['id'])

    @pytest.mark.slow
    def test_guest_that_never_reports(self, trove, member, operator):
        trove.register_version('redis', 'silent', trove.make_image('silent', 'exec sleep 100000'))
        with trove.configured({'redis': {'usage_timeout': '30'}}, 'api'):
            instance = create(member, 'silent')
            fault = await_refusal(member, instance['id'])
        assert 'failed in step await_guest' in fault
        assert 'was not done in time' in fault
        assert task_of(operator, instance['id']) == 'Build error: the guest did not come up.'
        check_nothing_is_held(operator, member, instance['id'])

    def test_image_that_is_gone(self, trove, member, operator):
        image_id = trove.make_image('short-lived', 'exec sleep 100000')
        trove.register_version('redis', 'gone', image_id)
        trove.cloud.delete_image(image_id)
        instance = create(member, 'gone')
        fault = await_refusal(member, instance['id'])
        assert f"Image '{image_id}' could not be found; ask the operator to bring it back" in fault
        assert task_of(operator, instance['id']) == 'Build error: server.'
        check_nothing_is_held(operator, member, instance['id'])


class TestNetworks:
    """Networks and addresses that a tenant may not have are refused with words that do not tell on others."""

    def test_network_of_somebody_else(self, member, make_member, operator):
        with network_of(make_member()) as (network_id, _subnet_id):
            instance = member.create('burglar', 'redis', nics=[{'net-id': network_id}])
            fault = await_refusal(member, instance['id'])
        assert f'network {network_id} is not there or not for project {member.project_id} to use' in fault
        assert 'name one with --nic net-id=' in fault
        assert task_of(operator, instance['id']) == 'Build error: port.'
        check_nothing_is_held(operator, member, instance['id'])

    def test_network_that_is_not_there(self, member, operator):
        network_id = str(uuid.uuid4())
        instance = member.create('lost', 'redis', nics=[{'net-id': network_id}])
        fault = await_refusal(member, instance['id'])
        assert f'network {network_id} is not there or not for project {member.project_id} to use' in fault
        assert 'name one with --nic net-id=' in fault
        check_nothing_is_held(operator, member, instance['id'])

    def test_own_network_and_an_address_in_use(self, member, operator):
        with network_of(member) as (network_id, subnet_id):
            with port_on(member, network_id) as address:
                nic = {'net-id': network_id, 'subnet_id': subnet_id, 'ip_address': address}
                instance = member.create('twin', 'redis', nics=[nic])
                fault = await_refusal(member, instance['id'])
                assert address in fault
                assert 'choose another ip_address' in fault
                assert task_of(operator, instance['id']) == 'Build error: port.'
                check_nothing_is_held(operator, member, instance['id'])
            # Now that it is free, the same request is fine.
            again = member.create('twin', 'redis', nics=[nic])
            assert member.await_healthy(again['id'])['ip'] == [address]
            member.delete(again['id'])
            member.await_gone(again['id'])


class TestChanges:
    """A change that the cloud refuses leaves the instance as it was, serving, with a fault and its old quota."""

    def test_resize_to_a_flavor_that_is_too_big(self, member, operator, place):
        before = place.server
        used = use_of(operator, member)
        place.run('instance', 'resize', 'flavor', place.name, GIANT)
        fault = await_change(place)['fault']['message']
        assert 'no host of the cloud could take the server' in fault
        assert 'It has flavor db.tiny as before; choose another one' in fault
        assert place.show()['flavor']['id'] == members.FLAVOR
        assert (place.server['id'], place.server['flavor']['original_name']) == (before['id'], members.FLAVOR)
        assert use_of(operator, member) == used
        assert place.values() == ['wren']
        # And it is no dead end.
        place.run('instance', 'resize', 'flavor', place.name, members.LARGER_FLAVOR)
        assert 'fault' not in await_change(place)
        assert place.show()['flavor']['id'] == members.LARGER_FLAVOR
        assert place.values() == ['wren']

    def test_grow_beyond_the_quota_of_cinder(self, member, operator, place, volume_quota):
        used = use_of(operator, member)
        volume_quota(gigabytes=1)
        place.run('instance', 'resize', 'volume', place.name, '2')
        shown = await_change(place)
        assert 'Growing the volume failed' in shown['fault']['message']
        assert 'ask the operator for more quota' in shown['fault']['message']
        assert 'It has 1 GB as before' in shown['fault']['message']
        assert shown['volume']['size'] == 1
        assert (place.volume['size'], place.volume['status']) == (1, 'in-use')
        assert use_of(operator, member) == used
        assert place.values() == ['wren']
        volume_quota(gigabytes=-1)
        place.run('instance', 'resize', 'volume', place.name, '2')
        shown = await_change(place)
        assert 'fault' not in shown
        assert shown['volume']['size'] == 2
        assert place.values() == ['wren']


class TestBehindOurBack:
    """What somebody does to a server past Trove is shown within a minute."""

    def test_server_that_is_put_into_error(self, place, cloud):
        server_id = place.server['id']
        set_state(cloud, server_id, 'error')
        shown = place.member.await_state(place.id, 'ERROR', BEHIND_OUR_BACK_SECONDS)
        assert 'The compute provider reports: ' in shown['fault']['message']
        assert 'operator' in shown['fault']['message']
        set_state(cloud, server_id, 'active')
        place.member.await_state(place.id, 'ACTIVE', BEHIND_OUR_BACK_SECONDS)
        assert 'fault' not in place.show()
        assert place.values() == ['wren']

    def test_server_that_is_deleted(self, member, operator, place, cloud):
        used = use_of(operator, member)
        cloud.admin.delete('compute', f'/servers/{place.server["id"]}')
        shown = member.await_state(place.id, 'SHUTDOWN', BEHIND_OUR_BACK_SECONDS)
        assert 'the server was deleted outside of Trove' in shown['fault']['message']
        assert observed.processes_of(place.id) == {}
        # The volume is there still, and so are ports and quota.
        assert 'volumes' in cloud.holdings_of(place.id)
        assert use_of(operator, member) == used
        member.delete(place.id)
        member.await_gone(place.id)
        assert cloud.holdings_of(place.id) == {}
        assert use_of(operator, member) == {}

    def test_everything_that_is_deleted(self, member, operator, place, cloud):
        held = cloud.holdings_of(place.id)
        cloud.admin.delete('compute', f'/servers/{place.server["id"]}')
        tenants.until(lambda: 'servers' not in cloud.holdings_of(place.id), 30)
        for kind, service, path in (('volumes', 'volumev3', 'volumes'), ('ports', 'network', 'ports')):
            for row in held[kind]:
                cloud.admin.delete(service, f'/{path}/{row["id"]}')
        member.await_state(place.id, 'SHUTDOWN', BEHIND_OUR_BACK_SECONDS)
        member.delete(place.id)
        member.await_gone(place.id)
        assert cloud.holdings_of(place.id) == {}
        assert use_of(operator, member) == {}


# -- what the tests are made of --------------------------------------------------------


@pytest.fixture
def place(member):
    """A Redis that serves and holds a value."""
    with places.serving(member, 'redis', 'cache') as made:
        made.put('wren')
        yield made


@pytest.fixture
def volume_quota(cloud):
    """A function that limits what Cinder gives Trove's project."""
    (project,) = cloud.admin.get('identity', '/projects?name=service')['projects']
    yield lambda **limits: cloud.set_volume_quota(project['id'], **limits)
    cloud.reset_volume_quota(project['id'])


@contextlib.contextmanager
def network_of(owner):
    """Give a network that belongs to a member's project alone, and its subnet."""
    account = owner.account
    network_id = account.post('network', '/networks', {'network': {'name': 'own'}})['network']['id']
    # No other network of the cloud has these addresses, and no other cloud.
    cidr = f'{owner.cloud.layout.network(3)}.0.0/24'
    fields = {'network_id': network_id, 'ip_version': 4, 'cidr': cidr, 'enable_dhcp': False, 'gateway_ip': None}
    try:
        yield network_id, account.post('network', '/subnets', {'subnet': fields})['subnet']['id']
    finally:
        account.delete('network', f'/networks/{network_id}')


@contextlib.contextmanager
def port_on(owner, network_id):
    """Give the address of a port of a member's own."""
    port = owner.account.post('network', '/ports', {'port': {'network_id': network_id}})['port']
    try:
        yield port['fixed_ips'][0]['ip_address']
    finally:
        owner.account.delete('network', f'/ports/{port["id"]}')


def await_change(place):
    """Wait for the end of a change and for the database, and return the instance."""
    tenants.until(lambda: 'operation' not in place.show(), 120, 0.3)
    return place.await_healthy()


def set_state(cloud, server_id, state):
    """Have Nova believe something of a server, as an operator can."""
    cloud.admin.post('compute', f'/servers/{server_id}/action', {'os-resetState': {'state': state}})
