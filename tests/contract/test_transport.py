"""Whether the bus is there, looked at before anybody waits for it."""

import contextlib
import socket

import oslo_messaging
import pytest
from oslo_config import cfg

from trove.common import context, rpc
from trove.common.rpc import transport


@contextlib.contextmanager
def started(*ports):
    """Set up a transport, which connects to nothing by itself."""
    conf = cfg.ConfigOpts()
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    oslo_messaging.TransportURL.parse(conf, 'fake://')
    hosts = ','.join(f'user:secret@127.0.0.1:{port}' for port in ports)
    conf.set_override('transport_url', f'rabbit://{hosts}/')
    transport.start(conf)
    try:
        yield
    finally:
        transport.stop()


@pytest.fixture
def free_port():
    """A port that nobody listens on, because it is bound."""
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        yield holder.getsockname()[1]


@pytest.fixture
def open_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield server.getsockname()[1]


def test_one_host_of_several_is_enough(free_port, open_port):
    with started(free_port, open_port):
        transport.check_reachable()


def test_a_call_does_not_wait_for_a_bus_that_is_away(free_port):
    with started(free_port), pytest.raises(rpc.BusError, match='no host of the message bus'):
        rpc.Client('topic', '1.0').call(context.service_context(), 'ping', timeout_seconds=60)
