"""A Redis server on this host."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from typing import Any, ClassVar

from trove.common import exception, passwords
from trove.guestagent import requests
from trove.guestagent.datastore import app
from trove.guestagent.datastore.redis import client
from trove.guestagent.system import files, services

# Whoever is logged in may do everything, as root of other engines may.
_EVERYTHING = '~* &* +@all'


class RedisApp(app.App):
    """Redis with two accounts: ours, and ``default``, which the tenant's clients use.

    The configuration holds only hashes of the passwords, and holds them from
    the first start on. What hash ``default`` has is kept in a file of ours, so
    that the configuration can be written anew.
    """

    config_name: ClassVar[str] = 'redis.conf'

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.socket_path = os.path.join(self.run_path, 'redis.sock')
        self._root_file = os.path.join(self._conf.state_path, 'secrets', 'root.sha256')
        self._client: client.Client | None = None

    @property
    def client(self) -> client.Client:
        """Our own account's connection; the password is read at first use."""
        if self._client is None:
            self._client = client.Client(self.socket_path, self.admin_name, self.admin_password())
        return self._client

    def install(self, request: requests.PrepareRequest) -> None:
        # Kept before the first start, so that no moment has another password than this.
        if request.root_password is not None:
            self.keep_root_password(request.root_password)
        super().install(request)

    def keep_root_password(self, password: str) -> None:
        """Remember the hash of the tenant's password for every later configuration."""
        files.make_folder(os.path.dirname(self._root_file))
        files.write(self._root_file, _hash(password))

    def set_root_password(self, password: str) -> None:
        """Change the tenant's password in the running engine and end the sessions that had the old one."""
        rules = ['reset', 'on', f'#{_hash(password)}', *_EVERYTHING.split()]
        self.client.ask('ACL', 'SETUSER', 'default', *rules)
        self.client.ask('CLIENT', 'KILL', 'USER', 'default')

    def make_data(self, folder: str) -> None:
        """Redis makes its files itself; the folder is all it needs."""

    def unit(self) -> services.Unit:
        return services.Unit(
            name=self.unit_name,
            argv=(self._program(), self.config_file),
            log_file=self.log_file,
            user=self.user,
            run_folder=self.run_path,
            data_folder=self.data_folder,
        )

    def own_configuration(self) -> str:
        lines = [
            f'dir "{self.data_folder}"',
            f'bind {self.address}',
            f'port {self._description.port}',
            f'unixsocket "{self.socket_path}"',
            'unixsocketperm 777',
            'daemonize no',
            'supervised no',
            # The title would overwrite the environment, by which our processes are found.
            'set-proc-title no',
            f'user {self.admin_name} on #{_hash(self.admin_password())} {_EVERYTHING}',
            f'user default on #{self._root_hash()} {_EVERYTHING}',
            *self._source_address(),
            '',
        ]
        return '\n'.join(lines)

    def render_overrides(self, overrides: Mapping[str, Any]) -> str:
        return ''.join(f'{name} {_value(value)}\n' for name, value in sorted(overrides.items()))

    def ping(self) -> None:
        # It refuses this, unlike PING, while it loads its data.
        self.client.ask('INFO', 'server')
        self.client.ask('EXISTS', 'trove')

    def _root_hash(self) -> str:
        """Return the kept hash, or that of a password that nobody knows."""
        if files.read(self._root_file) is None:
            self.keep_root_password(passwords.generate_password())
        return files.read(self._root_file) or ''

    def _source_address(self) -> list[str]:
        """On a loopback address of its own an instance must also speak from it, or others see 127.0.0.1."""
        if not self.address.startswith('127.'):
            return []
        return [f'bind-source-addr {self.address}', f'replica-announce-ip {self.address}']

    def _program(self) -> str:
        path = shutil.which(self.options.server_program)
        if path is None:
            raise exception.GuestError(reason=f"program '{self.options.server_program}' is not installed on the guest")
        return path


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return str(value) or '""'
