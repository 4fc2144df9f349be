"""Which datastore manager an agent runs, and how it runs its engine."""

import os
import time

from oslo_config import cfg

from trove.common import exception, plugs
from trove.guestagent import backup, replication, volume
from trove.guestagent.datastore import manager as datastore_manager
from trove.guestagent.system import services

GROUP = 'trove.guestagent.datastores'
REGISTRY = 'datastore_registry_ext'


def load_manager_class(conf: cfg.ConfigOpts) -> type[datastore_manager.Manager]:
    """Return the class that option ``datastore_manager`` names.

    ``datastore_registry_ext`` (name to dotted path) wins over installed plugs.
    Raises ``ConfigurationError`` without a name, ``PlugError`` naming what is missing.
    """
    name = conf.datastore_manager
    if not name:
        raise exception.ConfigurationError(reason='datastore_manager is not set')
    path = conf.datastore_registry_ext.get(name)
    if path is None:
        manager_class: type[datastore_manager.Manager] = plugs.load(GROUP, name, datastore_manager.Manager)
        return manager_class
    chosen: type[datastore_manager.Manager] = plugs.load_path(REGISTRY, name, path, datastore_manager.Manager)
    return chosen


def make_services(conf: cfg.ConfigOpts) -> services.Services:
    """Return who runs the engine, as option ``service_manager`` says."""
    if conf.service_manager == 'systemd':
        return services.SystemdServices()
    return services.ProcessServices(os.path.join(conf.state_path, 'services'), owner_id=conf.guest_id)


def make_manager(conf: cfg.ConfigOpts, pause: volume.Pause = time.sleep) -> datastore_manager.Manager:
    """Return the manager of this guest's datastore, after mounting the volume; ``pause`` as ``Volume`` takes it.

    ``PlugError`` when the manager, or a strategy that is configured, cannot be used.
    """
    manager_class = load_manager_class(conf)
    description = manager_class.description
    conf.register_opts(description.guest_options(), group=description.name)
    backup.check(conf, description.name)
    replication.check(conf, description.name)
    # Before anything is written, as all our state may lie on the volume.
    volume.Volume(conf, conf.mount_point or conf[description.name].mount_point, pause).mount()
    return manager_class(conf, make_services(conf))
