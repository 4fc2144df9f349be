"""Whether the bus is there, looked at before anybody waits for it; and connections that go on after a refusal."""

import contextlib
import socket
import urllib.parse

import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures import guest_bus
from trove.common import context, rpc, sealing
from trove.common.rpc import sealed, transport


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


def sender_of(instance_id):
    key = guest_bus.key_of(instance_id)
    return sealed.Sender(instance_id, 'trove-conductor', lambda: key, sealing.TO_CONTROL, '1.0')


@pytest.fixture
def limited_account(shared_broker):
    """Join as an account that may write to the exchanges of one guest, and to those of the control plane."""
    shared_broker.control('add_user', 'limited', 'secret')
    shared_broker.control('set_permissions', 'limited', '.*', '^(trove|topic|guest[.]allowed.*)$', '.*')
    url = urllib.parse.urlsplit(shared_broker.url)
    # The global one, as oslo.messaging insists on it.
    conf = cfg.CONF
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    transport.start(conf, f'rabbit://limited:secret@{url.hostname}:{url.port}/')
    yield
    transport.stop()
    conf.reset()
    shared_broker.control('delete_user', 'limited')


@pytest.mark.usefixtures('limited_account')
@pytest.mark.parametrize(
    'cast',
    [
        lambda: sender_of('allowed').cast(context.service_context(), 'heartbeat'),
        lambda: rpc.Client('topic', '1.0').cast(context.service_context(), 'run_operation'),
    ],
    ids=['sealed', 'plain'],
)
def test_messages_go_out_after_others_were_refused(cast):
    cast()
    for _ in range(3):
        with pytest.raises(rpc.BusError, match='ACCESS_REFUSED'):
            sender_of('refused').cast(context.service_context(), 'heartbeat')
    cast()
