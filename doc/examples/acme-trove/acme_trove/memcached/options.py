"""Options and constants of memcached."""

from oslo_config import cfg

TCP_PORT = '11211'
MOUNT_POINT = '/var/lib/memcached'
SERVICE_USER = 'memcache'

GUEST_OPTS = [
    cfg.StrOpt('server_program', default='memcached', help='The engine: a name that is looked for, or a path.'),
]
