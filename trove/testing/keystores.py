"""The contract of key stores, as tests.

A store's test module subclasses ``KeyStoreContract`` and gives it the fixture ``world``; every promise of
``trove.keystore.base.KeyStore`` is then held against that store.
"""

import abc
import logging
import uuid

import pytest

from trove.keystore import base

SECRET, ANOTHER = ' canary-of-a-secret \u00fc"\n', 'canary-of-another-secret'


class World(abc.ABC):
    """What the contract needs of a store under test."""

    keeps_secrets = True
    """Whether it keeps anything at all."""

    @abc.abstractmethod
    def store(self) -> base.KeyStore:
        """Return a store that remembers nothing, as after a restart of the taskmanager."""

    @abc.abstractmethod
    def count(self, instance_id: str) -> int:
        """Return how many secrets of an instance there are, asked of the outside."""


class KeyStoreContract:
    """The promises of every store; the subclass has the fixture ``world``."""

    @pytest.fixture
    def instance_id(self) -> str:
        return str(uuid.uuid4())

    @staticmethod
    def check(world: World, instance_id: str, **secrets: str) -> None:
        """These secrets are kept, and no others."""
        wanted = secrets if world.keeps_secrets else {}
        assert world.count(instance_id) == len(wanted)
        for name in secrets:
            assert world.store().fetch(instance_id, name) == wanted.get(name)

    def test_what_is_kept_is_fetched(self, world: World, instance_id: str) -> None:
        world.store().keep(instance_id, 'root', SECRET)
        world.store().keep(instance_id, 'replication', ANOTHER)
        self.check(world, instance_id, root=SECRET, replication=ANOTHER)

    def test_kept_twice_it_is_there_once(self, world: World, instance_id: str) -> None:
        for _time in range(2):
            world.store().keep(instance_id, 'root', SECRET)
        self.check(world, instance_id, root=SECRET)

    def test_the_newest_takes_the_place(self, world: World, instance_id: str) -> None:
        world.store().keep(instance_id, 'root', SECRET)
        world.store().keep(instance_id, 'root', ANOTHER)
        self.check(world, instance_id, root=ANOTHER)

    def test_what_was_never_kept_is_none(self, world: World, instance_id: str) -> None:
        world.store().keep(instance_id, 'root-of-another-kind', SECRET)
        assert world.store().fetch(instance_id, 'root') is None

    def test_all_of_an_instance_is_forgotten(self, world: World, instance_id: str) -> None:
        another_id = str(uuid.uuid4())
        for number in range(5):
            world.store().keep(instance_id, f'secret-{number}', SECRET)
        world.store().keep(another_id, 'root', SECRET)
        while not world.store().forget(instance_id):
            pass
        assert world.count(instance_id) == 0
        assert world.store().fetch(instance_id, 'secret-0') is None
        self.check(world, another_id, root=SECRET)

    def test_what_never_was_is_forgotten_gladly(self, world: World, instance_id: str) -> None:
        assert world.store().forget(instance_id)

    def test_no_secret_is_logged(self, world: World, instance_id: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        # Whatever a library of the store would say when an operator asks for everything.
        for name in list(logging.Logger.manager.loggerDict):
            caplog.set_level(logging.DEBUG, logger=name)
        world.store().keep(instance_id, 'root', SECRET)
        world.store().fetch(instance_id, 'root')
        world.store().forget(instance_id)
        assert 'canary' not in caplog.text
