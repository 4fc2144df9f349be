"""Operations go on when Nova was away, and when the tokens of Trove's own user end in the middle of them."""

import time

import pytest

from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import outages, places

LONG_SECONDS = 60
SHORT_SECONDS = 5
TOKEN_SECONDS = 60
"""Clients renew a token half a minute before its end."""
VOLUME_SECONDS = 90
NO_ANSWER = 'the cloud does not answer as it should'


def await_no_answer(trove, instance_id):
    """Wait until the step that an instance is in has failed because nobody answered."""
    statement = 'SELECT error FROM operations WHERE active_key = %s'
    tenants.until(lambda: any(NO_ANSWER in (error or '') for (error,) in trove.query(statement, instance_id)), 30)


@pytest.fixture
def asked(member):
    """A Redis that was asked for just now."""
    place = places.Place(member, 'redis', 'cache')
    yield place
    place.remove()


@pytest.mark.slow
def test_create_while_nova_is_away(trove, cloud, asked):
    tenants.until(lambda: trove.step_of(asked.id) not in (None, 'make_address'), 30, 0.002)
    with cloud.without('nova'):
        await_no_answer(trove, asked.id)
        time.sleep(LONG_SECONDS)
        shown = asked.show()
        assert (shown['status'], shown['operation']['action']) == ('BUILD', 'create')
    asked.await_healthy()
    places.check_one_of_each(asked)
    asked.put('wren')
    assert asked.values() == ['wren']


def test_delete_while_nova_is_away(trove, cloud, member, asked):
    asked.await_healthy()
    # As late as that the first request to Nova may be under way.
    member.delete(asked.id)
    with cloud.without('nova'):
        await_no_answer(trove, asked.id)
        time.sleep(SHORT_SECONDS)
        assert asked.show()['status'] == 'SHUTDOWN'
    member.await_gone(asked.id)
    assert cloud.holdings_of(asked.id) == {}


def await_volume(trove, cloud, instance_id):
    """Wait until Trove waits for the volume, and Nova has not been asked for anything."""
    tenants.until(lambda: 'volumes' in cloud.holdings_of(instance_id), VOLUME_SECONDS)
    assert cloud.volume_of(instance_id)['status'] == 'creating'
    assert trove.step_of(instance_id) == 'make_volume'


def test_volume_that_cinder_has_lost(trove, cloud, member):
    """Cinder leaves it in "creating" for ever then, and refuses an ordinary delete of it."""
    with (
        trove.configured({'nova': {'lost_volume_seconds': '5'}}, 'taskmanager'),
        outages.frozen(cloud, 'cinder-scheduler'),
    ):
        place = places.Place(member, 'redis', 'cache')
        await_volume(trove, cloud, place.id)
        member.delete(place.id)
        member.await_gone(place.id)
        assert cloud.holdings_of(place.id) == {}
    # Cinder finds the message after all, and that the volume is not wanted any more.
    tenants.until(lambda: cloud.holdings_of(place.id) == {}, 30)


def test_tokens_that_are_revoked(trove, cloud, member):
    """Nobody tells us of that: services refuse the token from one moment to the next."""
    token = outages.service_account(cloud).token()
    with outages.frozen(cloud, 'cinder-volume'):
        place = places.Place(member, 'redis', 'cache')
        await_volume(trove, cloud, place.id)
        assert outages.is_accepted(cloud, token)
        outages.revoke_tokens(cloud)
        assert not outages.is_accepted(cloud, token)
    place.await_healthy()
    places.check_one_of_each(place)
    member.delete(place.id)
    outages.revoke_tokens(cloud)
    member.await_gone(place.id)
    assert cloud.holdings_of(place.id) == {}


@pytest.mark.slow
def test_tokens_that_expire(trove, cloud, member):
    with outages.short_tokens(cloud, TOKEN_SECONDS), trove.configured({}, 'taskmanager'):
        token = outages.service_account(cloud).token()
        with outages.frozen(cloud, 'cinder-volume'):
            place = places.Place(member, 'redis', 'cache')
            await_volume(trove, cloud, place.id)
            tenants.until(lambda: not outages.is_accepted(cloud, token), 2 * TOKEN_SECONDS, 1)
        place.await_healthy()
        places.check_one_of_each(place)
        member.delete(place.id)
        member.await_gone(place.id)
        assert cloud.holdings_of(place.id) == {}
