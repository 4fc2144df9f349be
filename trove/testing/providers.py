"""The contract of compute providers, as tests.

A provider's test module subclasses ``ProviderContract`` and gives it the fixture
``world``; every promise of ``trove.compute.base.Provider`` is then held against that
provider.
"""

import abc
import concurrent.futures
import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from trove.common import clock, states
from trove.compute import base
from trove.testing.asking import (
    ACTIVE,
    SHUTOFF,
    VERIFY_RESIZE,
    another_flavor,
    become,
    build,
    delete,
    grow_volume,
    insist,
    is_in,
    listed,
    make_volume,
    present,
    refuses,
    stop,
    until,
)


class World(abc.ABC):
    """What the contract needs of a provider under test. The flags are what providers may honestly differ in."""

    resumes_servers = True
    """Whether ``resume_servers`` starts what ended unasked; otherwise the cloud minds that, or nobody does."""
    can_migrate = True
    """Whether there is another host; without one, ``migrate_server`` is a ``ComputeError`` that says so."""
    tells_changes = True
    """Whether ``list_servers`` tells what changed since a moment; otherwise it returns all that are there."""
    gives_public_addresses = True
    """Whether an instance that is public gets one more address, of type ``public``."""

    @abc.abstractmethod
    def provider(self) -> base.Provider:
        """Return a provider that remembers nothing, as after a restart of the taskmanager."""

    @abc.abstractmethod
    def request(self, **changes: Any) -> base.ServerRequest:
        """Return a request for a new instance with a volume of 1 GB and a flavor that is not the largest."""

    @abc.abstractmethod
    def count_servers(self, instance_id: str) -> int:
        """Return how many servers the instance really has, running or not, asked of the outside."""

    @abc.abstractmethod
    def count_running(self, instance_id: str) -> int:
        """Return how many servers of the instance really run, asked of the outside."""

    @abc.abstractmethod
    def count_volumes(self, instance_id: str) -> int:
        """Return how many volumes the instance really has, asked of the outside."""

    @abc.abstractmethod
    def crash_server(self, instance_id: str) -> None:
        """End the server behind the provider's back, keeping its data."""

    def allowed_cidrs(self, instance_id: str) -> set[str] | None:
        """Return who is let in to the instance's ports, asked of the outside; None where nobody can be kept out."""
        return None

    def guest_file(self, instance_id: str, name: str) -> str | None:
        """Return a configuration file as the guest finds it; None where a test cannot look into a guest."""
        return None


class Provided:
    """What the parts of the contract start from; the subclass has the fixture ``world``."""

    @pytest.fixture
    def provider(self, world: World) -> base.Provider:
        return world.provider()

    @pytest.fixture
    def wanted(self, world: World, provider: base.Provider) -> Iterator[base.ServerRequest]:
        made = world.request()
        yield made
        delete(provider, made.instance_id)


class MakingContract(Provided):
    """What is made, found and deleted."""

    def test_flavors_have_a_size_and_an_id_of_their_own(self, provider: base.Provider) -> None:
        flavors = provider.list_flavors()
        assert flavors
        assert len({flavor.id for flavor in flavors}) == len(flavors)
        assert all(flavor.ram > 0 and flavor.vcpus > 0 for flavor in flavors)
        assert [flavor.ram for flavor in flavors] == sorted(flavor.ram for flavor in flavors)

    def test_image_is_found(self, world: World, provider: base.Provider) -> None:
        image = world.request().image
        assert provider.find_image(image.id if image else None).id

    def test_server_becomes_active_at_its_addresses(self, provider: base.Provider, wanted: base.ServerRequest) -> None:
        server = build(provider, wanted)
        assert server.id
        assert (server.instance_id, server.flavor_id) == (wanted.instance_id, wanted.flavor.id)
        assert server.addresses
        assert set(server.addresses) == set(insist(provider.make_address, wanted))
        assert server.fault == ''

    def test_making_twice_makes_one(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        first = build(provider, wanted)
        again = build(world.provider(), wanted)
        assert again == first
        assert world.count_servers(wanted.instance_id) == 1
        assert make_volume(provider, wanted) == make_volume(world.provider(), wanted)
        assert world.count_volumes(wanted.instance_id) == 1

    def test_making_at_the_same_time_makes_one(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: build(world.provider(), wanted), range(4)))
        assert world.count_servers(wanted.instance_id) == world.count_volumes(wanted.instance_id) == 1
        addresses = present(provider, wanted.instance_id).addresses
        assert len(addresses) == len(insist(provider.make_address, wanted))

    def test_instances_have_addresses_of_their_own(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        other = world.request()
        try:
            own, others = insist(provider.make_address, wanted), insist(provider.make_address, other)
            assert not {one.address for one in own} & {one.address for one in others}
        finally:
            delete(provider, other.instance_id)

    def test_unknown_server_is_not_found(self, provider: base.Provider) -> None:
        assert provider.find_server(str(uuid.uuid4())) is None

    def test_deleting_what_never_was_is_fine(self, provider: base.Provider) -> None:
        delete(provider, str(uuid.uuid4()))

    @pytest.mark.parametrize('verb', ['start_server', 'stop_server', 'reboot_server'])
    def test_what_is_not_there_cannot_be_operated(self, provider: base.Provider, verb: str) -> None:
        assert refuses(getattr(provider, verb), str(uuid.uuid4()))

    def test_delete_leaves_nothing(self, world: World, provider: base.Provider) -> None:
        request = world.request()
        build(provider, request)
        assert request.instance_id in insist(provider.list_instance_ids)
        # By another process, which knows the name only.
        delete(world.provider(), request.instance_id)
        assert provider.find_server(request.instance_id) is None
        assert world.count_servers(request.instance_id) == world.count_volumes(request.instance_id) == 0
        assert request.instance_id not in insist(provider.list_instance_ids)

    def test_half_made_instance_can_be_deleted(self, world: World, provider: base.Provider) -> None:
        request = world.request()
        insist(provider.make_address, request)
        insist(provider.make_volume, request)
        assert request.instance_id in insist(provider.list_instance_ids)
        delete(world.provider(), request.instance_id)
        assert request.instance_id not in insist(provider.list_instance_ids)

    def test_volume_and_address_outlive_a_server_that_uses_them(
        self, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        build(provider, wanted)
        assert not insist(provider.delete_volume, wanted.instance_id)
        assert not insist(provider.delete_address, wanted.instance_id)
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_no_volume_is_made_when_none_is_asked_for(self, world: World, provider: base.Provider) -> None:
        request = world.request(volume_size=None)
        try:
            assert provider.make_volume(request) is None
            build(provider, request)
            assert world.count_volumes(request.instance_id) == 0
            assert refuses(provider.grow_volume, request.instance_id, 2)
        finally:
            delete(provider, request.instance_id)


class OperatingContract(Provided):
    """What is done to a server that is there."""

    def test_volume_grows_while_in_use_and_never_shrinks(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        build(provider, wanted)
        volume = grow_volume(provider, wanted.instance_id, 2)
        assert (volume.size, volume.instance_id) == (2, wanted.instance_id)
        assert grow_volume(world.provider(), wanted.instance_id, 2) == volume
        assert make_volume(provider, wanted).size == 2, 'made again, it stays as large as it is'
        assert refuses(provider.grow_volume, wanted.instance_id, 1)
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_stop_and_start(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        before = build(provider, wanted)
        stop(provider, wanted.instance_id)
        assert world.count_running(wanted.instance_id) == 0
        assert set(present(provider, wanted.instance_id).addresses) == set(before.addresses)
        assert insist(provider.stop_server, wanted.instance_id).status == SHUTOFF
        insist(provider.start_server, wanted.instance_id)
        become(provider, wanted.instance_id, ACTIVE)
        insist(provider.start_server, wanted.instance_id)
        assert world.count_running(wanted.instance_id) == world.count_servers(wanted.instance_id) == 1

    def test_stopped_server_stays_stopped(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        build(provider, wanted)
        stop(provider, wanted.instance_id)
        assert wanted.instance_id not in insist(world.provider().resume_servers)
        insist(provider.make_server, wanted, insist(provider.make_address, wanted), make_volume(provider, wanted))
        assert is_in(provider, wanted.instance_id, SHUTOFF)

    @pytest.mark.parametrize('is_hard', [False, True])
    def test_reboot(self, world: World, provider: base.Provider, wanted: base.ServerRequest, is_hard: bool) -> None:
        build(provider, wanted)
        insist(provider.reboot_server, wanted.instance_id, is_hard=is_hard)
        become(provider, wanted.instance_id, ACTIVE)
        assert world.count_running(wanted.instance_id) == world.count_servers(wanted.instance_id) == 1

    def test_server_that_ended_unasked_is_seen_and_comes_back(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        build(provider, wanted)
        world.crash_server(wanted.instance_id)
        become(provider, wanted.instance_id, SHUTOFF)
        if world.resumes_servers:
            assert world.provider().resume_servers() == [wanted.instance_id]
        else:
            assert insist(world.provider().resume_servers) == []
            insist(provider.start_server, wanted.instance_id)
        become(provider, wanted.instance_id, ACTIVE)
        assert insist(provider.resume_servers) == []
        assert world.count_running(wanted.instance_id) == world.count_servers(wanted.instance_id) == 1

    def test_rename(self, provider: base.Provider, wanted: base.ServerRequest) -> None:
        build(provider, wanted)
        insist(provider.rename_server, wanted.instance_id, 'another name')
        insist(provider.rename_server, wanted.instance_id, 'another name')
        assert is_in(provider, wanted.instance_id, ACTIVE)

    def test_guest_settings_are_options_as_text(self, provider: base.Provider, wanted: base.ServerRequest) -> None:
        build(provider, wanted)
        settings = provider.guest_settings(wanted.instance_id)
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in settings.items())

    def test_request_shows_no_secret(self, wanted: base.ServerRequest) -> None:
        canary = dataclasses.replace(wanted, guest_files={'guest_info.conf': 'canary'})
        assert 'canary' not in repr(canary)


class MovingContract(Provided):
    """What changes a server as a whole, once the caller is sure of it."""

    def resize(self, provider: base.Provider, wanted: base.ServerRequest) -> base.Server:
        """Resize to another flavor; return what the server is while that waits to be confirmed."""
        insist(provider.resize_server, wanted.instance_id, another_flavor(provider, wanted))
        return become(provider, wanted.instance_id, VERIFY_RESIZE)

    def check_same(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest, before: base.Server
    ) -> base.Server:
        """The server is as it was but for its flavor and host."""
        server = become(provider, wanted.instance_id, ACTIVE)
        assert (server.id, set(server.addresses)) == (before.id, set(before.addresses))
        assert world.count_running(wanted.instance_id) == world.count_servers(wanted.instance_id) == 1
        assert world.count_volumes(wanted.instance_id) == 1
        return server

    def test_resize_that_is_confirmed(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        before, flavor = build(provider, wanted), another_flavor(provider, wanted)
        assert self.resize(provider, wanted).flavor_id == flavor.id
        insist(world.provider().resize_server, wanted.instance_id, flavor)
        assert is_in(provider, wanted.instance_id, VERIFY_RESIZE), 'a repeated call changes nothing'
        for _ in range(2):
            insist(world.provider().confirm_move, wanted.instance_id)
            assert self.check_same(world, provider, wanted, before).flavor_id == flavor.id
        insist(provider.resize_server, wanted.instance_id, flavor)
        insist(provider.revert_move, wanted.instance_id)
        assert self.check_same(world, provider, wanted, before).flavor_id == flavor.id, 'too late to undo it'

    def test_resize_that_is_reverted(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        before = build(provider, wanted)
        self.resize(provider, wanted)
        for _ in range(2):
            insist(world.provider().revert_move, wanted.instance_id)
            assert self.check_same(world, provider, wanted, before).flavor_id == wanted.flavor.id
        insist(provider.confirm_move, wanted.instance_id)
        assert self.check_same(world, provider, wanted, before).flavor_id == wanted.flavor.id, 'nothing to keep'

    def test_migration(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        before = build(provider, wanted)
        if not world.can_migrate:
            assert refuses(provider.migrate_server, wanted.instance_id)
            assert refuses(provider.migrate_server, wanted.instance_id, 'another-host')
            assert provider.find_server(wanted.instance_id) == before
            return
        for _ in range(2):
            insist(world.provider().migrate_server, wanted.instance_id)
            become(provider, wanted.instance_id, VERIFY_RESIZE)
        insist(provider.confirm_move, wanted.instance_id)
        after = self.check_same(world, provider, wanted, before)
        assert after.flavor_id == wanted.flavor.id
        assert not after.host or after.host != before.host

    def test_rebuild_keeps_addresses_and_volume(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        before, volume = build(provider, wanted), make_volume(provider, wanted)
        files = {**wanted.guest_files, 'fresh.conf': '[DEFAULT]\nfresh = yes\n'}
        for _ in range(2):
            insist(world.provider().rebuild_server, dataclasses.replace(wanted, guest_files=files))
            self.check_same(world, provider, wanted, before)
        assert make_volume(provider, wanted) == volume
        assert world.guest_file(wanted.instance_id, 'fresh.conf') in (None, files['fresh.conf'])

    def test_what_is_not_there_cannot_be_moved(self, world: World, provider: base.Provider) -> None:
        request = world.request()
        assert refuses(provider.resize_server, request.instance_id, another_flavor(provider, request))
        assert refuses(provider.rebuild_server, request)
        for verb in (provider.migrate_server, provider.confirm_move, provider.revert_move):
            assert refuses(verb, request.instance_id)


class AccessContract(Provided):
    """Who may reach an instance."""

    CIDRS = ('192.0.2.0/24', '198.51.100.7/32')

    def change(self, provider: base.Provider, wanted: base.ServerRequest, access: base.Access) -> list[str]:
        """Change the access twice; return the types of the instance's addresses."""
        request = dataclasses.replace(wanted, access=access)
        addresses = set(insist(provider.change_access, request))
        assert set(insist(provider.change_access, request)) == addresses
        assert set(insist(provider.make_address, request)) == addresses
        until(lambda: set(present(provider, wanted.instance_id).addresses) == addresses)
        return [address.type for address in addresses]

    def test_access_changes_while_the_server_runs(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        before = build(provider, wanted)
        types = self.change(provider, wanted, base.Access(True, self.CIDRS))
        assert types.count('public') == int(world.gives_public_addresses)
        assert world.allowed_cidrs(wanted.instance_id) in (None, set(self.CIDRS))
        self.change(provider, wanted, base.Access(False, self.CIDRS[:1]))
        assert world.allowed_cidrs(wanted.instance_id) in (None, set(self.CIDRS[:1]))
        assert set(become(provider, wanted.instance_id, ACTIVE).addresses) == set(before.addresses)

    def test_instance_can_be_public_from_the_start(self, world: World, provider: base.Provider) -> None:
        request = world.request(access=base.Access(True, self.CIDRS))
        try:
            types = [address.type for address in build(provider, request).addresses]
            assert types.count('public') == int(world.gives_public_addresses)
            assert world.allowed_cidrs(request.instance_id) in (None, set(self.CIDRS))
        finally:
            delete(provider, request.instance_id)


class OverviewContract(Provided):
    """All that there is, in one call."""

    def test_lists_tell_what_asking_for_each_tells(
        self, world: World, provider: base.Provider, wanted: base.ServerRequest
    ) -> None:
        half_made = world.request()
        try:
            for each in (wanted, half_made):
                insist(provider.make_address, each)
            volumes = [make_volume(provider, each) for each in (wanted, half_made)]
            server = build(provider, wanted)
            found = [volume for volume in insist(provider.list_volumes) if volume in volumes]
            assert sorted(volume.instance_id for volume in found) == sorted([wanted.instance_id, half_made.instance_id])
            assert listed(provider, wanted.instance_id) == [server]
            assert listed(provider, half_made.instance_id) == []
        finally:
            delete(provider, half_made.instance_id)

    def test_changes_are_listed(self, world: World, provider: base.Provider, wanted: base.ServerRequest) -> None:
        gone = world.request()
        try:
            build(provider, gone)
            build(provider, wanted)
            moment = clock.utcnow()
            stop(provider, wanted.instance_id)
        finally:
            delete(provider, gone.instance_id)
        assert [one.status for one in listed(provider, wanted.instance_id, changed_since=moment)] == [SHUTOFF]
        expected = [states.ServerStatus.DELETED] if world.tells_changes else []
        changed = listed(provider, gone.instance_id, changed_since=moment)
        assert [one.status for one in changed] == expected
        assert listed(provider, gone.instance_id) == []


class ProviderContract(MakingContract, OperatingContract, MovingContract, AccessContract, OverviewContract):
    """Held against one provider; the subclass has the fixture ``world``."""
