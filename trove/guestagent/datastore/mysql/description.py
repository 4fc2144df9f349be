"""The MySQL family as the control plane sees it."""

import functools
import ipaddress
import json
import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from trove.common import exception
from trove.guestagent.datastore import description
from trove.guestagent.datastore.mysql import options

_DATABASE_NAME = re.compile(r'[A-Za-z0-9_-]+[\s?#@]*[A-Za-z0-9_-]+')
_LAST_CHARACTER = '\uffff'
"""The grant tables keep names in three bytes for a character; what lies beyond fits into none."""
_FORBIDDEN_IN_USERS = frozenset('\'";`,/\\')


class MySQLFamily(description.Description):
    """What the members have in common; a server tells by its version text whose it is, whatever its file is called."""

    tcp_ports: ClassVar[tuple[str, ...]] = (options.TCP_PORT,)
    mount_point = options.MOUNT_POINT
    service_user = options.SERVICE_USER
    root_user_name = 'root'
    usage_timeout = 400
    reserved_databases = options.RESERVED_DATABASES
    reserved_users = options.RESERVED_USERS
    server_program: ClassVar[str]

    def guest_options(self) -> list[cfg.Opt]:
        return [*super().guest_options(), *options.guest_options(self.server_program)]

    def validate_database(self, database: Mapping[str, Any]) -> None:
        if 'name' in database:
            name = database['name']
            if len(name) > options.DATABASE_NAME_LENGTH or not _DATABASE_NAME.fullmatch(name):
                raise exception.BadRequest(
                    f"Database name '{name}' cannot be used: 2 to {options.DATABASE_NAME_LENGTH} letters, digits, "
                    "'_' and '-'."
                )
            self._refuse_reserved(name.lower(), self.reserved_databases)
        self._validate_character_set(database.get('character_set'), database.get('collate'))

    def validate_user(self, user: Mapping[str, Any]) -> None:
        if 'name' in user:
            self._validate_user_name(user['name'])
        if user.get('password') is not None:
            self._validate_password(user['password'])
        if user.get('host') is not None and not _is_valid_host(user['host']):
            raise exception.BadRequest(
                f"Host '{user['host']}' cannot be used: give '%', an address or a network such as '10.1.%'."
            )
        for database in user.get('databases') or ():
            self.validate_database({'name': database['name']})

    def _validate_user_name(self, name: str) -> None:
        if not 1 <= len(name) <= options.USER_NAME_LENGTH:
            raise exception.BadRequest(
                f"User name '{name}' cannot be used: it may have {options.USER_NAME_LENGTH} characters."
            )
        if not _is_clean(name) or max(name) > _LAST_CHARACTER:
            raise exception.BadRequest(
                f"User name '{name}' cannot be used: no blanks at the ends, no quotes, commas, semicolons or slashes, "
                'no emoji.'
            )
        self._refuse_reserved(name, self.reserved_users)

    @staticmethod
    def _validate_password(password: str) -> None:
        if not password or not _is_clean(password):
            raise exception.BadRequest(
                'The password cannot be used: no blanks at the ends, no quotes, commas, semicolons or slashes.'
            )

    @staticmethod
    def _validate_character_set(character_set: str | None, collate: str | None) -> None:
        known = _collations()
        if character_set is not None and character_set not in known:
            raise exception.BadRequest(f"Character set '{character_set}' is not known.")
        if collate is None:
            return
        sets = [character_set] if character_set is not None else list(known)
        if not any(collate in known[name] for name in sets):
            suffix = f" in character set '{character_set}'" if character_set is not None else ''
            raise exception.BadRequest(f"Collation '{collate}' is not known{suffix}.")


class MySQL(MySQLFamily):
    name = 'mysql'
    server_program = 'mysqld'
    engine_programs = ('mysqld',)
    engine_version = r'Ver (\d+[\d.]*)(?!.*(?:MariaDB|Percona))'


class Percona(MySQLFamily):
    name = 'percona'
    server_program = 'mysqld'
    engine_programs = ('mysqld',)
    engine_version = r'Ver (\d+[\d.]*)(?=.*Percona)'
    usage_timeout = 450


class MariaDB(MySQLFamily):
    name = 'mariadb'
    server_program = 'mariadbd'
    engine_programs = ('mariadbd', 'mysqld')
    engine_version = r'Ver (\d+[\d.]*)-MariaDB'
    tcp_ports: ClassVar[tuple[str, ...]] = (options.TCP_PORT, *options.GALERA_PORTS)


def _is_clean(text: str) -> bool:
    return text == text.strip() and not _FORBIDDEN_IN_USERS.intersection(text) and text.isprintable()


def _is_valid_host(host: str) -> bool:
    """A pattern such as ``10.1.%`` stands for the addresses below it, so the missing parts are filled up."""
    if host == '%':
        return True
    filled = host.replace('%', '1')
    if host.endswith('%'):
        filled += '.1' * (3 - host.count('.'))
    try:
        ipaddress.ip_network(filled, strict=False)
    except ValueError:
        return False
    return True


@functools.cache
def _collations() -> dict[str, frozenset[str]]:
    path = os.path.join(os.path.dirname(__file__), 'collations.json')
    with open(path, encoding='utf-8') as stream:
        return {name: frozenset(collations) for name, collations in json.load(stream).items()}
