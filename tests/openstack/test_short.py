"""The short form: a Redis is made, asked, resized and deleted. The kill that belongs to it is in ``test_kills.py``."""

import json

import pytest

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
