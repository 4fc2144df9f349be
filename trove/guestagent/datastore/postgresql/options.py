"""Options and constants of PostgreSQL."""

from oslo_config import cfg

TCP_PORT = '5432'
MOUNT_POINT = '/var/lib/postgresql'
SERVICE_USER = 'postgres'

RESERVED_DATABASES = frozenset({'os_admin', 'postgres', 'template0', 'template1'})
RESERVED_USERS = frozenset({'os_admin', 'postgres'})
RESERVED_PREFIX = 'pg_'
MAINTENANCE_DATABASE = 'postgres'

NAME_LENGTH = 63

GUEST_OPTS = [
    cfg.StrOpt(
        'programs_path',
        help='Folder with postgres and initdb; by default that of the version in datastore_version below '
        '/usr/lib/postgresql, then the newest one there, then PATH.',
    ),
]
