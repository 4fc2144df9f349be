"""Words of the compute contract."""

import pytest

from trove.common import exception
from trove.compute import base


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
