"""How PostgreSQL is run."""

import signal

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent.datastore.postgresql import app, manager


@pytest.fixture
def installed(tmp_path):
    """A folder with the engine's programs."""
    for name in ('postgres', 'initdb'):
        program = tmp_path / name
        program.write_text('#!/bin/sh\n')
        program.chmod(0o755)
    return tmp_path


@pytest.fixture
def engine(installed):
    made = manager.Manager(doubles.make_conf(installed), doubles.MemoryServices())
    made.conf.set_override('programs_path', str(installed), group='postgresql')
    return made.app


def test_nobody_is_trusted():
    methods = {line.split()[-1] for line in app.HOST_BASED_ACCESS.splitlines()}
    assert methods == {'scram-sha-256'}


def test_stop_is_fast(engine):
    assert engine.unit().stop_signal == signal.SIGINT


def test_our_layer_says_where_and_how(engine):
    text = engine.own_configuration()
    for line in ("listen_addresses = '127.0.0.9'", "port = '5432'", "password_encryption = 'scram-sha-256'"):
        assert line in text.splitlines()
    engine.address = '0.0.0.0'
    assert "listen_addresses = '*'" in engine.own_configuration().splitlines()


def test_overrides_are_quoted(engine):
    text = engine.render_overrides({'jit': True, 'datestyle': "o'clock", 'work_mem': 64})
    assert text == "datestyle = 'o''clock'\njit = on\nwork_mem = '64'\n"


def test_missing_program_is_told(engine, tmp_path):
    assert engine.program('initdb') == str(tmp_path / 'initdb')
    with pytest.raises(exception.GuestError, match="'pg_ctl' is not installed"):
        engine.program('pg_ctl')


def test_version_of_the_datastore_is_looked_for_first(tmp_path):
    made = manager.Manager(doubles.make_conf(tmp_path, datastore_version='16.2'), doubles.MemoryServices())
    assert made.app._program_folders()[0] == '/usr/lib/postgresql/16/bin'
