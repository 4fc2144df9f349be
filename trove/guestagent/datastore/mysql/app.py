"""An engine of the MySQL family on this host."""

import os
import shutil
from collections.abc import Mapping
from typing import Any, ClassVar

from trove.common import exception
from trove.guestagent.datastore import app
from trove.guestagent.datastore.mysql import client
from trove.guestagent.system import files, services

# Enough to make the system tables and no more: the real sizes come with the template.
BOOTSTRAP_SIZES = (
    '--innodb-buffer-pool-size=16M',
    '--innodb-log-file-size=8M',
    '--innodb-log-buffer-size=2M',
    '--performance-schema=OFF',
    '--key-buffer-size=1M',
)
PROGRAM_FOLDERS = ('/usr/sbin', '/usr/libexec', '/usr/local/sbin', '/usr/local/mysql/bin')


class MySQLApp(app.App):
    """MySQL and Percona Server; what MariaDB does otherwise is below."""

    config_name: ClassVar[str] = 'my.cnf'
    forget_accounts: ClassVar[tuple[str, ...]] = ("DELETE FROM mysql.user WHERE User IN ('', 'root')",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.socket_path = os.path.join(self.run_path, 'mysql.sock')
        self._client: client.Client | None = None

    @property
    def client(self) -> client.Client:
        """Our own account's connection; the password is read at first use."""
        if self._client is None:
            self._client = client.Client(self.socket_path, self.admin_name, self.admin_password())
        return self._client

    def make_data(self, folder: str) -> None:
        script = os.path.join(self.mount_point, 'first-accounts.sql')
        files.write(script, self.first_accounts(), owner=self.user)
        try:
            self.run_program(self.bootstrap_command(folder, script))
        finally:
            files.remove(script)

    def bootstrap_command(self, folder: str, script: str) -> list[str]:
        """Return the program that makes the system tables and runs ``script``, without taking any client."""
        return [
            self.find_program(self.options.server_program),
            '--no-defaults',
            '--initialize-insecure',
            f'--datadir={folder}',
            f'--init-file={script}',
            *self.bootstrap_settings(),
        ]

    def bootstrap_settings(self) -> list[str]:
        """Return what the server is told while it makes its tables."""
        # A server that starts deletes all temporary tables it finds, also those of a neighbour in the same folder.
        return [f'--tmpdir={self.temporary_folder()}', *BOOTSTRAP_SIZES]

    def first_accounts(self) -> str:
        """Return the SQL, a statement a line, that leaves our own account as the only one that can log in."""
        # Our passwords are letters and digits, so a literal is safe here, where parameters cannot be used.
        account = f"'{self.admin_name}'@'localhost'"
        statements = [
            'FLUSH PRIVILEGES',
            f"CREATE USER {account} IDENTIFIED BY '{self.admin_password()}'",
            f'GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION',
            *self.forget_accounts,
            'DELETE FROM mysql.proxies_priv',
            'FLUSH PRIVILEGES',
        ]
        return ''.join(f'{statement};\n' for statement in statements)

    def unit(self) -> services.Unit:
        return services.Unit(
            name=self.unit_name,
            argv=(self.find_program(self.options.server_program), f'--defaults-file={self.config_file}'),
            log_file=self.log_file,
            user=self.user,
            run_folder=self.run_path,
            data_folder=self.data_folder,
        )

    def own_configuration(self) -> str:
        lines = [
            '[mysqld]',
            f'datadir = {self.data_folder}',
            f'bind_address = {self.address}',
            f'port = {self._description.port}',
            f'socket = {self.socket_path}',
            f'pid_file = {os.path.join(self.run_path, "mysqld.pid")}',
            f'log_error = {self.log_file}',
            f'tmpdir = {self.temporary_folder()}',
            'skip_name_resolve = ON',
            'local_infile = OFF',
            '',
        ]
        return '\n'.join(lines)

    def engine_paths(self) -> list[str]:
        return [*super().engine_paths(), self.temporary_folder()]

    def temporary_folder(self) -> str:
        """Return the folder for the engine's temporary files; on the volume, so that its size limits them."""
        folder = os.path.join(self.mount_point, 'tmp')
        files.make_folder(folder, owner=self.user)
        return folder

    def render_overrides(self, overrides: Mapping[str, Any]) -> str:
        if not overrides:
            return ''
        return '\n'.join(['[mysqld]', *(f'{name} = {_value(value)}' for name, value in sorted(overrides.items())), ''])

    def ping(self) -> None:
        self.client.ping()

    @staticmethod
    def find_program(name: str) -> str:
        """Return the path of a program; ``GuestError`` when it is not installed."""
        places = os.pathsep.join([os.environ.get('PATH', os.defpath), *PROGRAM_FOLDERS])
        path = shutil.which(name, path=places)
        if path is None:
            raise exception.GuestError(reason=f"program '{name}' is not installed on the guest")
        return path


class MariaDBApp(MySQLApp):
    """MariaDB makes its system tables by a program of its own and keeps its accounts in another table."""

    forget_accounts: ClassVar[tuple[str, ...]] = ("DELETE FROM mysql.global_priv WHERE User IN ('', 'root')",)

    def bootstrap_command(self, folder: str, script: str) -> list[str]:
        return [
            self.find_program('mariadb-install-db'),
            '--no-defaults',
            f'--datadir={folder}',
            f'--extra-file={script}',
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
            '--skip-name-resolve',
            *self.bootstrap_settings(),
        ]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return 'ON' if value else 'OFF'
    return str(value)
