"""PostgreSQL as the control plane sees it."""

import re
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.guestagent.datastore import description
from trove.guestagent.datastore.postgresql import options

_LOCALE_WORD = re.compile(r'[A-Za-z0-9_.@-]{1,64}')


class PostgreSQL(description.Description):
    """Databases and users; hosts have no meaning and are shown as ``%``."""

    name = 'postgresql'
    tcp_ports = (options.TCP_PORT,)
    mount_point = options.MOUNT_POINT
    service_user = options.SERVICE_USER
    has_user_hosts = False
    root_user_name = 'postgres'
    reserved_databases = options.RESERVED_DATABASES
    reserved_users = options.RESERVED_USERS
    engine_programs = ('postgres', '/usr/lib/postgresql/*/bin/postgres')
    engine_version = r'\(PostgreSQL\) (\d+[\d.]*)'

    def guest_options(self) -> list[cfg.Opt]:
        return [*super().guest_options(), *options.GUEST_OPTS]

    def validate_database(self, database: Mapping[str, Any]) -> None:
        if 'name' in database:
            name = database['name']
            if not 2 <= _size(name) <= options.NAME_LENGTH or name != name.rstrip() or not name.isprintable():
                raise exception.BadRequest(
                    f"Database name '{name}' cannot be used: 2 to {options.NAME_LENGTH} bytes, no blank at the end."
                )
            self._refuse_reserved(name, self.reserved_databases)
        for key in ('character_set', 'collate'):
            if database.get(key) is not None and not _LOCALE_WORD.fullmatch(database[key]):
                raise exception.BadRequest(f"The {key} '{database[key]}' cannot be used.")

    def validate_user(self, user: Mapping[str, Any]) -> None:
        if 'name' in user:
            name = user['name']
            if not 1 <= _size(name) <= options.NAME_LENGTH or not name.isprintable():
                raise exception.BadRequest(
                    f"User name '{name}' cannot be used: 1 to {options.NAME_LENGTH} bytes, all of them printable."
                )
            if name.startswith(options.RESERVED_PREFIX):
                raise exception.ReservedName(name=name)
            self._refuse_reserved(name, self.reserved_users)
        if user.get('password') is not None and (not user['password'] or '\0' in user['password']):
            raise exception.BadRequest('The password is empty, or holds a NUL, which no client can send.')
        for database in user.get('databases') or ():
            self.validate_database({'name': database['name']})


def _size(name: str) -> int:
    """PostgreSQL counts bytes."""
    return len(name.encode())
