"""The contract of compute providers, as tests.

A provider's test module subclasses ``ProviderContract`` and gives it the fixture
``world``; every promise of ``trove.compute.base.Provider`` is then held against that
provider. Authors of providers may import it from here.
"""

import abc
import concurrent.futures
import dataclasses
import time
import uuid

import pytest

from trove.common import exception, states
from trove.compute import base

ACTIVE = states.ServerStatus.ACTIVE
SHUTOFF = states.ServerStatus.SHUTOFF
LIMIT_SECONDS = 60


class World(abc.ABC):
    """What the contract needs of a provider under test."""

    @abc.abstractmethod
    def provider(self) -> base.Provider:
        """Return a provider that remembers nothing, as after a restart of the taskmanager."""

    @abc.abstractmethod
    def request(self, **changes) -> base.ServerRequest:
        """Return a request for a new instance with a volume of 1 GB."""

    @abc.abstractmethod
    def count_servers(self, instance_id: str) -> int:
        """Return how many servers the instance really has, asked of the outside and not of the provider."""

    @abc.abstractmethod
    def crash_server(self, instance_id: str) -> None:
        """End the server behind the provider's back, keeping its data."""


def until(question, limit_seconds=LIMIT_SECONDS):
    """Ask until the answer is true and return it; fail when the time is over."""
    deadline = time.monotonic() + limit_seconds
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            assert answer, 'it did not happen in time'
            return answer
        time.sleep(0.05)


def is_in(provider, instance_id, status):
    """Return whether the instance's server is in a status."""
    server = provider.find_server(instance_id)
    return server is not None and server.status == status


def build(provider, request):
    """Make all of an instance and wait until its server is active."""
    addresses = provider.make_address(request)
    volume = provider.make_volume(request)
    provider.make_server(request, addresses, volume)
    until(lambda: is_in(provider, request.instance_id, ACTIVE))
    return provider.find_server(request.instance_id)


def delete(provider, instance_id):
    """Delete all of an instance, as the flow does."""
    until(lambda: provider.delete_server(instance_id))
    until(lambda: provider.delete_volume(instance_id))
    until(lambda: provider.delete_address(instance_id))


def stop(provider, instance_id):
    """Stop a server, as a flow does."""
    until(lambda: provider.stop_server(instance_id).status == SHUTOFF)


class Provided:
    """What the parts of the contract start from; the subclass has the fixture ``world``."""

    @pytest.fixture
    def provider(self, world):
        return world.provider()

    @pytest.fixture
    def wanted(self, world, provider):
        made = world.request()
        yield made
        delete(provider, made.instance_id)


class MakingContract(Provided):
    """What is made, found and deleted."""

    def test_flavors_have_a_size_and_an_id_of_their_own(self, provider):
        flavors = provider.list_flavors()
        assert flavors
        assert len({flavor.id for flavor in flavors}) == len(flavors)
        assert all(flavor.ram > 0 and flavor.vcpus > 0 for flavor in flavors)
        assert [flavor.ram for flavor in flavors] == sorted(flavor.ram for flavor in flavors)

    def test_image_is_found(self, world, provider):
        image = world.request().image
        assert provider.find_image(image.id if image else None).id

    def test_server_becomes_active_at_its_addresses(self, provider, wanted):
        server = build(provider, wanted)
        assert server.id
        assert server.addresses == tuple(provider.make_address(wanted))
        assert server.fault == ''

    def test_making_twice_makes_one(self, world, provider, wanted):
        first = build(provider, wanted)
        again = build(world.provider(), wanted)
        assert again == first
        assert world.count_servers(wanted.instance_id) == 1
        assert provider.make_volume(wanted) == world.provider().make_volume(wanted)

    def test_making_at_the_same_time_makes_one(self, world, provider, wanted):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: build(world.provider(), wanted), range(4)))
        assert world.count_servers(wanted.instance_id) == 1
        assert len(provider.find_server(wanted.instance_id).addresses) == len(provider.make_address(wanted))

    def test_instances_have_addresses_of_their_own(self, world, provider, wanted):
        other = world.request()
        try:
            own, others = provider.make_address(wanted), provider.make_address(other)
            assert not {one.address for one in own} & {one.address for one in others}
        finally:
            delete(provider, other.instance_id)

    def test_unknown_server_is_not_found(self, provider):
        assert provider.find_server(str(uuid.uuid4())) is None

    def test_deleting_what_never_was_is_fine(self, provider):
        delete(provider, str(uuid.uuid4()))

    @pytest.mark.parametrize('verb', ['start_server', 'stop_server', 'reboot_server'])
    def test_what_is_not_there_cannot_be_operated(self, provider, verb):
        with pytest.raises(exception.ComputeError):
            getattr(provider, verb)(str(uuid.uuid4()))

    def test_delete_leaves_nothing(self, world, provider):
        request = world.request()
        build(provider, request)
        assert request.instance_id in provider.list_instance_ids()
        # By another process, which knows the name only.
        delete(world.provider(), request.instance_id)
        assert provider.find_server(request.instance_id) is None
        assert world.count_servers(request.instance_id) == 0
        assert request.instance_id not in provider.list_instance_ids()

    def test_half_made_instance_can_be_deleted(self, world, provider):
        request = world.request()
        provider.make_address(request)
        provider.make_volume(request)
        assert request.instance_id in provider.list_instance_ids()
        delete(world.provider(), request.instance_id)
        assert request.instance_id not in provider.list_instance_ids()

    def test_volume_and_address_outlive_a_server_that_uses_them(self, provider, wanted):
        build(provider, wanted)
        assert not provider.delete_volume(wanted.instance_id)
        assert not provider.delete_address(wanted.instance_id)
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_no_volume_is_made_when_none_is_asked_for(self, world, provider):
        request = world.request(volume_size=None)
        try:
            assert provider.make_volume(request) is None
            build(provider, request)
            with pytest.raises(exception.ComputeError):
                provider.grow_volume(request.instance_id, 2)
        finally:
            delete(provider, request.instance_id)


class OperatingContract(Provided):
    """What is done to a server that is there."""

    def test_volume_grows_while_in_use_and_never_shrinks(self, world, provider, wanted):
        build(provider, wanted)
        volume = provider.grow_volume(wanted.instance_id, 2)
        assert volume.size == 2
        assert world.provider().grow_volume(wanted.instance_id, 2) == volume
        with pytest.raises(exception.ComputeError):
            provider.grow_volume(wanted.instance_id, 1)
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_stop_and_start(self, world, provider, wanted):
        before = build(provider, wanted)
        stop(provider, wanted.instance_id)
        assert world.count_servers(wanted.instance_id) == 0
        assert provider.find_server(wanted.instance_id).addresses == before.addresses
        assert provider.stop_server(wanted.instance_id).status == SHUTOFF
        provider.start_server(wanted.instance_id)
        until(lambda: is_in(provider, wanted.instance_id, ACTIVE))
        provider.start_server(wanted.instance_id)
        assert world.count_servers(wanted.instance_id) == 1

    def test_stopped_server_stays_stopped(self, world, provider, wanted):
        build(provider, wanted)
        stop(provider, wanted.instance_id)
        assert wanted.instance_id not in world.provider().resume_servers()
        provider.make_server(wanted, provider.make_address(wanted), provider.make_volume(wanted))
        assert is_in(provider, wanted.instance_id, SHUTOFF)

    @pytest.mark.parametrize('is_hard', [False, True])
    def test_reboot(self, world, provider, wanted, is_hard):
        build(provider, wanted)
        provider.reboot_server(wanted.instance_id, is_hard=is_hard)
        until(lambda: is_in(provider, wanted.instance_id, ACTIVE))
        assert world.count_servers(wanted.instance_id) == 1

    def test_server_that_ended_unasked_is_seen_and_resumed(self, world, provider, wanted):
        build(provider, wanted)
        world.crash_server(wanted.instance_id)
        until(lambda: is_in(provider, wanted.instance_id, SHUTOFF))
        assert world.provider().resume_servers() == [wanted.instance_id]
        until(lambda: is_in(provider, wanted.instance_id, ACTIVE))
        assert provider.resume_servers() == []
        assert world.count_servers(wanted.instance_id) == 1

    def test_rename(self, provider, wanted):
        build(provider, wanted)
        provider.rename_server(wanted.instance_id, 'another name')
        provider.rename_server(wanted.instance_id, 'another name')
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_guest_settings_are_options_as_text(self, provider, wanted):
        build(provider, wanted)
        settings = provider.guest_settings(wanted.instance_id)
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in settings.items())

    def test_request_shows_no_secret(self, wanted):
        canary = dataclasses.replace(wanted, guest_files={'guest_info.conf': 'canary'})
        assert 'canary' not in repr(canary)


class ProviderContract(MakingContract, OperatingContract):
    """Held against one provider; the subclass has the fixture ``world``."""
