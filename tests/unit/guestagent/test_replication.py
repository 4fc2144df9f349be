"""Which strategy replicates, and what of it is checked."""

import pytest

from tests.fixtures import vendor
from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent import dbaas, replication

SOURCE = """
    from trove.guestagent import replication

    Whole = type('Whole', (replication.ReplicationStrategy,), {
        name: lambda self, *arguments: None for name in replication.ReplicationStrategy.__abstractmethods__
    })

    class Half(Whole):
        follow = replication.ReplicationStrategy.follow
"""


@pytest.fixture
def conf(tmp_path):
    made = doubles.make_conf(tmp_path, datastore_registry_ext={'stub': f'{doubles.__name__}.StubManager'})
    made.register_opts(doubles.StubDescription().guest_options(), group='stub')
    return made


@pytest.fixture(autouse=True)
def installed(tmp_path):
    """A package with a plug that is whole and one that is not."""
    with vendor.site(tmp_path) as site:
        plugs = {'acme': 'acme_replication:Whole', 'half': 'acme_replication:Half'}
        site.install(modules={'acme_replication': SOURCE}, trove__guestagent__replications=plugs)
        yield


def choose(conf, **values):
    for name, value in values.items():
        conf.set_override(name, value, group='stub')


def test_none_is_configured_and_none_is_supported(conf):
    replication.check(conf, 'stub')
    with pytest.raises(exception.DatastoreOperationNotSupported) as caught:
        replication.load(conf, 'stub')
    assert caught.value.code == 501


@pytest.mark.parametrize(
    'options',
    [
        {'replication_strategy': 'acme'},
        {'replication_strategy': 'Whole', 'replication_namespace': 'acme_replication'},
        {'replication_strategy': 'acme_replication.Whole', 'replication_namespace': 'not.asked'},
    ],
)
def test_ways_to_name_one(conf, options):
    choose(conf, **options)
    assert replication.load(conf, 'stub').__name__ == 'Whole'
    assert isinstance(dbaas.make_manager(conf), doubles.StubManager)


def test_the_guests_own_wins(conf):
    choose(conf, replication_strategy='tape')
    conf.set_override('replication_strategy', 'acme')
    assert replication.load(conf, 'stub').__name__ == 'Whole'


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'replication_strategy': 'tape'}, "Plug 'tape' of 'trove.guestagent.replications'.*installed: acme, half"),
        ({'replication_strategy': 'half'}, 'acme_replication:Half of acme-trove 1.2 lacks follow'),
        ({'replication_strategy': 'nowhere.Whole'}, "Plug 'nowhere.Whole' of 'replication_strategy'.*ModuleNotFound"),
        (
            {'replication_strategy': 'Half', 'replication_namespace': 'acme_replication'},
            "Plug 'Half' of 'replication_namespace'.*acme_replication.Half lacks follow",
        ),
    ],
)
def test_what_cannot_be_used_keeps_the_agent_from_starting(conf, options, told):
    choose(conf, **options)
    with pytest.raises(exception.PlugError, match=told):
        dbaas.make_manager(conf)


def test_the_password_of_the_source_is_not_shown():
    assert 'canary' not in repr(replication.Source('127.0.0.1', 3306, 'replica', 'canary'))
