"""Options of the local provider."""

import sys

from oslo_config import cfg

GROUP = 'local'

OPTS = [
    cfg.StrOpt(
        'instances_path',
        default='/var/lib/trove/instances',
        help='Folder that holds one folder per instance. The service user must be able to enter it.',
    ),
    cfg.StrOpt(
        'address_range',
        default='127.77.0.0/16',
        help='Loopback addresses that instances get, one each. Two deployments on one host need ranges that do not '
        'overlap.',
    ),
    cfg.StrOpt(
        'service_user',
        default='trove',
        help='User that agents and engines run as when the taskmanager runs as root; otherwise they run as its user.',
    ),
    cfg.ListOpt(
        'guest_command',
        default=[sys.executable, '-m', 'trove.cmd.guest'],
        sample_default=['/usr/bin/python3', '-m', 'trove.cmd.guest'],
        help='Command that starts the guest agent; its configuration files are added. The service user must be able '
        'to execute it.',
    ),
    cfg.DictOpt(
        'guest_environment',
        default={},
        help='More environment variables for agents and engines, as NAME:value pairs. They get nothing else of the '
        "taskmanager's environment.",
    ),
    cfg.ListOpt(
        'flavors',
        default=['1:tiny:512:1:5', '2:small:1024:1:10', '3:medium:2048:1:20', '4:large:4096:2:40'],
        help='Sizes that tenants may choose, each as id:name:MB of memory:virtual CPUs:GB of disk. They size the '
        "engine's configuration; the host does not enforce them.",
    ),
    cfg.StrOpt(
        'volume_backend',
        default='auto',
        choices=[
            ('auto', 'loop-xfs where it works, otherwise folder'),
            ('folder', 'a plain folder; the size of the volume is not enforced'),
            ('loop-xfs', 'an XFS file system in a file; the size is enforced; needs root and loop devices'),
        ],
        help='What a data volume is.',
    ),
    cfg.FloatOpt(
        'report_interval',
        default=10,
        min=0.1,
        help='Seconds between two heartbeats of a local guest when its status stays the same.',
    ),
    cfg.FloatOpt(
        'stop_timeout_seconds',
        default=60,
        min=0,
        help='Seconds that an engine may take to end well when its server is stopped; then it is killed.',
    ),
]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(GROUP, OPTS)]
