"""Options and constants of the MySQL family: mysql, mariadb and percona share this folder."""

from oslo_config import cfg

TCP_PORT = '3306'
GALERA_PORTS = ('4444', '4567', '4568')
MOUNT_POINT = '/var/lib/mysql'
SERVICE_USER = 'mysql'

RESERVED_DATABASES = frozenset({'mysql', 'information_schema', 'performance_schema', 'sys'})
RESERVED_USERS = frozenset(
    {'os_admin', 'root', 'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'PUBLIC'}
)

DEFAULT_CHARACTER_SET = 'utf8mb3'
DEFAULT_COLLATION = 'utf8mb3_general_ci'

DATABASE_NAME_LENGTH = 64
USER_NAME_LENGTH = 16


def guest_options(server_program: str) -> list[cfg.Opt]:
    """Return the guest's options of one member of the family."""
    return [
        cfg.StrOpt('server_program', default=server_program, help='The engine: a name that is looked for, or a path.'),
        cfg.StrOpt('root_grant', default='ALL PRIVILEGES', help='What root gets on everything when it is enabled.'),
        cfg.BoolOpt('root_grant_option', default=True, help='Whether root may pass on what it got.'),
    ]
