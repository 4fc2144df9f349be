"""The double that flows are tested with keeps the contract of providers, too."""

import uuid

import pytest

from tests.fixtures import provider_double
from trove.common import states
from trove.compute import base
from trove.testing import providers


class DoubleWorld(providers.World):
    """A folder in which a double keeps its objects."""

    resumes_servers = False
    tells_changes = False

    def __init__(self, folder):
        self.outside = provider_double.Outside(folder)

    def provider(self):
        return provider_double.FolderProvider(self.outside)

    def request(self, **changes):
        values = {
            'instance_id': str(uuid.uuid4()),
            'project_id': 'project',
            'user_id': 'user',
            'name': 'name',
            'flavor': provider_double.FLAVOR,
            'image': base.Image('image', 'double'),
            'volume_size': 1,
            **changes,
        }
        return base.ServerRequest(**values)

    def count_servers(self, instance_id):
        return int('server' in self.outside.parts(instance_id))

    def count_running(self, instance_id):
        power = self.outside.read(instance_id, 'server.power', states.ServerStatus.ACTIVE)
        return self.count_servers(instance_id) if power == states.ServerStatus.ACTIVE else 0

    def count_volumes(self, instance_id):
        return int('volume' in self.outside.parts(instance_id))

    def crash_server(self, instance_id):
        self.outside.note(instance_id, 'server.power', states.ServerStatus.SHUTOFF, 'crashed')

    def allowed_cidrs(self, instance_id):
        return set(self.outside.read(instance_id, 'address.access').split()[1:])


class TestProviderDouble(providers.ProviderContract):
    """The contract."""

    @pytest.fixture
    def world(self, tmp_path):
        return DoubleWorld(tmp_path)

    def test_instances_have_addresses_of_their_own(self):
        """They share one: nobody connects to a double, and tests know its address by heart."""


def test_every_effect_is_journalled_once(tmp_path):
    world = DoubleWorld(tmp_path)
    provider, request = world.provider(), world.request()
    providers.build(provider, request)
    for _ in range(2):
        provider.resize_server(request.instance_id, provider_double.LARGE_FLAVOR)
    for _ in range(2):
        provider.confirm_move(request.instance_id)
    for _ in range(2):
        provider.grow_volume(request.instance_id, 2)
    providers.stop(provider, request.instance_id)
    provider.rebuild_server(request)
    providers.delete(provider, request.instance_id)
    effects = [(entry.effect, entry.thing) for entry in world.outside.journal(request.instance_id)]
    assert effects == [
        ('made', 'address'),
        ('made', 'volume'),
        ('made', 'server'),
        ('resized', 'server'),
        ('confirmed', 'server'),
        ('grown', 'volume'),
        ('powered_off', 'server'),
        ('rebuilt', 'server'),
        ('powered_on', 'server'),
        ('deleted', 'server'),
        ('deleted', 'volume'),
        ('deleted', 'address'),
    ]
