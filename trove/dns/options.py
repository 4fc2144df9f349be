"""Options of the DNS drivers."""

from collections.abc import Sequence

from oslo_config import cfg, types

GROUP = 'designate'

OPTS = [
    cfg.StrOpt(
        'dns_driver',
        default='none',
        help='What gives instances host names: designate, or none for addresses only.',
    ),
]

DESIGNATE_OPTS = [
    cfg.StrOpt('zone_id', help="Id of the zone that host names are made in; it belongs to the service user's project."),
    cfg.StrOpt('zone_name', help='Name of that zone, instead of its id, such as db.example.org.'),
    cfg.StrOpt(
        'hostname_pattern',
        default='{instance_id}.{zone}',
        help='Host name of an instance. {instance_id}, {name} (what the tenant calls it, as far as DNS allows) and '
        '{zone} are filled in. Without {instance_id}, two instances of one name cannot be told apart: the second '
        'one fails.',
    ),
    cfg.ListOpt(
        'record_types',
        default=['A', 'AAAA'],
        item_type=types.String(choices=['A', 'AAAA']),
        help='Types of records that are made: A for IPv4 addresses, AAAA for IPv6 addresses. An address without its '
        'type here is left out.',
    ),
    cfg.IntOpt(
        'ttl',
        default=300,
        min=1,
        help='Seconds that others may remember an address; after a change of addresses, clients reach the old ones '
        'for that long.',
    ),
]


def list_opts() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(None, OPTS), (GROUP, DESIGNATE_OPTS)]
