"""The nova provider when the way to the cloud, the cloud or another worker makes trouble; one of everything is left."""

import concurrent.futures
import dataclasses

import pytest

from tests.fixtures import nova_provider, troubled_proxy
from trove.common import exception
from trove.testing import asking

SERVERS = r'/servers$'
VOLUMES = r'/volumes$'
PORTS = r'/ports$'


@pytest.fixture
def world(cloud, tmp_path):
    with nova_provider.worlds(cloud.layout.folder, tmp_path) as made:
        yield made


@pytest.fixture
def proxy(monkeypatch):
    """What the provider's requests go through; the look from the outside goes past it."""
    with troubled_proxy.running() as made:
        yield made


@pytest.fixture
def provider(world, proxy):
    made = world.provider()
    session = made.tools.cloud.session()
    session.session.proxies = {'http': proxy.url}
    return made


def busy(call, *arguments):
    """Return the error of a call that may work later."""
    with pytest.raises(exception.ComputeBusy) as caught:
        call(*arguments)
    return caught.value


def check_one(world, request):
    """There is one of everything."""
    cloud, instance_id = world.cloud, request.instance_id
    looks = (cloud.servers, cloud.volumes, cloud.security_groups)
    assert [len(look(instance_id)) for look in looks] == [1, 1, 1]
    names = [port.name for port in cloud.ports(instance_id) if not port.name.endswith('-claim')]
    assert sorted(names) == [f'trove-{instance_id}', f'trove-{instance_id}-mgmt-1']


class TestLostReplies:
    """What was asked for is done, and nobody hears of it."""

    def test_port(self, world, proxy, provider):
        request = world.request()
        proxy.make('POST', PORTS, 'lose', times=2)
        busy(provider.make_address, request)
        assert len(asking.insist(provider.make_address, request)) == 1
        assert len(world.cloud.ports(request.instance_id)) == 2
        assert len(world.cloud.security_groups(request.instance_id)) == 1

    def test_volume_and_server(self, world, proxy, provider):
        request = world.request()
        addresses = asking.insist(provider.make_address, request)
        proxy.make('POST', VOLUMES, 'lose')
        busy(provider.make_volume, request)
        volume = asking.make_volume(provider, request)
        proxy.make('POST', SERVERS, 'lose')
        # The claim that nobody gave back holds for a while; what it was for is found before.
        asking.insist(provider.make_server, request, addresses, volume)
        asking.become(provider, request.instance_id, asking.ACTIVE)
        check_one(world, request)
        assert proxy.count('POST', VOLUMES) == proxy.count('POST', SERVERS) == 1
        asking.delete(provider, request.instance_id)
        assert world.cloud.left(request.instance_id) == []

    @pytest.mark.slow
    def test_request_that_never_arrived_is_sent_again_after_a_while(self, world, proxy, provider):
        request = world.request(volume_size=None)
        addresses = asking.insist(provider.make_address, request)
        proxy.make('POST', SERVERS, 'refuse')
        busy(provider.make_server, request, addresses, None)
        # What makes and what deletes waits: the lost request may still be under way.
        late = busy(world.provider().make_server, request, addresses, None)
        assert 0 < late.delay_seconds <= 30
        assert not provider.delete_server(request.instance_id)
        asking.insist(provider.make_server, request, addresses, None)
        asking.become(provider, request.instance_id, asking.ACTIVE)
        assert proxy.count('POST', SERVERS) == 2
        assert world.count_servers(request.instance_id) == 1

    def test_what_reads_is_repeated_at_once(self, world, proxy, provider):
        request = world.request()
        asking.insist(provider.make_address, request)
        proxy.make('GET', r'/ports\?', 503, times=2)
        assert provider.find_server(request.instance_id) is None
        proxy.make('GET', r'/ports\?', 503, times=9)
        busy(provider.find_server, request.instance_id)


class TestRefusals:
    """Services that say no for now."""

    @pytest.mark.parametrize('status', [409, 429, 500, 503])
    def test_what_passes(self, world, proxy, provider, status):
        request = world.request(volume_size=None)
        addresses = asking.insist(provider.make_address, request)
        proxy.make('POST', SERVERS, status)
        assert 'made by the test' in str(busy(provider.make_server, request, addresses, None))
        is_answered = status < 500
        claims = [port for port in world.cloud.ports(request.instance_id) if port.name.endswith('-claim')]
        assert len(claims) == int(not is_answered)

    def test_token_that_is_refused_is_renewed(self, world, proxy, provider):
        request = world.request()
        asking.insist(provider.make_address, request)
        logins = proxy.count('POST', '/auth/tokens')
        proxy.make('GET', r'/ports\?', 401)
        assert provider.find_server(request.instance_id) is None
        assert proxy.count('POST', '/auth/tokens') == logins + 1

    def test_token_that_was_revoked_is_renewed(self, world, proxy, provider):
        request = world.request()
        asking.build(provider, request)
        session = provider.tools.cloud.session()
        for _ in range(2):
            world.cloud.admin.identity.delete('/auth/tokens', headers={'X-Subject-Token': session.get_token()})
            assert asking.is_in(provider, request.instance_id, asking.ACTIVE)

    def test_password_that_is_wrong(self, world):
        world.credentials['password'] = 'canary'
        error = busy(world.provider().find_server, world.request().instance_id)
        assert 'service_credentials' in str(error)
        assert 'canary' not in str(error)

    def test_cloud_that_is_not_there(self, world):
        world.credentials.update(auth_url='http://127.0.0.1:1/v3')
        busy(world.provider().list_servers)

    def test_region_that_is_not_there(self, world):
        world.credentials['region_name'] = 'nowhere'
        with pytest.raises(exception.ComputeError, match='region_name'):
            world.provider().list_flavors()

    def test_tokens_and_connections_are_used_again(self, world, proxy, provider):
        request = world.request()
        asking.build(provider, request)
        asking.delete(provider, request.instance_id)
        assert proxy.count('POST', '/auth/tokens') == 1


class TestWorkers:
    """Other workers, and what they leave behind."""

    def test_addresses_made_at_the_same_time(self, world):
        for _ in range(3):
            request = world.request()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                made = list(
                    pool.map(lambda _, one=request: asking.insist(world.provider().make_address, one), range(4))
                )
            assert len(set(map(tuple, made))) == 1
            assert len(world.cloud.ports(request.instance_id)) == 2
            assert len(world.cloud.security_groups(request.instance_id)) == 1

    def test_worker_that_was_held_up_makes_nothing(self, world, proxy, provider):
        request = world.request(volume_size=None)
        addresses = asking.insist(provider.make_address, request)
        # Frozen after its claim, for as long as a claim counts: another one has made the server meanwhile.
        clock = iter([0.0])
        provider.tools.slots._monotonic = lambda: next(clock, 30.0)
        assert 'grew too old' in str(busy(provider.make_server, request, addresses, None))
        assert proxy.count('POST', SERVERS) == 0

    def test_surplus_server_is_removed(self, world, provider):
        request = world.request()
        server = asking.build(provider, request)
        tags = [f'trove-{request.instance_id}']
        world.cloud.nova.servers.create('twin', world.cloud.image_id, 'db.tiny', nics='none', tags=tags)
        asking.until(lambda: len(world.cloud.servers(request.instance_id)) == 2)
        assert provider.find_server(request.instance_id).id == server.id
        (told,) = asking.listed(provider, request.instance_id)
        assert told.id == server.id
        assert asking.insist(provider.make_server, request, [], None).id == server.id
        asking.until(lambda: world.count_servers(request.instance_id) == 1)
        world.cloud.nova.servers.create('twin', world.cloud.image_id, 'db.tiny', nics='none', tags=tags)
        asking.delete(provider, request.instance_id)
        assert world.cloud.left(request.instance_id) == []

    def test_surplus_volume_is_removed(self, world, provider):
        request = world.request()
        asking.build(provider, request)
        volume = asking.make_volume(provider, request)
        world.cloud.service.block_storage.create_volume(name=f'trove-{request.instance_id}', size=1)
        assert provider.make_volume(request).id == volume.id
        assert [one for one in asking.insist(provider.list_volumes) if one.instance_id == request.instance_id] == [
            volume
        ]
        asking.delete(provider, request.instance_id)
        assert world.cloud.left(request.instance_id) == []

    def test_server_without_its_tag_is_found_by_its_port(self, world, provider):
        request = world.request()
        server = asking.build(provider, request)
        world.cloud.nova.servers.delete_all_tags(server.id)
        assert provider.find_server(request.instance_id) == server
        asking.delete(provider, request.instance_id)
        assert world.cloud.nova.servers.list() == [] or server.id not in [
            one.id for one in world.cloud.nova.servers.list()
        ]

    def test_server_that_somebody_deleted(self, world, provider):
        request = world.request()
        server = asking.build(provider, request)
        world.cloud.nova.servers.delete(server.id)
        asking.until(lambda: provider.find_server(request.instance_id) is None)
        again = asking.build(provider, dataclasses.replace(request))
        assert again.id != server.id
        assert world.count_volumes(request.instance_id) == 1

    def test_instance_that_is_deleted_while_it_is_made(self, world, provider):
        request = world.request()
        addresses = asking.insist(provider.make_address, request)
        volume = asking.make_volume(provider, request)
        asking.insist(provider.make_server, request, addresses, volume)
        asking.delete(world.provider(), request.instance_id)
        assert world.cloud.left(request.instance_id) == []
