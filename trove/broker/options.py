"""Options of the accounts that guests have at the message broker."""

from collections.abc import Sequence

from oslo_config import cfg

GROUP = 'broker'

OPTS = [
    cfg.StrOpt(
        'broker_accounts',
        default='rabbitmq',
        help="What makes the accounts of guests at the message broker: the name of an entry point in 'trove.brokers'.",
    ),
]

RABBITMQ_OPTS = [
    cfg.URIOpt(
        'management_url',
        default='http://127.0.0.1:15672',
        schemes=['http', 'https'],
        help="RabbitMQ's management API, through which accounts are made. It should be reached over https, or over "
        'loopback.',
    ),
    cfg.StrOpt(
        'management_user',
        help='User of the management API, with the tag administrator; without it the account of transport_url.',
    ),
    cfg.StrOpt('management_password', secret=True, help='Password of management_user.'),
    cfg.StrOpt('management_cafile', help='Certificates that the management API is checked by.'),
    cfg.FloatOpt('management_timeout', default=5, min=0.1, help='Seconds that one management request may take.'),
    cfg.StrOpt(
        'guest_bus_url',
        secret=True,
        help='Bus as guests reach it, written like transport_url but without an account, such as '
        'rabbit://10.0.0.5:5672/trove; without it the hosts of transport_url. The virtual host has to be the same.',
    ),
    cfg.IntOpt('guest_connections', default=16, min=4, help='Connections that one guest may have at a time.'),
    cfg.IntOpt(
        'guest_queue_bytes', default=16 * 1024**2, min=1024**2, help='Bytes that may wait in one queue of a guest.'
    ),
    cfg.IntOpt(
        'conductor_queue_bytes',
        default=256 * 1024**2,
        min=1024**2,
        help='Bytes of reports that may wait for conductors. When guests send more, the oldest are dropped.',
    ),
]


def list_opts() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(None, OPTS), (GROUP, RABBITMQ_OPTS)]
