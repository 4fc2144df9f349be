"""The users of a stack: their passwords, their projects and a clouds.yaml to use them with."""

import dataclasses
import json
import pathlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import bcrypt
import yaml

from trove.standalone import files
from trove.standalone import state as standalone_state

# Passwords are 32 random characters; the digest need not be slow to make guessing hopeless.
DIGEST_ROUNDS = 8


@dataclass(frozen=True)
class Account:
    """A user with a project of its own; ``cloud`` is what clouds.yaml calls the user's access."""

    cloud: str
    name: str
    password: str
    project_id: str
    user_id: str
    roles: Sequence[str]


def load(state: standalone_state.State) -> list[Account]:
    """Return the accounts of a stack; a new stack gets an ordinary user and an administrator."""
    remembered = state.settings().get('accounts')
    if remembered is None:
        made = [_new('trove-standalone', 'demo', ['member']), _new('trove-admin', 'admin', ['admin', 'member'])]
        remembered = [dataclasses.asdict(account) for account in made]
        state.remember(accounts=remembered)
    return [Account(**entry) for entry in remembered]


def _new(cloud: str, name: str, roles: Sequence[str]) -> Account:
    # Projects have ids in the form of Keystone's, because clients look other words up there.
    return Account(cloud, name, secrets.token_urlsafe(24), uuid.uuid4().hex, uuid.uuid4().hex, roles)


def endpoint(account: Account, port: int) -> str:
    """Return the URL that clients of this account use."""
    return f'http://127.0.0.1:{port}/v1.0/{account.project_id}'


def write(state: standalone_state.State, accounts: Sequence[Account]) -> None:
    """Write what the API reads (password and accounts file) and what clients read (clouds.yaml)."""
    digests = [f'{account.name}:{_digest(account.password)}\n' for account in accounts]
    files.write_private(password_file(state), ''.join(digests))
    entries = {
        account.name: {'user_id': account.user_id, 'project_id': account.project_id, 'roles': list(account.roles)}
        for account in accounts
    }
    files.write_private(accounts_file(state), json.dumps(entries, indent=2))
    clouds = {account.cloud: _cloud(account, state.port) for account in accounts}
    files.write_private(state.clouds, yaml.safe_dump({'clouds': clouds}, sort_keys=False))


def password_file(state: standalone_state.State) -> pathlib.Path:
    return state.configuration / 'passwords'


def accounts_file(state: standalone_state.State) -> pathlib.Path:
    return state.configuration / 'accounts.json'


def _digest(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(DIGEST_ROUNDS)).decode()


def _cloud(account: Account, port: int) -> dict[str, object]:
    return {
        'auth_type': 'http_basic',
        'auth': {'username': account.name, 'password': account.password, 'endpoint': endpoint(account, port)},
    }
