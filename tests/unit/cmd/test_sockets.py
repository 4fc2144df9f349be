"""What ``trove-manage plugins`` tells of what is installed."""

import pytest

from tests.fixtures import vendor
from trove.cmd import manage

HALF = """
    from trove.guestagent.datastore import manager
    from trove.common import extensions

    class Manager(manager.Manager):
        pass

    class Plugin:
        class mapper:
            @staticmethod
            def map(engine):
                raise LookupError('it is not mapped to be looked at')

    class Empty:
        pass
"""


@pytest.fixture
def site(tmp_path):
    """Where a test installs packages."""
    with vendor.site(tmp_path) as made:
        yield made


@pytest.fixture
def tell(capsys):
    """Runs the tool in this process; returns exit code and the lines that it tells, spaces as one."""

    def tell():
        code = manage.main(['plugins'])
        shown = capsys.readouterr()
        assert shown.err == ''
        return code, [' '.join(line.split()) for line in shown.out.splitlines()]

    return tell


def test_all_of_ours_can_be_used(tell):
    code, lines = tell()
    assert code == 0
    assert 'redis ok trove 1.0.0 trove.guestagent.datastore.redis.description:Redis' in lines
    assert lines[lines.index('trove.storage') + 1] == 'local ok trove 1.0.0 trove.storage.local:LocalStore'
    assert lines[lines.index('trove.db_plugins') + 1] == 'none'
    assert not [line for line in lines if 'BROKEN' in line]


def test_a_package_that_is_whole_is_listed(site, tell):
    site.install('acme-trove', '1.2', {'acme_whole': HALF}, trove__db_plugins={'acme': 'acme_whole:Plugin'})
    code, lines = tell()
    assert code == 0
    assert lines[lines.index('trove.db_plugins') + 1] == 'acme ok acme-trove 1.2 acme_whole:Plugin'


@pytest.mark.parametrize(
    ('group', 'target', 'problem'),
    [
        ('trove__datastores', 'nowhere:Acme', "cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
        ('trove__storage', 'acme_half:Nothing', 'cannot be imported (AttributeError: module'),
        ('trove__guestagent__datastores', 'acme_half:Manager', 'acme_half:Manager of acme-trove 1.2 lacks '),
        ('trove__api__extensions', 'acme_half:Plugin', 'is not a subclass of trove.common.extensions.Extension'),
        ('trove__db_plugins', 'acme_half:Empty', 'has no mapper with a method map(engine)'),
        ('trove__policies', 'acme_half:__doc__', 'is no function'),
    ],
)
def test_what_is_broken_is_told_with_package_and_cause(site, tell, group, target, problem):
    site.install(modules={'acme_half': HALF}, **{group: {'acme': target}})
    code, lines = tell()
    assert code == 1
    broken = [number for number, line in enumerate(lines) if 'BROKEN' in line]
    assert [lines[number] for number in broken] == [f'acme BROKEN acme-trove 1.2 {target}']
    assert problem in lines[broken[0] + 1]


def test_a_name_that_two_packages_declare_is_shown_twice(site, tell):
    site.install('acme-trove', '1.2', trove__dns={'designate': 'acme:Dns'})
    code, lines = tell()
    assert code == 1
    assert 'designate BROKEN acme-trove 1.2 acme:Dns' in lines
    assert 'designate BROKEN trove 1.0.0 trove.dns.designate:Designate' in lines
    told = 'it is declared by acme-trove 1.2 (acme:Dns) and by trove 1.0.0 (trove.dns.designate:Designate)'
    assert sum(line.startswith(told) for line in lines) == 2
