"""The bus: one transport for a process, and what comes through it at all."""

import contextlib
import socket
from collections.abc import Callable

import oslo_messaging
from oslo_config import cfg

from trove.common.rpc import intake

EXCHANGE = 'trove'
PORT = 5672
CONNECT_SECONDS = 2.0
OPTS = [
    cfg.IntOpt(
        'max_message_bytes',
        default=1024 * 1024,
        min=64 * 1024,
        help='Bytes that a message on the bus may have; a larger one is refused before it is read. The same on all '
        'hosts and in all guests.',
    ),
]

_transports: dict[str, oslo_messaging.Transport] = {}
_hosts: list[tuple[str, int]] = []
_before_stop: list[Callable[[], None]] = []


def start(conf: cfg.ConfigOpts, url: str | None = None) -> None:
    """Set up the process's transport, in place of one before; connects to nothing yet.

    It goes to ``transport_url`` unless another one is given.
    """
    conf.register_opts(OPTS)
    intake.install(conf.max_message_bytes)
    oslo_messaging.set_transport_defaults(EXCHANGE)
    # No error is raised by the name that a message gives it.
    before = _transports.get('rpc')
    _transports['rpc'] = oslo_messaging.get_rpc_transport(conf, url=url, allowed_remote_exmods=[])
    if before is not None:
        before.cleanup()
    hosts = oslo_messaging.TransportURL.parse(conf, url).hosts
    _hosts[:] = [(host.hostname, host.port or PORT) for host in hosts if host.hostname]


def get() -> oslo_messaging.Transport:
    """Return the transport that ``start`` made; ``KeyError`` before that."""
    return _transports['rpc']


def most_bytes() -> int:
    """Return how large a message may be."""
    return intake.Bounds.most_bytes


def before_stop(work: Callable[[], None]) -> None:
    """Have something done before the transport is closed the next time."""
    _before_stop.append(work)


def check_reachable() -> None:
    """Raise ``OSError`` when no host of the bus takes connections."""
    for address in _hosts:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=CONNECT_SECONDS):
            return
    if _hosts:
        raise OSError('no host of the message bus takes connections')


def stop() -> None:
    """Close the transport's connections."""
    while _before_stop:
        _before_stop.pop()()
    transport = _transports.pop('rpc', None)
    if transport is not None:
        transport.cleanup()
