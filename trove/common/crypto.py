"""Secrets at rest: sealed with a key that lies in a file, never in the database."""

import json
import os
from typing import Any

from cryptography import fernet
from oslo_config import cfg

from trove.common import exception

OPTS = [
    cfg.StrOpt(
        'secrets_key_file',
        default='/etc/trove/secrets.key',
        help='File with the key that seals secrets in the database (passwords of operations in '
        'flight). Readable by the control plane only; the same on all its hosts. '
        '"trove-manage make_secrets_key" makes one. Several keys, one a line: the first one '
        'seals, all of them open.',
    )
]


def make_key_file(path: str) -> None:
    """Write a new key, readable by its owner only; an existing file stays as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, 'wb') as stream:
        stream.write(fernet.Fernet.generate_key() + b'\n')


class Sealer:
    """Seals JSON values with authenticated encryption."""

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = fernet.MultiFernet([fernet.Fernet(key) for key in keys])

    @classmethod
    def from_file(cls, path: str) -> 'Sealer':
        """Read the keys; ``ConfigurationError`` names the file when it cannot be used."""
        try:
            with open(path, 'rb') as stream:
                return cls(stream.read().split())
        except (OSError, ValueError) as error:
            reason = f'secrets_key_file {path} cannot be used ({error}); make one with "trove-manage make_secrets_key"'
            raise exception.ConfigurationError(reason=reason) from error

    def seal(self, value: Any) -> str:
        """Return the sealed text of a JSON value."""
        return self._fernet.encrypt(json.dumps(value).encode()).decode()

    def open(self, sealed: str) -> Any:
        """Return the value; ``ServerError`` when the text was not sealed with our key."""
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except fernet.InvalidToken as error:
            raise exception.ServerError('A sealed secret does not open with the present key.') from error
