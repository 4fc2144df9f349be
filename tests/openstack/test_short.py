"""The short form: a Redis is made, asked, resized and deleted, and a taskmanager is killed on the way."""

import json

import pytest

from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import places

pytestmark = pytest.mark.short


def assert_exactly_one(place):
    """One of each thing came of one request."""
    held = place.member.cloud.holdings_of(place.id)
    assert {kind: len(held[kind]) for kind in ('servers', 'volumes', 'security groups', 'ports')} == {
        'servers': 1,
        'volumes': 1,
        'security groups': 1,
        # Of the tenant's network and of the management network.
        'ports': 2,
    }


def test_an_instance_is_made_asked_resized_and_deleted(trove, member):
    with places.serving(member, 'redis', 'cache') as place:
        listed = trove.try_program(member.account, 'database', 'instance', 'list', '-f', 'json')
        assert [row['ID'] for row in json.loads(listed.stdout)] == [place.id], listed.stderr
        assert_exactly_one(place)
        place.put('wren')
        place.run('instance', 'resize', 'flavor', 'cache', 'db.small')
        assert place.await_healthy()['flavor']['id'] == 'db.small'
        assert place.server['flavor']['original_name'] == 'db.small'
        assert place.values() == ['wren']
        assert_exactly_one(place)
        place.run('instance', 'delete', 'cache')
        member.await_gone(place.id)
        assert member.cloud.holdings_of(place.id) == {}


def test_a_taskmanager_that_is_killed_makes_nothing_twice(trove, member):
    place = places.Place(member, 'redis', 'cache')
    try:
        # The server is asked for in boot_server, and may or may not be noted when the process dies.
        tenants.until(lambda: trove.step_of(place.id) in ('boot_server', 'await_server'), 30, 0.002)
        trove.kill('taskmanager')
        trove.start_daemon('taskmanager')
        place.await_healthy()
        assert_exactly_one(place)
    finally:
        place.remove()
