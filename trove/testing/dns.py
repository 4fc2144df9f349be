"""The contract of DNS drivers, as tests.

A driver's test module subclasses ``DnsContract`` and gives it the fixture ``world``; every promise of
``trove.dns.base.Dns`` is then held against that driver.
"""

import abc
import uuid

import pytest

from trove.dns import base

FIRST, SECOND, SIXTH = '192.0.2.1', '192.0.2.2', '2001:db8::6'


class World(abc.ABC):
    """What the contract needs of a driver under test."""

    makes_records = True
    """Whether there are host names at all."""

    @abc.abstractmethod
    def dns(self) -> base.Dns:
        """Return a driver that remembers nothing, as after a restart of the taskmanager."""

    @abc.abstractmethod
    def addresses(self, host: str) -> set[str]:
        """Return the addresses that a host name stands for, asked of the outside."""

    def settle(self) -> None:  # noqa: B027, nothing is a good answer
        """Let what the service has begun come to its end."""


class DnsContract:
    """The promises of every driver; the subclass has the fixture ``world``."""

    @pytest.fixture
    def instance_id(self) -> str:
        return str(uuid.uuid4())

    @staticmethod
    def make(world: World, instance_id: str, *addresses: str) -> str | None:
        """Make the record; return the host name, which is None where there are none."""
        host = world.dns().make_record(instance_id, 'orders', addresses)
        world.settle()
        assert (host is not None) == (world.makes_records and bool(addresses))
        return host

    @staticmethod
    def delete(world: World, instance_id: str) -> None:
        """Delete until it is gone."""
        for _attempt in range(5):
            if world.dns().delete_record(instance_id):
                return
            world.settle()
        pytest.fail('the host name never went')

    @staticmethod
    def check(world: World, host: str | None, *addresses: str) -> None:
        """The host name stands for these addresses and no others."""
        if host is not None:
            assert world.addresses(host) == set(addresses)

    def test_a_host_name_stands_for_the_addresses(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST, SECOND)
        self.check(world, host, FIRST, SECOND)
        assert host is None or not host.endswith('.')

    def test_made_twice_it_is_the_same(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST)
        assert self.make(world, instance_id, FIRST) == host
        self.check(world, host, FIRST)

    def test_other_addresses_replace_the_former(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST)
        assert self.make(world, instance_id, SECOND) == host
        self.check(world, host, SECOND)

    def test_addresses_of_both_families(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST, SIXTH)
        self.check(world, host, FIRST, SIXTH)
        assert self.make(world, instance_id, SIXTH) == host
        self.check(world, host, SIXTH)

    def test_without_addresses_there_is_no_host_name(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST)
        self.make(world, instance_id)
        self.check(world, host)

    def test_two_instances_of_one_name_are_apart(self, world: World, instance_id: str) -> None:
        another_id = str(uuid.uuid4())
        host, another = self.make(world, instance_id, FIRST), self.make(world, another_id, SECOND)
        self.delete(world, another_id)
        self.check(world, host, FIRST)
        self.check(world, another)

    def test_deleted_it_is_gone(self, world: World, instance_id: str) -> None:
        host = self.make(world, instance_id, FIRST, SIXTH)
        self.delete(world, instance_id)
        self.check(world, host)
        self.delete(world, instance_id)

    def test_what_never_was_is_deleted_gladly(self, world: World, instance_id: str) -> None:
        assert world.dns().delete_record(instance_id)

    def test_deleted_it_can_be_made_anew(self, world: World, instance_id: str) -> None:
        self.make(world, instance_id, FIRST)
        self.delete(world, instance_id)
        self.check(world, self.make(world, instance_id, SECOND), SECOND)
