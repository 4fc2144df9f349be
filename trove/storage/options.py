"""Options of the stores."""

from collections.abc import Sequence

from oslo_config import cfg

LOCAL_GROUP = 'local_store'

OPTS = [
    cfg.StrOpt(
        'storage_strategy',
        default='',
        help="Where backups lie: name of an entry point in 'trove.storage'. Empty means that there is no such place; "
        'what would need one is refused. The control plane and the guests must name the same one.',
    ),
]

LOCAL_OPTS = [
    cfg.StrOpt(
        'folder',
        default='/var/lib/trove/store',
        help='Folder of the store "local". It is one folder for all that use it, on this machine; agents and '
        'taskmanager must be able to write to it.',
    ),
]


def list_opts() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(None, OPTS), (LOCAL_GROUP, LOCAL_OPTS)]
