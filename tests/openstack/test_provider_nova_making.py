"""The nova provider: what it makes of requests, and how it says that it cannot, on a real cloud."""

import contextlib
import dataclasses
import email
import pathlib
import uuid

import pytest

from tests.fixtures import nova_provider
from trove.common import clock, exception, states
from trove.compute import base
from trove.testing import asking

ERROR = states.ServerStatus.ERROR


@pytest.fixture
def world(cloud, tmp_path):
    with nova_provider.worlds(cloud.layout.folder, tmp_path) as made:
        yield made


@pytest.fixture
def provider(world):
    return world.provider()


@contextlib.contextmanager
def network(cloud, project_id):
    """Give the id of a network of a project, with a subnet and without a router."""
    made = cloud.admin.network.create_network(name=f'trove-test-{uuid.uuid4()}', project_id=project_id)
    subnet = cloud.admin.network.create_subnet(
        network_id=made.id, ip_version=4, cidr='10.66.0.0/24', enable_dhcp=False, project_id=project_id
    )
    try:
        yield made.id, subnet.id
    finally:
        cloud.admin.network.delete_network(made.id)


@contextlib.contextmanager
def flavor(cloud, **values):
    """Give a flavor of the test's own."""
    name = f'trove-test-{uuid.uuid4()}'
    made = cloud.admin.compute.create_flavor(name=name, **{'ram': 512, 'vcpus': 1, 'disk': 1, **values})
    try:
        yield base.Flavor(made.id, name, made.ram, made.vcpus, made.disk)
    finally:
        cloud.admin.compute.delete_flavor(made.id)


@contextlib.contextmanager
def image(cloud, is_active=True, **values):
    """Give an image of the test's own."""
    values = {'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'public', **values}
    made = cloud.admin.image.create_image(name=f'trove-test-{uuid.uuid4()}', allow_duplicates=True, **values)
    try:
        if is_active:
            cloud.admin.image.put(f'/images/{made.id}/file', data=b'\0' * 1024, headers=OCTETS)
        yield base.Image(made.id, made.name)
    finally:
        cloud.admin.image.delete_image(made.id)


OCTETS = {'Content-Type': 'application/octet-stream'}


def fault_of(provider, request):
    """Make all of an instance whose server is to fail; return its fault."""
    addresses = asking.insist(provider.make_address, request)
    volume = asking.make_volume(provider, request)
    asking.insist(provider.make_server, request, addresses, volume)
    asking.until(lambda: provider.find_server(request.instance_id).status == ERROR)
    return provider.find_server(request.instance_id).fault


def refusal(call, *arguments):
    """Return what a call says that no repetition cures."""
    with pytest.raises(exception.ComputeError) as caught:
        asking.insist(call, *arguments)
    assert not isinstance(caught.value, exception.ComputeBusy)
    return str(caught.value)


class TestNetworks:
    """Whose networks may be used."""

    def test_network_of_another_project(self, world, provider):
        with network(world.cloud, world.cloud.admin.current_project_id) as (network_id, subnet_id):
            for nic in ({'network_id': network_id}, {'subnet_id': subnet_id}):
                request = world.request(nics=(nic,))
                assert 'not there or not for project' in refusal(provider.make_address, request)
                assert world.cloud.ports(request.instance_id) == []
            world.options['enable_access_check'] = False
            assert world.provider().make_address(request)
            asking.delete(provider, request.instance_id)
            world.cloud.admin.network.create_rbac_policy(
                object_type='network',
                object_id=network_id,
                action='access_as_shared',
                target_project_id=world.project_id,
            )
            assert provider.make_address(request)
            asking.delete(provider, request.instance_id)

    def test_network_of_the_own_project(self, world, provider):
        with network(world.cloud, world.project_id) as (network_id, subnet_id):
            nics = ({'network_id': network_id, 'subnet_id': subnet_id, 'ip_address': '10.66.0.77'},)
            request = world.request(nics=nics)
            (address,) = provider.make_address(request)
            assert (address.address, address.network) == ('10.66.0.77', network_id)
            taken = refusal(provider.make_address, world.request(nics=nics))
            assert 'choose another ip_address' in taken
            public = dataclasses.replace(request, access=base.Access(is_public=True))
            assert 'router' in refusal(provider.change_access, public)
            asking.delete(provider, request.instance_id)

    @pytest.mark.parametrize(
        'nic',
        [{}, {'network_id': 'UNKNOWN'}, {'subnet_id': 'UNKNOWN'}, {'network_id': 'UNKNOWN', 'subnet_id': 'UNKNOWN'}],
    )
    def test_network_that_is_not_there(self, world, provider, nic):
        nics = ({name: str(uuid.uuid4()) for name in nic},) if nic else ()
        request = world.request(nics=nics)
        assert '--nic net-id=' in refusal(provider.make_address, request)

    def test_several_networks(self, world, provider):
        with network(world.cloud, world.project_id) as (network_id, _):
            private = world.cloud.networks['private']
            request = world.request(nics=({'network_id': private}, {'network_id': network_id}))
            server = asking.build(provider, request)
            assert [address.network for address in server.addresses] == [private, network_id]
            assert len(world.cloud.ports(request.instance_id)) == 3, 'one more for management'
            asking.delete(provider, request.instance_id)

    def test_ports_that_somebody_deleted(self, world, provider):
        request = world.request()
        asking.insist(provider.make_address, request)
        for port in world.cloud.ports(request.instance_id):
            world.cloud.admin.network.delete_port(port.id)
        assert 'no port any more' in refusal(provider.change_access, request)
        asking.build(provider, request)
        for port in world.cloud.ports(request.instance_id):
            world.cloud.admin.network.delete_port(port.id)
        assert provider.find_server(request.instance_id).addresses == ()
        assert world.provider().make_server(request, [], None).id
        asking.delete(provider, request.instance_id)
        assert world.cloud.left(request.instance_id) == []


class TestAccess:
    """Who is let in."""

    def rules(self, world, instance_id):
        (group,) = world.cloud.security_groups(instance_id)
        return {
            (rule['protocol'], rule['port_range_min'], rule['port_range_max'], rule['remote_ip_prefix'])
            for rule in group.security_group_rules
            if rule['direction'] == 'ingress'
        }

    def test_rules_follow_the_request(self, world, provider):
        request = world.request(tcp_ports=('3306', '4567-4568'), udp_ports=('4567',))
        everybody = '0.0.0.0/0'
        asking.insist(provider.make_address, request)
        expected = {('tcp', 3306, 3306), ('tcp', 4567, 4568), ('udp', 4567, 4567)}
        assert self.rules(world, request.instance_id) == {(*one, everybody) for one in expected}
        some = dataclasses.replace(request, access=base.Access(False, ('10.1.2.3/8', '2001:db8::/32')))
        asking.insist(provider.change_access, some)
        cidrs = ('10.0.0.0/8', '2001:db8::/32')
        assert self.rules(world, request.instance_id) == {(*one, cidr) for one in expected for cidr in cidrs}
        wrong = dataclasses.replace(request, access=base.Access(False, ('nonsense',)))
        assert 'nonsense' in refusal(provider.change_access, wrong)

    def test_only_ports_of_tenants_are_in_the_group(self, world, provider):
        request = world.request()
        asking.insist(provider.make_address, request)
        (group,) = world.cloud.security_groups(request.instance_id)
        groups = {port.name: port.security_group_ids for port in world.cloud.ports(request.instance_id)}
        assert groups.pop(f'trove-{request.instance_id}') == [group.id]
        (management,) = groups.values()
        assert group.id not in management

    def test_no_public_network(self, world):
        world.options['public_network_id'] = ''
        request = world.request(access=base.Access(is_public=True))
        assert 'public_network_id' in refusal(world.provider().make_address, request)

    def test_floating_ip_that_somebody_took_away(self, world, provider):
        request = world.request(access=base.Access(is_public=True))
        asking.insist(provider.make_address, request)
        (ip,) = world.cloud.floating(request.instance_id)
        world.cloud.admin.network.update_ip(ip, port_id=None)
        addresses = asking.insist(provider.make_address, request)
        assert [address.type for address in addresses] == ['private', 'public']
        assert len(world.cloud.floating(request.instance_id)) == 1


class TestServers:
    """What a server is made from and where."""

    def test_guest_files_and_the_own_user_data(self, world, provider):
        own = '#!/bin/sh\necho hello\n'
        pathlib.Path(world.options['cloudinit_location'], 'mariadb.cloudinit').write_text(own, encoding='utf-8')
        request = world.request()
        server = asking.build(provider, request)
        folder = world.cloud.folder / 'instances' / server.id
        message = email.message_from_string((folder / 'user_data').read_text(encoding='utf-8'))
        parts = [(part.get_content_type(), part.get_payload(decode=True).decode()) for part in message.get_payload()]
        assert [kind for kind, _ in parts] == ['text/cloud-config', 'text/x-shellscript']
        assert 'guest_info.conf' in parts[0][1]
        assert parts[1][1] == own
        assert (folder / 'config-drive' / 'openstack' / 'latest' / 'user_data').exists()

    def test_server_tells_operators_what_it_is(self, world, provider):
        request = world.request()
        asking.build(provider, request)
        (server,) = world.cloud.servers(request.instance_id)
        assert server.name == request.name
        assert server.metadata == {
            'trove_instance_id': request.instance_id,
            'trove_project_id': request.project_id,
            'trove_user_id': request.user_id,
        }

    @pytest.mark.parametrize('locality', ['affinity', 'anti-affinity'])
    def test_locality(self, world, provider, locality):
        request = world.request(locality=locality)
        asking.build(provider, request)
        (group,) = world.cloud.groups(request.instance_id)
        assert (group.policy, len(group.members)) == (locality, 1)
        asking.delete(provider, request.instance_id)
        assert world.cloud.groups(request.instance_id) == []

    def test_availability_zone(self, world, provider):
        world.options['enable_volume_az'] = True
        request = world.request(availability_zone='nova')
        asking.build(world.provider(), request)
        elsewhere = world.request(availability_zone='nowhere')
        assert 'availability zone' in refusal(world.provider().make_volume, self.addressed(provider, elsewhere))
        assert 'availability zone' in refusal(provider.make_server, elsewhere, [], None)

    def test_root_volume(self, world):
        world.options.update(volume_rootdisk_support=True, volume_rootdisk_size=1)
        provider, request = world.provider(), world.request()
        before = set(self.volumes(world))
        asking.build(provider, request)
        assert not world.cloud.servers(request.instance_id)[0].image
        assert len(set(self.volumes(world)) - before) == 2
        asking.delete(provider, request.instance_id)
        asking.until(lambda: set(self.volumes(world)) <= before)

    def test_image_by_tags_is_the_newest_active_one(self, world, provider):
        tags = [str(uuid.uuid4()), 'mariadb']
        with contextlib.ExitStack() as stack:
            stack.enter_context(image(world.cloud, tags=tags))
            moment = clock.utcnow()
            # Glance tells the second in which an image was made.
            asking.until(lambda: clock.utcnow() > moment)
            newest = stack.enter_context(image(world.cloud, tags=tags))
            queued = stack.enter_context(image(world.cloud, is_active=False, tags=tags))
            assert provider.find_image(None, tags) == newest
            assert provider.find_image(newest.id, ()) == newest
            assert 'queued' in refusal(provider.find_image, queued.id)
        for image_id, wanted in ((str(uuid.uuid4()), ()), (None, tags), (None, ()), ('proc', ())):
            with pytest.raises(exception.ImageNotFound):
                provider.find_image(image_id, wanted)

    def test_image_and_flavor_that_are_not_there(self, world, provider):
        request = self.addressed(provider, world.request(volume_size=None))
        unknown = str(uuid.uuid4())
        wrong = dataclasses.replace(request, image=base.Image(unknown, ''))
        assert 'ask the operator' in refusal(provider.make_server, wrong, [], None)
        wrong = dataclasses.replace(request, flavor=base.Flavor(unknown, '', 1))
        assert 'another flavor' in refusal(provider.make_server, wrong, [], None)
        assert world.count_servers(request.instance_id) == 0

    def addressed(self, provider, request):
        """Make a request's address and return it."""
        asking.insist(provider.make_address, request)
        return request

    def volumes(self, world):
        return [volume.id for volume in world.cloud.service.block_storage.volumes()]


class TestFaults:
    """Failures of the real services, and what tenants are told."""

    def test_flavor_that_no_host_has_room_for(self, world, provider):
        with flavor(world.cloud, ram=1024 * 1024 * 1024, disk=5) as huge:
            request = world.request(flavor=huge, volume_size=None)
            assert 'smaller flavor' in fault_of(provider, request)
            asking.delete(provider, request.instance_id)

    def test_resize_to_a_flavor_that_no_host_has_room_for(self, world, provider):
        with flavor(world.cloud, ram=1024 * 1024 * 1024, disk=5) as huge:
            request = world.request(volume_size=None)
            before = asking.build(provider, request)
            asking.insist(provider.resize_server, request.instance_id, huge)
            after = asking.become(provider, request.instance_id, asking.ACTIVE)
            assert 'smaller flavor' in after.fault
            assert dataclasses.replace(after, fault='') == before
            asking.insist(provider.reboot_server, request.instance_id)
            asking.until(lambda: provider.find_server(request.instance_id) == before)

    def test_flavor_whose_disk_is_too_small(self, world, provider):
        with flavor(world.cloud, ram=513, disk=1) as small, image(world.cloud, min_disk=2) as large:
            request = world.request(flavor=small, image=large, volume_size=None)
            addresses = asking.insist(provider.make_address, request)
            assert 'larger flavor' in refusal(provider.make_server, request, addresses, None)

    def test_image_that_does_not_boot(self, world, provider):
        with image(world.cloud, proc_command='exit 3') as broken:
            request = world.request(image=broken)
            assert fault_of(provider, request)
            asking.delete(provider, request.instance_id)
            assert world.cloud.left(request.instance_id) == []

    @pytest.fixture
    def quota(self, world):
        """A quota of Cinder for the service project, which is there for all tests of this cloud."""
        project_id = world.cloud.service.current_project_id
        before = world.cloud.admin.block_storage.get_quota_set(project_id).gigabytes
        world.cloud.admin.block_storage.update_quota_set(project_id, gigabytes=10_000)
        yield
        world.cloud.admin.block_storage.update_quota_set(project_id, gigabytes=before)

    @pytest.mark.usefixtures('quota')
    def test_quota_of_cinder(self, world, provider):
        request = world.request(volume_size=100_000)
        asking.insist(provider.make_address, request)
        assert 'quota' in refusal(provider.make_volume, request)
        asking.delete(provider, request.instance_id)
        request = world.request()
        asking.build(provider, request)
        assert 'quota' in refusal(provider.grow_volume, request.instance_id, 100_000)
        assert asking.make_volume(provider, request).size == 1

    def test_volume_type_that_is_not_there(self, world, provider):
        request = world.request(volume_type='nonsense')
        asking.insist(provider.make_address, request)
        assert 'another volume type' in refusal(provider.make_volume, request)

    def test_volume_that_is_not_ready(self, world, provider):
        request = world.request()
        addresses = asking.insist(provider.make_address, request)
        volume = dataclasses.replace(asking.insist(provider.make_volume, request), is_ready=False)
        with pytest.raises(exception.ComputeBusy, match='not ready yet'):
            provider.make_server(request, addresses, volume)
        assert world.count_servers(request.instance_id) == 0
