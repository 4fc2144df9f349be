"""Loading plugs by name. The installed entry points are the example."""

import abc

import pytest

from trove.common import exception, plugs
from trove.guestagent.datastore import description


def test_names_loads_nothing() -> None:
    assert {'mysql', 'mariadb', 'percona', 'postgresql', 'redis'} <= set(plugs.names('trove.datastores'))


def test_load() -> None:
    assert plugs.load('trove.datastores', 'redis', description.Description).name == 'redis'


def test_a_missing_plug_is_named_with_those_that_are_there() -> None:
    with pytest.raises(exception.PlugError, match=r"'nothing' of 'trove.datastores'.*installed:.*redis"):
        plugs.load('trove.datastores', 'nothing')


def test_a_plug_of_another_kind_is_refused() -> None:
    with pytest.raises(exception.PlugError, match='is not a subclass of'):
        plugs.load('trove.datastores', 'redis', exception.TroveError)


def test_an_incomplete_plug_is_refused_with_what_it_lacks() -> None:
    class Base(abc.ABC):
        @abc.abstractmethod
        def serve(self) -> None: ...

    class EntryPoint:
        value = 'vendor.plug:Half'

    class Extension:
        name = 'half'
        plugin = type('Half', (Base,), {})
        entry_point = EntryPoint()

    with pytest.raises(exception.PlugError, match=r'vendor\.plug:Half lacks serve'):
        plugs._checked('group', Extension(), Base)


def test_load_all() -> None:
    found = plugs.load_all('trove.datastores', description.Description)
    assert found['redis'].name == 'redis'
