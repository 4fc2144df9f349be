"""Instances that are minded while the daemons are down; their agents and engines are doubles."""

import pathlib

import pytest

from tests.fixtures import local_provider
from trove.standalone import configuration, instances
from trove.standalone.errors import StackError
from trove.testing import providers


@pytest.fixture
def world():
    with local_provider.worlds() as make:
        yield make()


@pytest.fixture
def minded(world):
    """What minds the instances of the world, as from its configuration file."""
    options = {
        name: ','.join(value) if isinstance(value, list) else str(value) for name, value in world.options.items()
    }
    path = pathlib.Path(world.folder) / 'trove.conf'
    path.write_text(configuration.render({'local': options}))
    return instances.Instances(path)


@pytest.fixture
def built(world):
    """Two instances whose engines run."""
    made = [world.request(), world.request()]
    for request in made:
        providers.build(world.provider(), request)
        providers.until(lambda request=request: world.engines(request.instance_id))
    return sorted(request.instance_id for request in made)


def test_nothing_to_mind(minded):
    assert minded.running() == []
    assert minded.halt() == []
    minded.delete()


def test_halted_instances_come_back(world, minded, built):
    assert minded.running() == built
    assert minded.halt() == built
    assert [world.processes(one) for one in built] == [[], []]
    assert minded.running() == []
    assert minded.halt() == []

    assert sorted(world.provider().resume_servers()) == built
    for one in built:
        providers.until(lambda one=one: world.engines(one))


def test_an_instance_that_was_stopped_on_purpose_stays_stopped(world, minded, built):
    providers.stop(world.provider(), built[0])
    assert minded.halt() == built[1:]
    assert world.provider().resume_servers() == built[1:]


def test_deleted_instances_leave_nothing(world, minded, built):
    minded.delete()
    assert [world.processes(one) for one in built] == [[], []]
    assert world.provider().list_instance_ids() == []
    assert not any(world.home(one).exists() for one in built)


def test_what_does_not_end_is_named(world, minded, built, monkeypatch):
    ticks = iter(range(0, 10**6, 100))
    monkeypatch.setattr(minded, '_now', lambda: next(ticks))
    monkeypatch.setattr(instances.power, 'end', lambda _target, _ending: False)
    with pytest.raises(StackError, match=built[0]):
        minded.halt()
    monkeypatch.setattr(minded._provider, 'delete_server', lambda _instance_id: False)
    with pytest.raises(StackError, match=f'{built[0]} cannot be deleted'):
        minded.delete()
