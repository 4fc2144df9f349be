"""Paths and configuration of an instance."""

import pytest
from oslo_config import cfg

from trove.common import exception
from trove.compute.local import home


def test_sockets_lie_beside_the_rest_when_the_path_is_short():
    assert home.Home('/x', 'one').run == '/x/one/run'


def test_sockets_of_long_paths_have_a_short_folder_of_their_own():
    first, second = home.Home('/' + 'x' * 80, 'one').run, home.Home('/' + 'x' * 80, 'two').run
    assert first != second
    assert len(first) < 40


def test_settings_are_read_back_as_they_were(tmp_path):
    path = tmp_path / 'local.conf'
    path.write_text(home.settings_text({'mount_point': '/a$b/c d', 'report_interval': '2.5'}))
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('mount_point'), cfg.FloatOpt('report_interval')])
    conf(['--config-file', str(path)], default_config_files=[], default_config_dirs=[])
    assert (conf.mount_point, conf.report_interval) == ('/a$b/c d', 2.5)


def test_our_file_wins(tmp_path):
    place = home.Home(str(tmp_path), 'one')
    (tmp_path / 'one' / 'etc').mkdir(parents=True)
    for name in ('zzz.conf', 'local.conf', 'guest_info.conf', 'x.conf.1.new'):
        (tmp_path / 'one' / 'etc' / name).write_text('')
    named = [word.rpartition('/')[2] for word in place.guest_arguments() if word.startswith('/')]
    assert named == ['guest_info.conf', 'zzz.conf', 'local.conf']


def test_only_instances_are_listed(tmp_path):
    for name in ('.addresses', '.locks', 'b', 'a'):
        (tmp_path / name).mkdir()
    assert home.list_ids(str(tmp_path)) == ['a', 'b']
    assert home.list_ids(str(tmp_path / 'no-such')) == []


def test_id_that_leads_elsewhere_is_refused():
    with pytest.raises(exception.ComputeError, match='is no instance id'):
        home.Home('/x', '../y')
