"""What is known of each datastore manager, loaded once and with its options registered."""

import functools

from oslo_config import cfg

from trove.common import exception, plugs
from trove.guestagent.datastore import description

GROUP = 'trove.datastores'


@functools.cache
def _load(manager: str) -> description.Description:
    found: description.Description = plugs.make(GROUP, manager, description.Description)
    return found


def find(conf: cfg.ConfigOpts, manager: str) -> description.Description:
    """Return the description of a manager, whose options are then in the group of its name.

    Raises ``DatastoreNotInstalled`` when the manager is not, as after a vendor's package was removed, and
    ``PlugError`` when it cannot be used.
    """
    if manager not in plugs.names(GROUP):
        raise exception.DatastoreNotInstalled(manager=manager)
    found = _load(manager)
    with plugs.blamed(plugs.find(GROUP, manager), 'cannot register its options'):
        conf.register_opts(found.server_options(), group=found.name)
    return found
