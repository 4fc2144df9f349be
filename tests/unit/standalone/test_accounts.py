"""Users, what the API knows of them and what clients know."""

import json

import bcrypt
import pytest
import yaml

from trove.standalone import accounts
from trove.standalone import state as standalone_state


@pytest.fixture
def state(tmp_path):
    made = standalone_state.State(tmp_path / 'state', is_root=False)
    made.remember(port=4711)
    made.configuration.mkdir()
    return made


def test_a_new_stack_has_a_user_and_an_administrator(state):
    user, admin = accounts.load(state)
    assert (user.cloud, user.name, list(user.roles)) == ('trove-standalone', 'demo', ['member'])
    assert (admin.cloud, admin.name, list(admin.roles)) == ('trove-admin', 'admin', ['admin', 'member'])
    assert user.project_id != admin.project_id
    assert user.password != admin.password


def test_accounts_stay_the_same(state):
    assert accounts.load(state) == accounts.load(standalone_state.State(state.folder, is_root=False))


def test_the_api_gets_digests_and_projects(state):
    user, admin = accounts.load(state)
    accounts.write(state, [user, admin])
    digests = dict(line.split(':', 1) for line in accounts.password_file(state).read_text().splitlines())
    assert bcrypt.checkpw(user.password.encode(), digests['demo'].encode())
    assert not bcrypt.checkpw(admin.password.encode(), digests['demo'].encode())
    entries = json.loads(accounts.accounts_file(state).read_text())
    assert entries['demo'] == {'user_id': user.user_id, 'project_id': user.project_id, 'roles': ['member']}


def test_clients_get_clouds(state):
    user, admin = accounts.load(state)
    accounts.write(state, [user, admin])
    clouds = yaml.safe_load(state.clouds.read_text())['clouds']
    assert list(clouds) == ['trove-standalone', 'trove-admin']
    assert clouds['trove-standalone'] == {
        'auth_type': 'http_basic',
        'auth': {
            'username': 'demo',
            'password': user.password,
            'endpoint': f'http://127.0.0.1:4711/v1.0/{user.project_id}',
        },
    }


def test_what_is_written_is_for_the_owner_alone(state):
    accounts.write(state, accounts.load(state))
    for path in (state.clouds, accounts.password_file(state), accounts.accounts_file(state)):
        assert path.stat().st_mode & 0o077 == 0
