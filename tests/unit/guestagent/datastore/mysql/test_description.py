"""Names, hosts and character sets of the MySQL family."""

import pytest

from trove.common import exception
from trove.guestagent.datastore.mysql import description

MARIADB = description.MariaDB()


@pytest.mark.parametrize('name', ['ab', 'my_db', 'my-db', '12', 'a b', 'a?b', 'a#@b', 'x' * 64])
def test_database_name_is_taken(name):
    MARIADB.validate_database({'name': name})


@pytest.mark.parametrize('name', ['', 'a', 'x' * 65, 'a.b', 'a/b', "a'b", 'a`b', ' ab', 'ab ', 'aé', 'a?', 'a;b'])
def test_database_name_is_refused(name):
    with pytest.raises(exception.BadRequest, match='Database name'):
        MARIADB.validate_database({'name': name})


@pytest.mark.parametrize('name', ['mysql', 'sys', 'information_schema', 'PERFORMANCE_SCHEMA'])
def test_reserved_database_is_refused(name):
    with pytest.raises(exception.ReservedName):
        MARIADB.validate_database({'name': name})


@pytest.mark.parametrize(
    'character_set, collate',
    [
        (None, None),
        ('utf8mb4', None),
        ('latin1', 'latin1_swedish_ci'),
        (None, 'utf8mb4_0900_ai_ci'),
        ('utf8', 'utf8_bin'),
    ],
)
def test_character_set_is_taken(character_set, collate):
    MARIADB.validate_database({'name': 'db', 'character_set': character_set, 'collate': collate})


@pytest.mark.parametrize('character_set, collate', [('klingon', None), ('latin1', 'utf8mb4_bin'), (None, 'nonsense')])
def test_character_set_is_refused(character_set, collate):
    with pytest.raises(exception.BadRequest, match='not known'):
        MARIADB.validate_database({'name': 'db', 'character_set': character_set, 'collate': collate})


@pytest.mark.parametrize('name', ['j', 'joe', 'joe@x', 'x' * 16, 'jö', 'a b'])
def test_user_name_is_taken(name):
    MARIADB.validate_user({'name': name, 'password': 'secret', 'host': '%', 'databases': [{'name': 'db'}]})


@pytest.mark.parametrize(
    'name', ['', 'x' * 17, ' joe', 'joe ', "j'oe", 'j"oe', 'j;oe', 'j`oe', 'j,oe', 'j/oe', 'j\\oe', 'j\U0001f4a3']
)
def test_user_name_is_refused(name):
    with pytest.raises(exception.BadRequest, match='User name'):
        MARIADB.validate_user({'name': name})


@pytest.mark.parametrize('name', ['os_admin', 'root', 'mariadb.sys'])
def test_reserved_user_is_refused(name):
    with pytest.raises(exception.ReservedName):
        MARIADB.validate_user({'name': name})


@pytest.mark.parametrize('password', ['', ' x', "x'y", 'x;y', 'x\ny'])
def test_password_is_refused_without_being_told(password):
    with pytest.raises(exception.BadRequest) as caught:
        MARIADB.validate_user({'password': password})
    assert password == '' or password not in str(caught.value)


@pytest.mark.parametrize(
    'host', ['%', '10.0.0.1', '10.%', '10.0.%', '10.0.0.%', '10.0.0.0/24', '::1', '192.168.1.0/255.255.255.0']
)
def test_host_is_taken(host):
    MARIADB.validate_user({'name': 'joe', 'host': host})


@pytest.mark.parametrize('host', ['localhost', '10.0.0.300', '10.0', '10.0.0.0.%', 'db.example.org', ''])
def test_host_is_refused(host):
    with pytest.raises(exception.BadRequest, match='Host'):
        MARIADB.validate_user({'name': 'joe', 'host': host})


def test_databases_of_a_user_are_looked_at():
    with pytest.raises(exception.ReservedName):
        MARIADB.validate_user({'databases': [{'name': 'mysql'}]})


def test_members_differ_where_they_must():
    assert MARIADB.tcp_ports[0] == description.MySQL.tcp_ports[0] == '3306'
    names = {entry['name'] for entry in MARIADB.parameters()}
    others = {entry['name'] for entry in description.MySQL().parameters()}
    assert 'aria_pagecache_buffer_size' in names - others
    assert 'innodb_redo_log_capacity' in others - names
    defaults = {option.name: option.default for option in description.Percona().guest_options()}
    assert defaults['server_program'] == 'mysqld'
