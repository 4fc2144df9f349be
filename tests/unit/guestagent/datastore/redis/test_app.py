"""How Redis is run, and what its configuration holds of passwords."""

import os

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent.datastore.redis import description, manager


@pytest.fixture
def engine(tmp_path):
    return manager.Manager(doubles.make_conf(tmp_path), doubles.MemoryServices()).app


def test_configuration_has_both_accounts_by_hash_alone(engine):
    engine.keep_root_password('canary')
    text = engine.own_configuration()
    assert 'canary' not in text
    assert engine.admin_password() not in text
    assert text.count(' on #') == 2
    assert 'nopass' not in text


def test_without_a_password_nobody_knows_it(engine):
    first = engine.own_configuration()
    assert first == engine.own_configuration()
    assert 'user default on #' in first


def test_loopback_instance_speaks_from_its_own_address(engine):
    assert 'bind-source-addr 127.0.0.9' in engine.own_configuration()
    engine.address = '10.0.0.5'
    assert 'bind-source-addr' not in engine.own_configuration()


def test_overrides_are_lines(engine):
    text = engine.render_overrides({'maxclients': 7, 'appendonly': False, 'save': '', 'hz': '10'})
    assert text == 'appendonly no\nhz 10\nmaxclients 7\nsave ""\n'


def test_missing_program_is_told(engine, monkeypatch):
    monkeypatch.setenv('PATH', os.devnull)
    with pytest.raises(exception.GuestError, match="'redis-server' is not installed"):
        engine.unit()


def test_no_databases_and_no_users():
    redis = description.Redis()
    assert redis.root_on_create
    for call in (redis.validate_database, redis.validate_user):
        with pytest.raises(exception.DatastoreOperationNotSupported):
            call({'name': 'some'})
