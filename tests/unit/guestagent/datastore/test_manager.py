"""What the base manager does with a prepare."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception, states
from trove.guestagent import requests


@pytest.fixture
def manager(tmp_path):
    return doubles.FullManager(doubles.make_conf(tmp_path), doubles.MemoryServices())


def test_prepare_makes_what_is_asked_for(manager):
    databases, users = [{'name': 'db'}], [{'name': 'joe', 'password': 'pw'}]
    manager.prepare(None, requests.PrepareRequest('1', 512, '', databases, users, 'root-pw'))
    assert manager.databases.calls == [('ensure', databases)]
    assert manager.users.calls == [('ensure', users)]
    assert manager.root.calls == [('enable', 'root-pw')]
    assert manager.health() == states.HEALTHY


def test_prepare_of_nothing_more_than_an_engine(manager):
    manager.prepare(None, requests.PrepareRequest('1', 512, ''))
    assert manager.databases.calls + manager.users.calls + manager.root.calls == []


def test_what_a_datastore_cannot_make_is_told(tmp_path):
    manager = doubles.StubManager(doubles.make_conf(tmp_path), doubles.MemoryServices())
    with pytest.raises(exception.DatastoreOperationNotSupported):
        manager.prepare(None, requests.PrepareRequest('1', 512, '', [{'name': 'db'}]))


def test_life(manager):
    manager.prepare(None, requests.PrepareRequest('1', 512, ''))
    manager.stop(None)
    assert manager.health() == states.SHUTDOWN
    manager.start(None)
    manager.restart(None)
    assert manager.health() == states.HEALTHY
    assert manager.get_filesystem_stats()['total'] > 0
