"""The store that the configuration names, for both halves."""

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import plugs
from trove.storage import base, options


def make_store(conf: cfg.ConfigOpts) -> base.Store:
    """Return the store that ``storage_strategy`` names.

    Raises ``NoStore``, a 501, when it names none, and ``PlugError`` when it cannot be used.
    """
    if not is_configured(conf):
        raise base.NoStore()
    store: base.Store = plugs.make(base.GROUP, conf.storage_strategy, base.Store, conf)
    return store


def check(conf: cfg.ConfigOpts) -> None:
    """Raise ``PlugError`` for a store that is named and cannot be used; for the start of a process."""
    if is_configured(conf):
        make_store(conf)


def is_configured(conf: cfg.ConfigOpts) -> bool:
    """Return whether there is a place for backups at all."""
    trove_cfg.register(conf, options.OPTS)
    return bool(conf.storage_strategy)
