"""Rules that let traffic in."""

import types

import pytest

from trove.common import exception
from trove.compute import base
from trove.compute.nova import access
from trove.compute.nova.access import Rule

EVERYBODY = '0.0.0.0/0'


def request(tcp=(), udp=(), cidrs=()):
    flavor = base.Flavor('1', 'tiny', 512)
    return base.ServerRequest(
        'id', 'project', 'user', 'name', flavor, tcp_ports=tcp, udp_ports=udp, access=base.Access(False, cidrs)
    )


def test_ranges_that_touch_are_one():
    rules = access.rules_of(request(('3306', '4567-4568', '4569'), ('4567',)), EVERYBODY)
    assert rules == {
        Rule('tcp', 3306, 3306, EVERYBODY),
        Rule('tcp', 4567, 4569, EVERYBODY),
        Rule('udp', 4567, 4567, EVERYBODY),
    }


def test_networks_are_written_as_neutron_does():
    rules = access.rules_of(request(('5432',), (), ('10.1.2.3/8', '2001:DB8::/32', '192.0.2.1')), EVERYBODY)
    assert {(rule.cidr, rule.ethertype) for rule in rules} == {
        ('10.0.0.0/8', 'IPv4'),
        ('2001:db8::/32', 'IPv6'),
        ('192.0.2.1/32', 'IPv4'),
    }


@pytest.mark.parametrize('wrong', [request(('x',)), request(('1',), (), ('nonsense',)), request((), ('70000',))])
def test_what_cannot_be_read(wrong):
    with pytest.raises(exception.ComputeError):
        access.rules_of(wrong, EVERYBODY)


def found(**changes):
    values = {
        'protocol': 'tcp',
        'port_range_min': 3306,
        'port_range_max': 3306,
        'remote_ip_prefix': EVERYBODY,
        'ether_type': 'IPv4',
        'remote_group_id': None,
        'remote_address_group_id': None,
    }
    return types.SimpleNamespace(**{**values, **changes})


@pytest.mark.parametrize(
    ('rule', 'expected'),
    [
        (found(), Rule('tcp', 3306, 3306, EVERYBODY)),
        (found(remote_ip_prefix=None), Rule('tcp', 3306, 3306, EVERYBODY)),
        (found(remote_ip_prefix=None, ether_type='IPv6'), Rule('tcp', 3306, 3306, '::/0')),
        (found(remote_group_id='others'), None),
        (found(remote_address_group_id='others'), None),
        (found(port_range_min=None, port_range_max=None), None),
        (found(remote_ip_prefix='nonsense'), None),
    ],
)
def test_rules_of_neutron_are_recognized(rule, expected):
    assert access._rule(rule) == expected
