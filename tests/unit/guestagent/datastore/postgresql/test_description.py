"""Names of PostgreSQL."""

import pytest

from trove.common import exception
from trove.guestagent.datastore.postgresql import description

POSTGRESQL = description.PostgreSQL()


@pytest.mark.parametrize('name', ['ab', 'a b', 'x' * 63, 'MiXed', 'été'])
def test_database_name_is_taken(name):
    POSTGRESQL.validate_database({'name': name, 'character_set': 'UTF8', 'collate': 'en_US.UTF-8'})


@pytest.mark.parametrize('name', ['', 'a', 'ab ', 'x' * 64, 'é' * 32, 'a\0b', 'a\nb'])
def test_database_name_is_refused(name):
    with pytest.raises(exception.BadRequest, match='Database name'):
        POSTGRESQL.validate_database({'name': name})


@pytest.mark.parametrize('key', ['character_set', 'collate'])
def test_words_of_a_locale_only(key):
    with pytest.raises(exception.BadRequest, match=key):
        POSTGRESQL.validate_database({'name': 'db', key: "C' TEMPLATE x"})


@pytest.mark.parametrize('name', ['postgres', 'os_admin', 'template1'])
def test_reserved_database_is_refused(name):
    with pytest.raises(exception.ReservedName):
        POSTGRESQL.validate_database({'name': name})


@pytest.mark.parametrize('name', ['j', 'root', "o'neil", 'x' * 63])
def test_user_name_is_taken(name):
    POSTGRESQL.validate_user({'name': name, 'password': "any'thing", 'host': '%', 'databases': [{'name': 'db'}]})


@pytest.mark.parametrize('name', ['', 'x' * 64, 'a\tb'])
def test_user_name_is_refused(name):
    with pytest.raises(exception.BadRequest, match='User name'):
        POSTGRESQL.validate_user({'name': name})


@pytest.mark.parametrize('name', ['postgres', 'os_admin', 'pg_monitor'])
def test_reserved_user_is_refused(name):
    with pytest.raises(exception.ReservedName):
        POSTGRESQL.validate_user({'name': name})


@pytest.mark.parametrize('password', ['', 'canary\0'])
def test_password_that_no_client_can_send_is_refused(password):
    with pytest.raises(exception.BadRequest) as caught:
        POSTGRESQL.validate_user({'password': password})
    assert 'canary' not in str(caught.value)
