"""The layers of an engine's configuration."""

import os

import pytest

from trove.common import exception
from trove.guestagent import configuration


def render(overrides):
    return ''.join(f'{name}={value}\n' for name, value in overrides.items())


def test_layers_stand_in_order_and_can_be_written_again(tmp_path):
    path = str(tmp_path / 'engine' / 'engine.conf')
    kept = configuration.Configuration(path)
    kept.save('a=template\n', {'b': 'override'})
    kept.write('c=own\n', render)
    expected = 'a=template\nb=override\n\nc=own\n'
    with open(path, encoding='utf-8') as stream:
        assert stream.read() == expected
    configuration.Configuration(path).write('c=other\n', render)
    with open(path, encoding='utf-8') as stream:
        assert stream.read() == expected.replace('own', 'other')
    assert os.stat(path).st_mode & 0o077 == 0


def test_template_is_replaced_and_overrides_stay(tmp_path):
    path = str(tmp_path / 'engine.conf')
    kept = configuration.Configuration(path)
    with pytest.raises(exception.GuestError, match='never prepared'):
        kept.replace_template('a=one\n')
    kept.save('a=one\n', {'b': 'override'})
    kept.replace_template('a=two\n')
    kept.write('c=own\n', render)
    with open(path, encoding='utf-8') as stream:
        assert stream.read() == 'a=two\nb=override\n\nc=own\n'


def test_without_layers_only_our_own_is_written(tmp_path):
    path = str(tmp_path / 'engine.conf')
    configuration.Configuration(path).write('c=own\n', render)
    with open(path, encoding='utf-8') as stream:
        assert stream.read() == 'c=own\n'
