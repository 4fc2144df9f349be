"""The local provider: resize and rebuild on one host."""

import dataclasses
import socket

import pytest

from trove.common import clock, exception, states
from trove.compute.local import records, servers
from trove.testing import providers

STATES = states.ServerStatus
until = providers.until


@pytest.fixture
def flavor(provider, instance):
    return providers.another_flavor(provider, instance)


def interrupt(world, instance_id, power, **changes):
    """Leave a server as a call that was killed in the middle does."""
    folder = str(world.home(instance_id))
    record = records.load(folder)
    records.save(folder, dataclasses.replace(record, power=power, stopping_since=0.0, **changes))


def test_resize_restarts_every_process_once(world, provider, instance, flavor):
    before = world.processes(instance.instance_id)
    provider.resize_server(instance.instance_id, flavor)
    until(lambda: world.serving(instance.instance_id))
    after = world.machines(instance.instance_id) + world.engines(instance.instance_id)
    assert not set(before) & set(after)
    provider.resize_server(instance.instance_id, flavor)
    provider.confirm_move(instance.instance_id)
    assert world.machines(instance.instance_id) + world.engines(instance.instance_id) == after


def test_stopped_server_is_resized_and_stays_stopped(world, provider, instance, flavor):
    providers.stop(provider, instance.instance_id)
    assert provider.resize_server(instance.instance_id, flavor).status == STATES.VERIFY_RESIZE
    assert provider.revert_move(instance.instance_id).status == STATES.SHUTOFF
    provider.resize_server(instance.instance_id, flavor)
    assert provider.confirm_move(instance.instance_id).status == STATES.SHUTOFF
    assert world.processes(instance.instance_id) == []


def test_resize_to_a_third_flavor_has_to_wait(provider, instance, flavor):
    provider.resize_server(instance.instance_id, flavor)
    with pytest.raises(exception.ComputeError, match='confirm or revert that first'):
        provider.resize_server(instance.instance_id, instance.flavor)


@pytest.mark.parametrize(
    ('power', 'status'),
    [
        (records.RESIZING, STATES.RESIZE),
        (records.REVERTING, STATES.REVERT_RESIZE),
        (records.REBUILDING, STATES.REBUILD),
    ],
)
def test_what_nobody_finishes_is_seen_and_resumed(world, instance, power, status):
    now = clock.ManualClock(0.0)
    provider = world.provider(time_source=now)
    interrupt(world, instance.instance_id, power)
    assert provider.find_server(instance.instance_id).status == status
    assert provider.resume_servers() == [], 'whoever does it may be at it still'
    now.turn(3600)
    until(lambda: provider.resume_servers() == [instance.instance_id])
    providers.become(provider, instance.instance_id, providers.ACTIVE)


def test_busy_server_is_not_moved(world, provider, instance, flavor):
    interrupt(world, instance.instance_id, records.REBOOTING)
    with pytest.raises(exception.ComputeBusy, match='is rebooting'):
        provider.resize_server(instance.instance_id, flavor)
    interrupt(world, instance.instance_id, records.RESIZING, old_flavor_id='2')
    with pytest.raises(exception.ComputeBusy, match='is resizing'):
        provider.confirm_move(instance.instance_id)


def test_server_that_is_being_deleted_is_not_moved(world, provider, instance, flavor):
    interrupt(world, instance.instance_id, records.DELETING)
    for call in (
        lambda: provider.resize_server(instance.instance_id, flavor),
        lambda: provider.rebuild_server(instance),
    ):
        with pytest.raises(exception.ComputeError, match='is being deleted'):
            call()


def test_there_is_no_other_host(provider, instance):
    with pytest.raises(exception.ComputeError, match=f'no other host than {socket.gethostname()}'):
        provider.migrate_server(instance.instance_id)


def test_rebuild_keeps_data_and_makes_the_rest_anew(world, provider, instance):
    home = world.home(instance.instance_id)
    for name in ('volume/mine', 'state/mine', 'tmp/mine', 'etc/old.conf'):
        (home / name).write_text('')
    provider.rebuild_server(
        dataclasses.replace(instance, name='another', tcp_ports=(str(world.port), str(world.port + 1)))
    )
    until(lambda: world.serving(instance.instance_id))
    there = [name for name in ('volume/mine', 'state/mine', 'tmp/mine', 'etc/old.conf') if (home / name).exists()]
    assert there == ['volume/mine', 'state/mine']
    record = records.load(str(home))
    assert (record.name, record.tcp_ports, record.power) == (
        'another',
        [str(world.port), str(world.port + 1)],
        records.RUNNING,
    )


def test_server_without_an_address_has_no_access_to_change(world, provider):
    with pytest.raises(exception.ComputeError, match='has no address yet'):
        provider.change_access(world.request())


def test_processes_that_do_not_end_make_the_call_come_again(world, monkeypatch, flavor):
    monkeypatch.setattr(servers, 'RESTART_LIMIT_SECONDS', 0.1)
    now = clock.ManualClock()
    provider = world.provider(time_source=now)
    request = world.request('stubborn')
    providers.build(provider, request)
    until(lambda: world.serving(request.instance_id))
    with pytest.raises(exception.ComputeBusy, match='do not end'):
        provider.resize_server(request.instance_id, flavor)
    assert provider.find_server(request.instance_id).status == STATES.RESIZE
    now.turn(30)
    assert providers.insist(provider.resize_server, request.instance_id, flavor).status == STATES.VERIFY_RESIZE
    # By one whose clock goes on: the engine that has come back is as stubborn.
    providers.delete(world.provider(), request.instance_id)
