"""Options and constants of Redis."""

from oslo_config import cfg

TCP_PORT = '6379'
CLUSTER_PORT = '16379'
MOUNT_POINT = '/var/lib/redis'
SERVICE_USER = 'redis'

GUEST_OPTS = [
    cfg.StrOpt('server_program', default='redis-server', help='The engine: a name that is looked for, or a path.'),
]
