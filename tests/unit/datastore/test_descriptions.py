import pytest
from oslo_config import cfg

from trove.common import exception
from trove.datastore import descriptions


def test_a_manager_brings_its_options():
    conf = cfg.ConfigOpts()
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    found = descriptions.find(conf, 'mariadb')
    assert found.name == 'mariadb'
    assert conf['mariadb'].volume_support is True
    assert descriptions.find(conf, 'mariadb') is found


def test_a_manager_that_is_not_installed_is_named():
    with pytest.raises(exception.DatastoreNotInstalled, match='unheard_of'):
        descriptions.find(cfg.ConfigOpts(), 'unheard_of')
