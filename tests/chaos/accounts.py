"""The accounts of the tenants, and of an administrator who reboots their servers."""

import json
import pathlib
from typing import Any

import bcrypt

from tests.chaos import plan
from tests.fixtures import api as api_fixture

ADMIN = 'admin'


def name_of(tenant: int | None) -> str:
    """Return the name of an account; the administrator is no tenant."""
    return ADMIN if tenant is None else f'tenant-{tenant}'


def project_of(tenant: int) -> str:
    return f'{tenant:032x}'


def make() -> dict[str, dict[str, Any]]:
    """Return name to account, as the API's own authentication reads them."""
    made: dict[str, dict[str, Any]] = {
        name_of(tenant): {'project_id': project_of(tenant), 'user_id': f'user-{tenant}', 'roles': ['member']}
        for tenant in range(plan.TENANTS)
    }
    made[ADMIN] = {'project_id': 'f' * 32, 'user_id': 'admin-id', 'roles': ['admin', 'member']}
    return made


def write(folder: pathlib.Path, accounts: dict[str, dict[str, Any]]) -> None:
    """Write them where the API looks for them."""
    digest = bcrypt.hashpw(api_fixture.PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / 'passwords').write_text(''.join(f'{name}:{digest}\n' for name in accounts))
    (folder / 'accounts.json').write_text(json.dumps(accounts))
