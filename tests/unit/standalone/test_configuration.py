"""The configuration that is written for the daemons."""

import pytest
from oslo_config import cfg

from trove.standalone import configuration
from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError


@pytest.fixture
def state(tmp_path):
    made = standalone_state.State(tmp_path / 'state', is_root=False)
    made.remember(port=4711)
    return made


class Node:
    """A broker that never was."""

    url = 'rabbit://trove:se$cret@127.0.0.1:1/'
    management_url = 'http://127.0.0.1:2'


def read(path, *names):
    conf = cfg.ConfigOpts()
    for group, name in names:
        conf.register_opt(cfg.StrOpt(name), group=group)
    conf(['--config-file', str(path)], project='trove')
    return conf


def test_values_come_back_as_they_were_meant(state):
    configuration.write(state, Node(), ['/usr/bin/python3', '-m', 'guest'])
    names = [(None, 'transport_url'), (None, 'bind_port'), ('database', 'connection'), ('local', 'guest_command')]
    conf = read(state.main_file, *names)
    assert conf.transport_url == Node.url
    assert conf.bind_port == '4711'
    assert conf.database.connection == f'sqlite:///{state.database}'
    assert conf.local.guest_command == '/usr/bin/python3,-m,guest'


def test_the_files_are_for_the_owner_alone(state):
    configuration.write(state, Node(), ['guest'])
    assert state.configuration.stat().st_mode & 0o777 == 0o700
    for name in ('trove.conf', 'secrets.key'):
        assert (state.configuration / name).stat().st_mode & 0o077 == 0


def test_the_key_stays_when_all_else_is_written_anew(state):
    configuration.write(state, Node(), ['guest'])
    key = (state.configuration / 'secrets.key').read_text()
    configuration.write(state, Node(), ['guest'])
    assert (state.configuration / 'secrets.key').read_text() == key


def test_the_paste_file_comes_along(state):
    configuration.write(state, Node(), ['guest'])
    assert 'standalone' in (state.configuration / 'api-paste.ini').read_text()


def test_a_line_break_is_refused():
    with pytest.raises(StackError, match='line break'):
        configuration.render({'DEFAULT': {'a': 'b\nc = d'}})


# -- the operator's own files ----------------------------------------------------------------


def test_options_of_the_operator_win_and_are_remembered(state, tmp_path):
    mine = tmp_path / 'acme.conf'
    mine.write_text('[DEFAULT]\nbind_port = 4712\n[acme]\ncolour = red')
    configuration.name_more(state, [str(mine)])
    mine.write_text('[DEFAULT]\nbind_port = 4713\n[acme]\ncolour = blue')
    for _start in range(2):
        configuration.write(state, Node(), ['guest'])
        conf = read(state.main_file, (None, 'bind_port'), (None, 'transport_url'), ('acme', 'colour'))
        assert (conf.bind_port, conf.transport_url, conf.acme.colour) == ('4713', Node.url, 'blue')


def test_an_empty_file_takes_the_others_place(state, tmp_path):
    mine = tmp_path / 'acme.conf'
    mine.write_text('[DEFAULT]\nbind_port = 4712\n')
    configuration.name_more(state, [str(mine)])
    configuration.name_more(state, ['/dev/null'])
    configuration.write(state, Node(), ['guest'])
    assert read(state.main_file, (None, 'bind_port')).bind_port == '4711'


@pytest.mark.parametrize('text', ['no option', b'\xff', None])
def test_a_file_that_cannot_be_used_is_named(state, tmp_path, text):
    mine = tmp_path / 'acme.conf'
    if text is not None:
        mine.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StackError, match=r'acme\.conf cannot be used'):
        configuration.name_more(state, [str(mine)])
    assert configuration.read_more(state) == ''
