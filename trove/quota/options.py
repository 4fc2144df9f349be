"""Default limits of a project; ``trove-manage`` and the quota API set those of one project."""

from oslo_config import cfg

OPTS = [
    cfg.IntOpt('max_instances_per_tenant', default=10, min=-1, help='Instances a project may have; -1: no limit.'),
    cfg.IntOpt(
        'max_ram_per_tenant', default=-1, min=-1, help='MiB of memory of all flavors of a project; -1: no limit.'
    ),
    cfg.IntOpt('max_volumes_per_tenant', default=40, min=-1, help='GB of all volumes of a project; -1: no limit.'),
    cfg.IntOpt('max_backups_per_tenant', default=50, min=-1, help='Backups a project may keep; -1: no limit.'),
]

DEFAULTS = {
    'instances': 'max_instances_per_tenant',
    'ram': 'max_ram_per_tenant',
    'volumes': 'max_volumes_per_tenant',
    'backups': 'max_backups_per_tenant',
}
"""Resource to the option with its default limit."""
