"""Options of the nova provider."""

from typing import Any

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import exception

GROUP = 'nova'
MOST_NETWORKS = 8
"""How many networks of tenants, and how many for management, a server may be on."""


def _formerly(name: str, group: str = 'DEFAULT') -> list[cfg.DeprecatedOpt]:
    # Where operators of earlier releases have it; both places are read.
    return [cfg.DeprecatedOpt(name, group=group)]


NETWORK_OPTS = [
    cfg.ListOpt(
        'management_networks',
        default=[],
        deprecated_opts=_formerly('management_networks'),
        help='Ids of networks, at most 8, that every server gets a further port on, so that its guest reaches the '
        'message bus. Tenants never see these ports.',
    ),
    cfg.ListOpt(
        'management_security_groups',
        default=[],
        deprecated_opts=_formerly('management_security_groups'),
        help="Ids of security groups of the ports on management networks; without any, Neutron's default group of the "
        'service project is used.',
    ),
    cfg.StrOpt(
        'public_network_id',
        deprecated_opts=_formerly('public_network_id', 'network'),
        help='Id of the external network that floating IPs of public instances come from. Without it, public '
        'instances are refused.',
    ),
    cfg.BoolOpt(
        'enable_access_check',
        default=True,
        deprecated_opts=_formerly('enable_access_check', 'network'),
        help="Refuse networks that the instance's project neither owns nor shares. Without the check, a tenant may "
        'put a server into the network of another one.',
    ),
    cfg.StrOpt(
        'trove_security_group_name_prefix',
        default='trove_sg',
        deprecated_opts=_formerly('trove_security_group_name_prefix'),
        help="First part of the name of an instance's security group; a hyphen and the instance's id follow. Groups "
        'that were made under another prefix are not found any more.',
    ),
    cfg.StrOpt(
        'trove_security_group_rule_cidr',
        default='0.0.0.0/0',
        deprecated_opts=_formerly('trove_security_group_rule_cidr'),
        help='Network from which instances can be reached that name no allowed_cidrs themselves.',
    ),
]

VOLUME_OPTS = [
    cfg.StrOpt(
        'cinder_volume_type',
        deprecated_opts=_formerly('cinder_volume_type'),
        help="Volume type of data and root volumes when the tenant names none; without it, Cinder's default.",
    ),
    cfg.BoolOpt(
        'enable_volume_az',
        default=False,
        deprecated_opts=_formerly('enable_volume_az'),
        help="Make volumes in the availability zone of their server; Cinder's zones must have the names of Nova's.",
    ),
    cfg.StrOpt(
        'block_device_mapping',
        default='vdb',
        deprecated_opts=_formerly('block_device_mapping'),
        help='Name of the device that the data volume is attached as. The guest option device_path must agree.',
    ),
    cfg.FloatOpt(
        'lost_volume_seconds',
        default=600.0,
        min=1,
        help='Seconds for which a volume may be in status creating or deleting before it is deleted by force. Cinder '
        'leaves it so when it lost a message, for instance in a restart.',
    ),
    cfg.BoolOpt(
        'volume_rootdisk_support',
        default=False,
        deprecated_opts=_formerly('volume_rootdisk_support'),
        help='Start servers from a root volume in Cinder, which is deleted with its server, instead of a disk of '
        'their host.',
    ),
    cfg.IntOpt(
        'volume_rootdisk_size',
        default=10,
        min=1,
        deprecated_opts=_formerly('volume_rootdisk_size'),
        help='Size of a root volume in GB; it must hold the image.',
    ),
]

SERVER_OPTS = [
    cfg.StrOpt(
        'nova_keypair',
        deprecated_opts=_formerly('nova_keypair'),
        help='Name of a key pair of the service user whose public key servers get, for operators.',
    ),
    cfg.BoolOpt(
        'use_nova_server_config_drive',
        default=True,
        deprecated_opts=_formerly('use_nova_server_config_drive'),
        help="Hand the guest's configuration over on a config drive. Without it the guest asks Nova's metadata "
        'service, which must be reachable from its networks.',
    ),
    cfg.StrOpt(
        'cloudinit_location',
        default='/etc/trove/cloudinit',
        deprecated_opts=_formerly('cloudinit_location'),
        help='Folder with your own user data, one file <datastore manager>.cloudinit per datastore, handed over '
        "beside the guest's configuration.",
    ),
    cfg.StrOpt(
        'injected_config_location',
        default='/etc/trove/conf.d',
        deprecated_opts=_formerly('injected_config_location'),
        help="Folder inside the server that the guest's configuration is written to.",
    ),
    cfg.FloatOpt(
        'slot_seconds',
        default=30.0,
        min=1,
        help='Seconds that a lost request to make a volume or a server may still be under way. Only after them it is '
        'sent again. They must exceed [service_credentials] timeout by 5 at least.',
    ),
    cfg.IntOpt(
        'safe_retries',
        default=2,
        min=0,
        help='How often a request that only reads is repeated at once when it fails. What changes something is '
        'repeated by its operation only, which looks first what is there.',
    ),
]

OPTS = [*NETWORK_OPTS, *VOLUME_OPTS, *SERVER_OPTS]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(GROUP, OPTS)]


def read(conf: cfg.ConfigOpts) -> Any:
    """Register the options and return their group; ``ConfigurationError`` when they cannot work."""
    trove_cfg.register(conf, OPTS, GROUP)
    settings = conf[GROUP]
    if len(settings.management_networks) > MOST_NETWORKS:
        raise exception.ConfigurationError(
            reason=f'[{GROUP}] management_networks names more than {MOST_NETWORKS} networks'
        )
    return settings
