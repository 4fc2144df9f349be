"""Options of the guest agent; those of one datastore are in its own folder."""

from oslo_config import cfg

OPTS = [
    cfg.StrOpt('guest_id', help='Id of the instance that this agent serves; it names its topic on the bus.'),
    cfg.StrOpt(
        'instance_rpc_encr_key',
        secret=True,
        help='Key of this instance, by which everything is sealed between its guest and the control plane. The control '
        'plane writes it; there is no default, and without one the agent does not start.',
    ),
    cfg.IntOpt(
        'instance_rpc_key_number',
        default=1,
        min=1,
        help='Number of that key; a rotated one that the agent keeps counts if its number is higher.',
    ),
    cfg.FloatOpt(
        'request_window_seconds',
        default=7 * 24 * 3600,
        min=60,
        help='Seconds for which a request of the control plane is good. Requests may wait for a guest that is down; '
        'each is carried out once only.',
    ),
    cfg.StrOpt('datastore_manager', help='Name of the datastore manager that the agent loads.'),
    cfg.StrOpt('datastore_version', default='', help='Version of the datastore; it chooses among installed engines.'),
    cfg.StrOpt('tenant_id', help='Project that the instance belongs to.'),
    cfg.DictOpt(
        'datastore_registry_ext',
        default={},
        help='More datastore managers, name to dotted path of the class; they win over installed ones.',
    ),
    cfg.StrOpt(
        'replication_strategy',
        default='',
        help="How this guest replicates, instead of the datastore's own replication_strategy.",
    ),
    cfg.StrOpt('bind_address', default='0.0.0.0', help='Address on which the engine takes clients.'),
    cfg.StrOpt(
        'mount_point', help="Where the volume is mounted, instead of the datastore's own mount_point; data lie below."
    ),
    cfg.StrOpt(
        'device_path',
        help='Block device of the volume, which the agent mounts at its start before anything else; '
        'nothing is mounted without it.',
    ),
    cfg.FloatOpt(
        'device_timeout_seconds', default=300, min=0, help='Seconds to wait at the start for the device of the volume.'
    ),
    cfg.StrOpt(
        'volume_fstype',
        default='ext4',
        choices=['ext4', 'xfs'],
        help='File system that is made on a device with nothing on it; one that is there is used as it is.',
    ),
    cfg.StrOpt('format_options', default='', help='More arguments for the program that makes the file system.'),
    cfg.StrOpt('mount_options', default='noatime,nosuid,nodev', help='Options that the volume is mounted with.'),
    cfg.StrOpt(
        'state_path',
        default='/var/lib/trove-guestagent',
        help='Private folder for the jobs, the secrets and the engine configuration. A server that is rebuilt '
        'keeps its volume alone, so it should lie on the volume, below mount_point.',
    ),
    cfg.StrOpt(
        'run_path',
        default='/run/trove-guestagent',
        help='Folder for the sockets of the engine; at most 80 characters, as socket paths are short.',
    ),
    cfg.StrOpt('log_path', default='/var/log/trove-guestagent', help='Folder for what the engine logs.'),
    cfg.StrOpt(
        'service_manager',
        default='systemd',
        choices=[
            ('systemd', 'systemd runs the engine, as in a virtual machine'),
            ('process', 'the agent runs the engine itself, as under the local provider'),
        ],
        help='Who runs the engine and starts it again when it died.',
    ),
    cfg.FloatOpt(
        'report_interval', default=10, min=0.1, help='Seconds between two heartbeats when the status stays the same.'
    ),
    cfg.FloatOpt(
        'health_interval', default=1, min=0.1, help='Seconds between two looks at the engine; a change is told at once.'
    ),
    cfg.FloatOpt(
        'start_timeout_seconds', default=120, min=0.1, help='Seconds that an engine may take to answer after its start.'
    ),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(None, OPTS)]
