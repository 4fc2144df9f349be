"""The bus: one transport for a process, and where remote errors may come from."""

import contextlib
import socket

import oslo_messaging
from oslo_config import cfg

EXCHANGE = 'trove'
REMOTE_ERRORS = ['trove.common.exception']
PORT = 5672
CONNECT_SECONDS = 2.0

_transports: dict[str, oslo_messaging.Transport] = {}
_hosts: list[tuple[str, int]] = []


def start(conf: cfg.ConfigOpts) -> None:
    """Set up the process's transport from ``transport_url``; connects to nothing yet."""
    oslo_messaging.set_transport_defaults(EXCHANGE)
    _transports['rpc'] = oslo_messaging.get_rpc_transport(conf, allowed_remote_exmods=REMOTE_ERRORS)
    hosts = oslo_messaging.TransportURL.parse(conf).hosts
    _hosts[:] = [(host.hostname, host.port or PORT) for host in hosts if host.hostname]


def get() -> oslo_messaging.Transport:
    """Return the transport that ``start`` made; ``KeyError`` before that."""
    return _transports['rpc']


def check_reachable() -> None:
    """Raise ``OSError`` when no host of the bus takes connections."""
    for address in _hosts:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=CONNECT_SECONDS):
            return
    if _hosts:
        raise OSError('no host of the message bus takes connections')


def stop() -> None:
    """Close the transport's connections."""
    transport = _transports.pop('rpc', None)
    if transport is not None:
        transport.cleanup()
