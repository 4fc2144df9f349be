"""What a create body means."""

import pytest

from trove.common import exception, wire
from trove.instance import spec

FULL = {
    'name': 'db',
    'flavorRef': 'http://host/v1.0/project/flavors/7',
    'volume': {'size': '5', 'type': None},
    'datastore': {'type': 'mariadb', 'version': '10.11', 'version_number': '10.11.6'},
    'databases': [{'name': 'one', 'character_set': 'utf8mb4', 'unknown': 1}],
    'users': [{'name': 'u', 'password': 'canary', 'databases': [{'name': 'one', 'x': 1}]}],
    'nics': [{'net-id': 'n', 'subnet_id': 's', 'ip_address': '10.0.0.1'}],
    'access': {'is_public': False},
    'availability_zone': 'az1',
    'locality': 'anti-affinity',
    'region_name': 'RegionOne',
    'unknown': True,
}


def test_a_full_body() -> None:
    found, passwords = spec.from_body({'instance': FULL})
    assert found == spec.InstanceSpec(
        name='db',
        flavor_id='7',
        datastore='mariadb',
        datastore_version='10.11',
        version_number='10.11.6',
        volume_size=5,
        volume_type=None,
        databases=[{'name': 'one', 'character_set': 'utf8mb4'}],
        users=[{'name': 'u', 'host': '%', 'databases': [{'name': 'one'}]}],
        nics=[{'network_id': 'n', 'subnet_id': 's', 'ip_address': '10.0.0.1'}],
        access={'is_public': False},
        availability_zone='az1',
        locality='anti-affinity',
        region_name='RegionOne',
    )
    assert passwords == ['canary']


def test_no_password_is_in_the_spec_that_is_stored() -> None:
    found, _passwords = spec.from_body({'instance': FULL})
    assert 'canary' not in str(wire.pack(found))


def test_the_spec_survives_the_wire() -> None:
    found, _passwords = spec.from_body({'instance': FULL})
    assert wire.unpack(spec.InstanceSpec, wire.pack(found)) == found


def test_the_smallest_body() -> None:
    assert spec.from_body({'instance': {'name': 'db'}}) == (spec.InstanceSpec(name='db', flavor_id=None), [])


@pytest.mark.parametrize('field', sorted(spec.NOT_YET))
def test_what_is_not_built_is_refused_by_name(field: str) -> None:
    with pytest.raises(exception.NotImplementedHere, match=field):
        spec.from_body({'instance': {'name': 'db', field: 'something'}})


@pytest.mark.parametrize('nic', [{}, {'ip_address': '10.0.0.1', 'network_id': 'n'}])
def test_a_nic_needs_a_network_and_an_address_a_subnet(nic: dict[str, str]) -> None:
    with pytest.raises(exception.BadRequest):
        spec.from_body({'instance': {'name': 'db', 'nics': [nic]}})


@pytest.mark.parametrize('locality', ['', 'nearby', 'AFFINITY'])
def test_a_locality_is_one_of_four(locality: str) -> None:
    with pytest.raises(exception.BadRequest, match='soft-anti-affinity'):
        spec.from_body({'instance': {'name': 'db', 'locality': locality}})
