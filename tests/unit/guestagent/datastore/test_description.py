"""What is the same for all descriptions."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception, plugs
from trove.guestagent.datastore import description

KINDS = {'integer', 'string', 'boolean', 'float'}


@pytest.fixture(params=plugs.names('trove.datastores'))
def known(request):
    return plugs.load('trove.datastores', request.param, description.Description)()


def test_name_is_the_plug_s(known):
    assert known.name in plugs.names('trove.datastores')
    assert known.port == int(known.tcp_ports[0])


def test_options_have_help_and_the_two_halves_share_none(known):
    server, guest = known.server_options(), known.guest_options()
    assert all(option.help for option in server + guest)
    names = [option.name for option in server + guest]
    assert len(names) == len(set(names))
    assert {'tcp_ports', 'udp_ports', 'root_on_create', 'usage_timeout', 'volume_support'} <= set(names)


def test_parameters_are_sound(known):
    parameters = known.parameters()
    names = [entry['name'] for entry in parameters]
    assert len(names) >= 20
    assert len(names) == len(set(names))
    for entry in parameters:
        assert entry['type'] in KINDS
        assert isinstance(entry['restart_required'], bool)
        assert set(entry) <= {'name', 'type', 'restart_required', 'min', 'max'}
        if 'min' in entry:
            assert entry['min'] <= entry['max']


def test_template_is_there(known):
    assert 'flavor.ram' in known.template()


def test_reserved_names_are_refused():
    with pytest.raises(exception.ReservedName, match='system'):
        doubles.StubDescription().validate_database({'name': 'system'})
