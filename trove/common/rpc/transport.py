"""The bus: one transport for a process, and where remote errors may come from."""

import oslo_messaging
from oslo_config import cfg

EXCHANGE = 'trove'
REMOTE_ERRORS = ['trove.common.exception']

_transports: dict[str, oslo_messaging.Transport] = {}


def start(conf: cfg.ConfigOpts) -> None:
    """Set up the process's transport from ``transport_url``; connects to nothing yet."""
    oslo_messaging.set_transport_defaults(EXCHANGE)
    _transports['rpc'] = oslo_messaging.get_rpc_transport(conf, allowed_remote_exmods=REMOTE_ERRORS)


def get() -> oslo_messaging.Transport:
    """Return the transport that ``start`` made; ``KeyError`` before that."""
    return _transports['rpc']


def stop() -> None:
    """Close the transport's connections."""
    transport = _transports.pop('rpc', None)
    if transport is not None:
        transport.cleanup()
