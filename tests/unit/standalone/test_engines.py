"""Which engines a host has, from what they say of themselves."""

import pytest

from trove.guestagent.datastore import description
from trove.standalone import engines
from trove.standalone.engines import Engine

SAYS = {
    '/usr/sbin/mariadbd': 'mariadbd  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
    # Debian links this one to the one above.
    '/usr/bin/mysqld': 'mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
    '/usr/sbin/mysqld': '/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)',
    '/opt/mysqld': 'mysqld  Ver 8.0.35-27 for Linux on x86_64 (Percona Server (GPL), Release 27)',
    '/usr/lib/postgresql/9/bin/postgres': 'postgres (PostgreSQL) 9.6.24',
    '/usr/lib/postgresql/15/bin/postgres': 'postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)',
    '/usr/bin/redis-server': 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64',
    '/usr/bin/broken': '',
}


def find(**programs):
    return engines.find(lambda name: programs.get(name.rpartition('/')[2].replace('-', '_'), []), SAYS.__getitem__)


@pytest.mark.parametrize(
    ('programs', 'expected'),
    [
        ({}, []),
        ({'mariadbd': ['/usr/sbin/mariadbd']}, [('mariadb', '10.11.6')]),
        ({'mysqld': ['/usr/sbin/mysqld']}, [('mysql', '8.0.36')]),
        ({'mysqld': ['/opt/mysqld']}, [('percona', '8.0.35')]),
        ({'redis_server': ['/usr/bin/redis-server']}, [('redis', '7.0.15')]),
        ({'redis_server': ['/usr/bin/broken']}, []),
    ],
)
def test_an_engine_is_what_it_says_and_not_what_its_file_is_called(programs, expected):
    assert [(engine.datastore, engine.version) for engine in find(**programs)] == expected


def test_a_datastore_of_a_vendor_is_found_by_what_its_description_tells():
    class Described(description.Description):
        engine_programs = ('cached',)

    class Silent(description.Description):
        """What needs no engine on this host."""

    found = engines.find(
        lambda name: [f'/opt/{name}'], lambda program: f'{program} 1.6.18\n', {'acme': Described, 'other': Silent}
    )
    assert found == [Engine('acme', '1.6.18', '/opt/cached')]


def test_debians_mysqld_is_the_mariadb_that_it_links_to():
    found = find(mariadbd=['/usr/sbin/mariadbd'], mysqld=['/usr/bin/mysqld'])
    assert found == [Engine('mariadb', '10.11.6', '/usr/sbin/mariadbd')]


def test_the_newest_version_comes_last():
    both = ['/usr/lib/postgresql/15/bin/postgres', '/usr/lib/postgresql/9/bin/postgres']
    assert [engine.version for engine in find(postgres=both)] == ['9.6.24', '15.10']


def test_a_program_that_cannot_be_run_says_nothing():
    assert engines.ask_version('/nowhere/at/all') == ''


def test_patterns_name_only_programs(tmp_path):
    for name, mode in (('15', 0o755), ('16', 0o644)):
        program = tmp_path / name / 'postgres'
        program.parent.mkdir()
        program.write_text('')
        program.chmod(mode)
    assert engines.find_programs(f'{tmp_path}/*/postgres') == [f'{tmp_path}/15/postgres']
