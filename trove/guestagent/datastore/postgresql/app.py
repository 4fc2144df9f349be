"""A PostgreSQL server on this host."""

import glob
import os
import re
import shutil
import signal
from collections.abc import Mapping
from typing import Any, ClassVar

from trove.common import exception
from trove.guestagent.datastore import app
from trove.guestagent.datastore.postgresql import client
from trove.guestagent.system import files, services

# Nobody is trusted, whichever way they come.
HOST_BASED_ACCESS = """\
local   all          all                 scram-sha-256
host    all          all   0.0.0.0/0     scram-sha-256
host    all          all   ::/0          scram-sha-256
"""


class PostgreSQLApp(app.App):
    """PostgreSQL; our own account is its first superuser, and ``postgres`` is the tenant's root."""

    config_name: ClassVar[str] = 'postgresql.conf'

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.socket_path = os.path.join(self.run_path, f'.s.PGSQL.{self._description.port}')
        self._access_file = os.path.join(os.path.dirname(self.config_file), 'pg_hba.conf')
        self._names_file = os.path.join(os.path.dirname(self.config_file), 'pg_ident.conf')
        self._client: client.Client | None = None

    @property
    def client(self) -> client.Client:
        """Our own account's connection; the password is read at first use."""
        if self._client is None:
            self._client = client.Client(self.socket_path, self.admin_name, self.admin_password())
        return self._client

    def make_data(self, folder: str) -> None:
        password_file = os.path.join(self.mount_point, 'first-password')
        files.write(password_file, self.admin_password(), owner=self.user)
        command = [
            self.program('initdb'),
            '--no-sync',
            f'--pgdata={folder}',
            f'--username={self.admin_name}',
            f'--pwfile={password_file}',
            '--auth=scram-sha-256',
            '--encoding=UTF8',
            '--locale=C.UTF-8',
        ]
        try:
            self.run_program(command)
        finally:
            files.remove(password_file)

    def unit(self) -> services.Unit:
        return services.Unit(
            name=self.unit_name,
            argv=(self.program('postgres'), '-D', self.data_folder, '-c', f'config_file={self.config_file}'),
            log_file=self.log_file,
            user=self.user,
            run_folder=self.run_path,
            data_folder=self.data_folder,
            # A fast shutdown: sessions are ended, not waited for.
            stop_signal=signal.SIGINT,
            lock_files=(os.path.join(self.data_folder, 'postmaster.pid'), f'{self.socket_path}.lock'),
        )

    def write_configuration(self) -> None:
        super().write_configuration()
        files.write(self._access_file, HOST_BASED_ACCESS, owner=self.user)
        files.write(self._names_file, '', owner=self.user)

    def own_configuration(self) -> str:
        values = {
            'data_directory': self.data_folder,
            'hba_file': self._access_file,
            'ident_file': self._names_file,
            'listen_addresses': '*' if self.address == '0.0.0.0' else self.address,
            'port': self._description.port,
            # Not inside the data, or a base backup would copy the socket's lock.
            'unix_socket_directories': self.run_path,
            'password_encryption': 'scram-sha-256',
            'logging_collector': 'off',
            'log_destination': 'stderr',
            # Statements of users hold passwords.
            'log_statement': 'none',
            'log_min_error_statement': 'panic',
        }
        return ''.join(f'{name} = {_value(value)}\n' for name, value in values.items())

    def render_overrides(self, overrides: Mapping[str, Any]) -> str:
        return ''.join(f'{name} = {_value(value)}\n' for name, value in sorted(overrides.items()))

    def ping(self) -> None:
        self.client.ping()

    def program(self, name: str) -> str:
        """Return the path of one of the engine's programs; ``GuestError`` when it is not installed."""
        places = [self.options.programs_path] if self.options.programs_path else self._program_folders()
        path = shutil.which(name, path=os.pathsep.join(places))
        if path is None:
            raise exception.GuestError(reason=f"program '{name}' is not installed on the guest")
        return path

    def _program_folders(self) -> list[str]:
        major = str(self._conf.datastore_version).partition('.')[0]
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=_version_of, reverse=True)
        wanted = f'/usr/lib/postgresql/{major}/bin'
        return [wanted, *found, *os.environ.get('PATH', os.defpath).split(os.pathsep)]


def _version_of(folder: str) -> int:
    match = re.search(r'/(\d+)/bin$', folder)
    return int(match.group(1)) if match else 0


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return 'on' if value else 'off'
    return "'" + str(value).replace("'", "''") + "'"
