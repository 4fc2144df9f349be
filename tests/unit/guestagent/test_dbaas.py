"""Which manager an agent runs."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent import dbaas
from trove.guestagent.system import services


def test_registry_wins_over_plugs(tmp_path):
    registry = {'mysql': f'{doubles.__name__}.StubManager'}
    conf = doubles.make_conf(tmp_path, datastore_manager='mysql', datastore_registry_ext=registry)
    assert dbaas.load_manager_class(conf) is doubles.StubManager
    assert isinstance(dbaas.make_manager(conf), doubles.StubManager)


@pytest.mark.parametrize('name', ['mysql', 'mariadb', 'percona', 'postgresql', 'redis'])
def test_ours_are_installed(tmp_path, name):
    conf = doubles.make_conf(tmp_path, datastore_manager=name)
    assert dbaas.load_manager_class(conf).description.name == name


@pytest.mark.parametrize(
    'path', ['no.such.module.Class', 'trove.guestagent.dbaas.Missing', 'trove.guestagent.dbaas.make_services', 'plain']
)
def test_registry_that_names_no_manager_is_told(tmp_path, path):
    conf = doubles.make_conf(tmp_path, datastore_registry_ext={'stub': path})
    with pytest.raises(exception.PlugError, match=path):
        dbaas.load_manager_class(conf)


def test_missing_name_and_unknown_name_are_told(tmp_path):
    with pytest.raises(exception.ConfigurationError, match='datastore_manager'):
        dbaas.load_manager_class(doubles.make_conf(tmp_path, datastore_manager=None))
    with pytest.raises(exception.PlugError, match='unheard'):
        dbaas.load_manager_class(doubles.make_conf(tmp_path, datastore_manager='unheard'))


def test_services_by_option(tmp_path):
    assert isinstance(dbaas.make_services(doubles.make_conf(tmp_path)), services.ProcessServices)
    conf = doubles.make_conf(tmp_path, service_manager='systemd')
    assert isinstance(dbaas.make_services(conf), services.SystemdServices)
