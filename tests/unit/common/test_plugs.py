"""Loading plugs by name. The installed entry points are the example, and packages of a vendor that are broken."""

import abc

import pytest

from tests.fixtures import vendor
from trove.common import exception, plugs
from trove.guestagent.datastore import description

GROUP = 'trove.datastores'


class Base(abc.ABC):
    """What the plugs of these tests must be."""

    @abc.abstractmethod
    def serve(self) -> None: ...


@pytest.fixture
def site(tmp_path):
    """Where a test installs packages."""
    with vendor.site(tmp_path) as made:
        yield made


def refusal(function, *arguments):
    """Return what is told of a plug that cannot be used."""
    with pytest.raises(exception.PlugError) as caught:
        function(*arguments)
    return str(caught.value)


def test_names_loads_nothing(site) -> None:
    site.install(modules={'acme_loud': 'raise SystemExit(7)'}, trove__datastores={'acme': 'acme_loud:Acme'})
    assert {'mysql', 'mariadb', 'percona', 'postgresql', 'redis', 'acme'} <= set(plugs.names(GROUP))


def test_installed_tells_where_a_plug_comes_from(site) -> None:
    site.install('acme-trove', '1.2', trove__datastores={'acme': 'acme_trove.plug:Acme'})
    (plug,) = [one for one in plugs.installed(GROUP) if one.name == 'acme']
    assert (plug.target, plug.distribution, plug.version) == ('acme_trove.plug:Acme', 'acme-trove', '1.2')
    assert str(plug) == 'acme_trove.plug:Acme of acme-trove 1.2'


def test_load() -> None:
    assert plugs.load(GROUP, 'redis', description.Description).name == 'redis'


def test_a_missing_plug_is_named_with_those_that_are_there() -> None:
    told = refusal(plugs.load, GROUP, 'nothing')
    assert told.startswith("Plug 'nothing' of 'trove.datastores'")
    assert 'installed: ' in told
    assert 'redis' in told


def test_a_plug_of_another_kind_is_refused() -> None:
    told = refusal(plugs.load, GROUP, 'redis', exception.TroveError)
    assert 'description:Redis of trove ' in told
    assert 'is not a subclass of trove.common.exception.TroveError' in told


def test_a_name_that_two_packages_claim_is_told_with_both(site) -> None:
    site.install('acme-trove', '1.2', trove__datastores={'redis': 'acme_trove:Redis'})
    told = refusal(plugs.load, GROUP, 'redis', description.Description)
    assert "Plug 'redis' of 'trove.datastores'" in told
    assert 'acme-trove 1.2 (acme_trove:Redis)' in told
    assert 'trove 1.0.0 (trove.guestagent.datastore.redis.description:Redis)' in told
    assert plugs.names(GROUP).count('redis') == 1


@pytest.mark.parametrize(
    ('source', 'cause'),
    [
        ('import nowhere_at_all', "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ('Other = 1', "AttributeError: module 'acme_broken' has no attribute 'Acme'"),
        ('def', 'SyntaxError: '),
        ('assert False, "of the vendor"', 'AssertionError: of the vendor'),
        ('class AcmeError(Exception): pass\nraise AcmeError("no licence")', 'AcmeError: no licence'),
        ('raise SystemExit(7)', 'SystemExit: 7'),
    ],
)
def test_a_plug_that_cannot_be_imported_is_told_with_its_cause(site, source, cause) -> None:
    site.install(modules={'acme_broken': source}, trove__datastores={'acme': 'acme_broken:Acme'})
    told = refusal(plugs.load, GROUP, 'acme', description.Description)
    assert "Plug 'acme' of 'trove.datastores'" in told
    assert 'acme_broken:Acme of acme-trove 1.2 cannot be imported' in told
    assert cause in told
    with pytest.raises(exception.PlugError):
        plugs.load_all(GROUP)


def test_an_incomplete_plug_is_refused_with_what_it_lacks() -> None:
    half = type('Half', (Base,), {})
    told = refusal(plugs.checked, plugs.find(GROUP, 'redis'), half, Base)
    assert told.endswith(' lacks serve')


def test_a_plug_that_cannot_be_made_is_told(site) -> None:
    source = """
        class Acme:
            def __init__(self, conf):
                raise LookupError(f'{conf} has no acme_url')
    """
    site.install(modules={'acme_maker': source}, trove__datastores={'acme': 'acme_maker:Acme'})
    told = refusal(plugs.make, GROUP, 'acme', object, 'trove.conf')
    assert 'acme_maker:Acme of acme-trove 1.2 cannot be made (LookupError: trove.conf has no acme_url)' in told


def test_make() -> None:
    assert plugs.make(GROUP, 'redis', description.Description).name == 'redis'


def test_a_dotted_path_is_loaded_in_place_of_a_plug() -> None:
    path = 'trove.guestagent.datastore.redis.description.Redis'
    assert plugs.load_path('some_option', 'redis', path, description.Description).name == 'redis'
    assert plugs.load_path('some_option', 'redis', 'trove.common.plugs:Plug') is plugs.Plug


@pytest.mark.parametrize(
    ('path', 'cause'),
    [
        ('nowhere', 'is no dotted path'),
        ('nowhere.at.all', 'ModuleNotFoundError'),
        ('trove.common.plugs.Nothing', 'AttributeError'),
        ('trove.common.plugs.Plug', 'is not a subclass of'),
    ],
)
def test_a_dotted_path_that_leads_nowhere_is_told(path, cause) -> None:
    told = refusal(plugs.load_path, 'some_option', 'acme', path, description.Description)
    assert "Plug 'acme' of 'some_option'" in told
    assert path in told
    assert cause in told


def test_load_all() -> None:
    found = plugs.load_all(GROUP, description.Description)
    assert found['redis'].name == 'redis'
