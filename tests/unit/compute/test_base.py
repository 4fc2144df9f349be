"""Words of the compute contract."""

import pytest

from trove.common import exception
from trove.compute import base
from trove.compute.local import provider as local
from trove.compute.nova import provider as nova


@pytest.mark.parametrize('provider', [local.LocalProvider, nova.NovaProvider], ids=lambda kind: kind.__name__)
def test_no_part_of_a_provider_hides_what_another_part_has(provider):
    parts = [part for part in provider.__mro__ if part.__module__ not in (base.__name__, 'abc', 'builtins')]
    methods = [name for part in parts for name, value in vars(part).items() if callable(value) and name[:2] != '__']
    assert methods
    assert sorted(methods) == sorted(set(methods))


def test_ports_and_ranges_become_numbers():
    assert base.port_numbers(('4567-4569', '3306', ' 4568 ')) == [3306, 4567, 4568, 4569]


@pytest.mark.parametrize('port', ['', 'x', '0', '65536', '5-4', '1-', '-1'])
def test_what_is_no_port_is_named(port):
    with pytest.raises(exception.ComputeError, match='correct tcp_ports'):
        base.port_numbers([port])


def test_provider_that_lacks_a_method_cannot_be_made():
    class Half(base.Provider):
        """A provider that fulfils nothing."""

    with pytest.raises(TypeError, match='make_server'):
        Half(None)
