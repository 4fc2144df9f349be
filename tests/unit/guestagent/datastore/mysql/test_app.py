"""How an engine of the MySQL family is made and run, and how names go into statements."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent.datastore.mysql import client, manager


def make(tmp_path, kind):
    conf = doubles.make_conf(tmp_path)
    made = kind(conf, doubles.MemoryServices())
    # As under an agent that is not root, also when the tests are: no engine's user need be there.
    made.app.user = None
    return made


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Programs of both kinds, found by PATH."""
    for name in ('mysqld', 'mariadbd', 'mariadb-install-db'):
        program = tmp_path / name
        program.write_text('#!/bin/sh\n')
        program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    return tmp_path


@pytest.mark.parametrize('kind', [manager.MySQLManager, manager.MariaDBManager, manager.PerconaManager])
def test_secrets_are_in_the_script_and_not_in_the_command(installed, kind):
    app = make(installed, kind).app
    password = app.admin_password()
    assert password in app.first_accounts()
    command = app.bootstrap_command('/data', '/script.sql')
    assert password not in ' '.join([*command, *app.unit().argv, app.own_configuration()])
    assert '/script.sql' in ' '.join(command)


def test_nobody_but_our_account_is_left(installed):
    for kind, table in ((manager.MySQLManager, 'mysql.user'), (manager.MariaDBManager, 'mysql.global_priv')):
        script = make(installed, kind).app.first_accounts()
        assert f"DELETE FROM {table} WHERE User IN ('', 'root')" in script
        assert script.endswith('FLUSH PRIVILEGES;\n')


def test_our_layer_says_where_and_how(installed):
    text = make(installed, manager.MariaDBManager).app.own_configuration()
    for line in ('bind_address = 127.0.0.9', 'port = 3306', 'skip_name_resolve = ON'):
        assert line in text.splitlines()


def test_overrides_are_a_section_of_their_own(installed):
    app = make(installed, manager.MariaDBManager).app
    assert app.render_overrides({}) == ''
    text = app.render_overrides({'max_connections': 7, 'autocommit': False, 'general_log': True})
    assert text == '[mysqld]\nautocommit = OFF\ngeneral_log = ON\nmax_connections = 7\n'


def test_missing_program_is_told(installed):
    with pytest.raises(exception.GuestError, match="'no-such-engine' is not installed"):
        make(installed, manager.MariaDBManager).app.find_program('no-such-engine')


@pytest.mark.parametrize('name', ['plain', 'under_score', 'per%cent', 'back\\slash', 'all_of%\\_%'])
def test_grant_patterns_stand_for_one_name(name):
    assert client.unescape_pattern(client.escape_pattern(name)) == name


def test_names_are_quoted():
    assert client.quote_name('a`b') == '`a``b`'
    assert client.quote_pattern('a_b') == '`a\\_b`'
