"""Claims: how old they are, and what becomes of them when a request fails."""

import email.utils
import types

import pytest
import requests
from keystoneauth1 import exceptions as keystone_exceptions

from trove.common import exception
from trove.compute.nova import slots

ID = '0b8bb71c-9f7b-4d5c-a0c9-0a9c3a1b6d4e'
EPOCH = 1_795_000_000.0


class NetworkDouble:
    """A double of Neutron that knows claims only."""

    def __init__(self):
        self.now = EPOCH
        self.ports = {}

    def get(self, _path, params):
        answer = types.SimpleNamespace(status_code=200, headers={'Date': email.utils.formatdate(self.now, usegmt=True)})
        found = [port for port in self.ports.values() if all(port[name] == params[name] for name in params)]
        answer.json = lambda: {'ports': found}
        return answer

    def create_port(self, **values):
        if any(port['mac_address'] == values['mac_address'] for port in self.ports.values()):
            raise openstack_conflict('The mac address is in use.')
        made = {**values, 'id': f'claim-{len(self.ports)}', 'created_at': iso(self.now)}
        self.ports[made['id']] = made
        return types.SimpleNamespace(id=made['id'])

    def delete_port(self, port_id, ignore_missing):
        assert not ignore_missing
        del self.ports[port_id]


def iso(moment):
    return email.utils.parsedate_to_datetime(email.utils.formatdate(moment, usegmt=True)).isoformat()


def openstack_conflict(message):
    response = requests.Response()
    response.status_code = 409
    return slots.openstack.exceptions.ConflictException(message, response=response, details=message)


@pytest.fixture
def network():
    return NetworkDouble()


@pytest.fixture
def made(network):
    cloud = types.SimpleNamespace(network=network, timeout_seconds=20.0, project_id=lambda: 'service')
    return slots.Slots(cloud, 30.0, monotonic=lambda: network.now)


def refused(cause=None):
    error = exception.ComputeError(reason='no')
    error.__cause__ = cause
    return error


def test_claim_is_given_back(network, made):
    with made.claimed(ID, 'net', 'server') as about_to_post:
        about_to_post()
        assert len(network.ports) == 1
        with (
            pytest.raises(exception.ComputeBusy, match='may be under way') as caught,
            made.claimed(ID, 'net', 'volume'),
        ):
            pass
        assert 0 < caught.value.delay_seconds <= 30
    assert network.ports == {}
    assert made.rest_seconds(ID) == 0


@pytest.mark.parametrize(
    ('error', 'is_kept'),
    [
        (refused(keystone_exceptions.ConnectFailure('lost')), True),
        (exception.ComputeBusy('still unknown'), True),
        (refused(keystone_exceptions.BadRequest('no')), False),
        (refused(keystone_exceptions.InternalServerError('what')), True),
    ],
)
def test_claim_stays_while_the_request_may_be_under_way(network, made, error, is_kept):
    with pytest.raises(exception.ComputeError), made.claimed(ID, 'net', 'server') as about_to_post:
        about_to_post()
        raise error
    assert len(network.ports) == int(is_kept)


def test_claim_is_given_back_when_nothing_was_sent(network, made):
    with pytest.raises(exception.ComputeError), made.claimed(ID, 'net', 'server'):
        raise refused(keystone_exceptions.ConnectFailure('lost'))
    assert network.ports == {}


def test_old_claim_is_taken_over(network, made, caplog):
    with pytest.raises(exception.ComputeBusy), made.claimed(ID, 'net', 'server') as about_to_post:
        about_to_post()
        raise exception.ComputeBusy('lost')
    network.now += 29
    assert made.rest_seconds(ID) == 1
    with pytest.raises(exception.ComputeBusy), made.claimed(ID, 'net', 'server'):
        pass
    network.now += 1
    assert made.rest_seconds(ID) == 0
    with made.claimed(ID, 'net', 'server'):
        assert len(network.ports) == 1
    assert 'was left behind' in caplog.text


def test_claim_that_nobody_comes_for_is_tidied_away_once_it_is_old(network, made):
    with pytest.raises(exception.ComputeBusy), made.claimed(ID, 'net', 'server') as about_to_post:
        about_to_post()
        raise exception.ComputeBusy('lost')
    network.create_port(name='another', device_owner='compute:nova', project_id='service', mac_address='')
    network.now += 29
    made.tidy()
    assert len(network.ports) == 2
    network.now += 1
    made.tidy()
    assert [port['name'] for port in network.ports.values()] == ['another']


def test_who_was_held_up_does_not_post(network, made):
    with pytest.raises(exception.ComputeBusy, match='too old'), made.claimed(ID, 'net', 'server') as about_to_post:
        network.now += 11
        about_to_post()
    assert network.ports == {}


def test_two_at_the_same_time(network, made):
    class LateLook(NetworkDouble):
        """Whose look comes before the other one's claim."""

        def get(self, path, params):
            answer = super().get(path, params)
            answer.json = lambda: {'ports': []}
            return answer

    late = LateLook()
    late.ports = network.ports
    cloud = types.SimpleNamespace(network=late, timeout_seconds=20.0, project_id=lambda: 'service')
    with made.claimed(ID, 'net', 'server'):
        with (
            pytest.raises(exception.ComputeBusy, match='another worker'),
            slots.Slots(cloud, 30.0).claimed(ID, 'net', 'x'),
        ):
            pass
        assert len(network.ports) == 1


def test_what_is_left_is_deleted(network, made):
    with pytest.raises(exception.ComputeBusy), made.claimed(ID, 'net', 'server') as about_to_post:
        about_to_post()
        raise exception.ComputeBusy('lost')
    made.delete(ID)
    assert network.ports == {}


def test_age_needs_no_date_of_neutron():
    port = {'id': '1', 'created_at': '2026-01-01T00:00:00Z', 'description': ''}
    assert slots.read(port, None).age_seconds > 0
    assert slots.read({**port, 'created_at': '2099-01-01T00:00:00Z'}, None).age_seconds == 0
    assert slots.read(port, 'Thu, 01 Jan 2026 00:00:09 GMT').age_seconds == 9
