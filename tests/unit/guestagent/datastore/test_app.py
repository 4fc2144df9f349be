"""What is the same for all engines."""

import os

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception, states
from trove.guestagent import requests

REQUEST = requests.PrepareRequest('1', 512, 'size=1\n', overrides={'size': '2'})


@pytest.fixture
def services():
    return doubles.MemoryServices()


@pytest.fixture
def engine(tmp_path, services):
    return doubles.StubManager(doubles.make_conf(tmp_path), services).app


def test_install_makes_folders_configuration_and_data(engine):
    engine.install(REQUEST)
    with open(engine.config_file, encoding='utf-8') as stream:
        assert stream.read() == 'size=1\nsize=2\n\naddress=127.0.0.9\n'
    assert os.listdir(engine.mount_point) == ['data']


def test_data_are_made_once(engine):
    engine.install(REQUEST)
    engine.install(REQUEST)
    assert engine.made == 1


def test_drafts_of_earlier_attempts_go(engine):
    os.makedirs(os.path.join(engine.mount_point, 'data.new-old', 'inside'))
    engine.install(REQUEST)
    assert os.listdir(engine.mount_point) == ['data']


def test_data_that_could_not_be_made_are_not_taken_for_made(engine):
    engine.make_data = doubles.Recorder(exception.GuestError(reason='no room')).make_data
    with pytest.raises(exception.GuestError):
        engine.install(REQUEST)
    assert not os.path.exists(engine.data_folder)


def test_engine_that_ends_at_once_is_told_with_its_log(engine, services):
    services.dies_at_start = True
    with pytest.raises(exception.GuestError, match=r'ended right after its start; see .*stub\.log'):
        engine.install(REQUEST)


def test_engine_that_never_answers_is_given_up(engine):
    engine.answers = False
    engine._conf.set_override('start_timeout_seconds', 0.1)
    with pytest.raises(exception.GuestError, match='silence'):
        engine.install(REQUEST)


def test_health_tells_the_kinds_of_silence_apart(engine, services):
    engine.install(REQUEST)
    assert engine.health() == states.HEALTHY
    engine.answers = False
    assert engine.health() == states.BLOCKED
    services.running.clear()
    assert engine.health() == states.CRASHED
    engine.stop()
    assert engine.health() == states.SHUTDOWN


def test_secret_is_made_once_and_private(engine):
    password = engine.admin_password()
    assert len(password) >= 30
    assert engine.admin_password() == password
    assert engine.secret('other') != password
    path = os.path.join(engine._conf.state_path, 'secrets', 'os_admin')
    assert os.stat(path).st_mode & 0o077 == 0
