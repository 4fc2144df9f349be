"""Which strategy backs up an engine, and what of it is checked."""

import pytest

from tests.fixtures import vendor
from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent import backup, dbaas

SOURCE = """
    from trove.guestagent import backup


    class Whole(backup.BackupStrategy):
        suffix = 'tar'

        def dump(self, parent):
            return backup.Program(('tar',))

        def notes(self):
            return {}

        def restore(self, folder, notes):
            return backup.Program(('tar', '-x'))

        def finish(self, folder):
            pass


    class Half(Whole):
        restore = backup.BackupStrategy.restore


    class Incremental(Whole):
        can_be_incremental = True
"""
BACK = """
    from trove.guestagent import backup


    class Whole(backup.Restore):
        def restore(self, folder, notes):
            return backup.Program(('cat',))

        def finish(self, folder):
            pass
"""


@pytest.fixture
def conf(tmp_path):
    made = doubles.make_conf(tmp_path, datastore_registry_ext={'stub': f'{doubles.__name__}.StubManager'})
    made.register_opts(doubles.StubDescription().guest_options(), group='stub')
    return made


@pytest.fixture(autouse=True)
def installed(tmp_path):
    """A package with a plug that is whole and one that is not, and modules for the namespaces."""
    with vendor.site(tmp_path) as site:
        site.install(
            modules={'acme_backup': SOURCE, 'acme_back': BACK},
            trove__guestagent__backups={'acme': 'acme_backup:Whole', 'half': 'acme_backup:Half'},
        )
        yield


def choose(conf, **values):
    for name, value in values.items():
        conf.set_override(name, value, group='stub')


def test_none_is_configured_and_none_is_supported(conf):
    backup.check(conf, 'stub')
    with pytest.raises(exception.DatastoreOperationNotSupported) as caught:
        backup.load(conf, 'stub')
    assert caught.value.code == 501


def test_a_plug_does_both_ways(conf):
    choose(conf, backup_strategy='acme')
    found = backup.load(conf, 'stub')
    assert found.dump is found.restore
    assert issubclass(found.dump, backup.BackupStrategy)
    assert isinstance(dbaas.make_manager(conf), doubles.StubManager)


def test_namespaces_are_modules_of_classes(conf):
    choose(conf, backup_strategy='Whole', backup_namespace='acme_backup')
    assert backup.load(conf, 'stub').restore(conf, None).restore('/data', {}).argv == ('tar', '-x')
    choose(conf, restore_namespace='acme_back')
    found = backup.load(conf, 'stub')
    assert found.restore(conf, None).restore('/data', {}).argv == ('cat',)
    assert found.dump(conf, None).dump(None).argv == ('tar',)
    choose(conf, backup_strategy='acme', backup_namespace='', restore_namespace='acme_backup')
    with pytest.raises(exception.PlugError, match=r"Plug 'acme' of 'restore_namespace'.*acme_backup.acme"):
        backup.load(conf, 'stub')


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'backup_strategy': 'tape'}, "Plug 'tape' of 'trove.guestagent.backups'.*installed: acme, half"),
        ({'backup_strategy': 'half'}, 'acme_backup:Half of acme-trove 1.2 lacks restore'),
        ({'backup_strategy': 'Half', 'backup_namespace': 'acme_backup'}, 'acme_backup.Half lacks restore'),
        ({'backup_strategy': 'Whole', 'backup_namespace': 'nowhere'}, 'nowhere.Whole cannot be imported'),
        ({'backup_strategy': 'Whole', 'backup_namespace': 'acme_back'}, 'is not a subclass of trove.*backup.Dump'),
    ],
)
def test_what_cannot_be_used_keeps_the_agent_from_starting(conf, options, told):
    choose(conf, **options)
    with pytest.raises(exception.PlugError, match=told):
        dbaas.make_manager(conf)


def test_kinds(conf):
    whole = backup.load(choose(conf, backup_strategy='Whole', backup_namespace='acme_backup') or conf, 'stub').dump
    incremental = backup.load(choose(conf, backup_strategy='Incremental') or conf, 'stub').dump
    parent = backup.Parent('b-1', {'to-lsn': '7'})
    assert [whole.kind(None), incremental.kind(None), incremental.kind(parent)] == ['full', 'full', 'incremental']
    with pytest.raises(exception.BadRequest, match='Whole'):
        whole.kind(parent)
