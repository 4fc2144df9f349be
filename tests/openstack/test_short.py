"""The short form: a Redis is made, asked, resized and deleted. The kill that belongs to it is in ``test_kills.py``."""

import json

import pytest

from tests.openstack.fixtures import places

pytestmark = pytest.mark.short


def test_an_instance_is_made_asked_resized_and_deleted(trove, member):
    with places.serving(member, 'redis', 'cache') as place:
        listed = trove.try_program(member.account, 'database', 'instance', 'list', '-f', 'json')
        assert [row['ID'] for row in json.loads(listed.stdout)] == [place.id], listed.stderr
        places.check_one_of_each(place)
        place.put('wren')
        place.run('instance', 'resize', 'flavor', 'cache', 'db.small')
        assert place.await_healthy()['flavor']['id'] == 'db.small'
        assert place.server['flavor']['original_name'] == 'db.small'
        assert place.values() == ['wren']
        places.check_one_of_each(place)
        place.run('instance', 'delete', 'cache')
        member.await_gone(place.id)
        assert member.cloud.holdings_of(place.id) == {}
