"""Names of what is made for an instance, and MAC addresses."""

import itertools
import uuid

import pytest

from trove.common import exception
from trove.compute.nova import names

ID = '0b8bb71c-9f7b-4d5c-a0c9-0a9c3a1b6d4e'


def test_first_port_carries_the_plain_name():
    assert names.of_user_port(ID, 0) == names.of_instance(ID) == f'trove-{ID}'
    assert names.of_user_port(ID, 1) == f'trove-{ID}-2'
    assert names.of_management_port(ID, 0) == f'trove-{ID}-mgmt-1'


def test_every_name_tells_its_instance():
    for name in (*names.of_ports(ID), names.of_claim(ID)):
        assert names.instance_of(name) == ID
    assert len(set(names.of_ports(ID))) == 16
    assert names.of_claim(ID) not in names.of_ports(ID)


@pytest.mark.parametrize('name', [None, '', 'trove', f'trove-{ID}-2-3', f'nova-{ID}', 'trove-nonsense', f'trove-{ID}x'])
def test_names_of_others(name):
    assert names.instance_of(name) == ''


@pytest.mark.parametrize('instance_id', ['', 'nonsense', f'{ID}-2', f'{ID}\n', '../etc'])
def test_what_is_no_id(instance_id):
    with pytest.raises(exception.ComputeError, match='no instance id'):
        names.of_instance(instance_id)


def test_mac_addresses_follow_from_names():
    ids = [str(uuid.UUID(int=number, version=4)) for number in range(200)]
    macs = {names.mac_of(name) for name in itertools.chain.from_iterable(map(names.of_ports, ids))}
    assert len(macs) == 200 * 16
    assert names.mac_of(f'trove-{ID}') == names.mac_of(f'trove-{ID}')
    for mac in macs:
        first = int(mac.split(':')[0], 16)
        assert first & 0b11 == 0b10, 'locally administered, of one station'
        assert len(mac) == 17
