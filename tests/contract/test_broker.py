"""A private broker node: its ports, its account, its end."""

import os
import pathlib
import socket

import amqp
import pytest

from trove.standalone import broker, processes
from trove.testing import hosts


@pytest.fixture
def node(tmp_path):
    made = broker.Broker(tmp_path / 'node')
    yield made
    made.stop()


# As /proc/net/tcp and /proc/net/tcp6 spell 127.0.0.1 and ::1.
LOOPBACK = {'0100007F', '00000000000000000000000001000000'}


def connect(settings, password):
    connection = amqp.Connection(f'127.0.0.1:{settings.port}', userid=settings.user, password=password)
    connection.connect()
    return connection


def listeners():
    """All listening sockets of this host: pairs of address in /proc's hexadecimal and port."""
    found = set()
    for name in ('tcp', 'tcp6'):
        for line in pathlib.Path(f'/proc/net/{name}').read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == '0A':
                address, _, port = local.partition(':')
                found.add((address, int(port, 16)))
    return found


def test_a_node_lives_on_loopback_alone_and_goes_without_a_trace(node):
    node.start()
    settings = node.settings

    for port in (settings.port, settings.mapper_port, settings.distribution_port):
        addresses = {address for address, used in listeners() if used == port}
        assert addresses
        assert addresses <= LOOPBACK

    with connect(settings, settings.password) as connection:
        connection.channel().queue_declare('kept', durable=True, auto_delete=False)
    with pytest.raises(amqp.exceptions.AccessRefused):
        connect(settings, 'guest')

    node.start()  # A second start finds it running.
    running = [daemon.find() for daemon in node.daemons()]
    node.stop()
    assert not any(process.is_alive() for process in running)
    assert not node.is_ready()

    again = broker.Broker(node.folder)
    assert again.settings == settings
    again.start()
    with connect(settings, settings.password) as connection:
        connection.channel().queue_declare('kept', passive=True)
    again.stop()
    assert not any(os.path.exists(f'/proc/{process.pid}') for process in running)


def test_several_nodes_run_side_by_side(shared_broker, node):
    node.start()
    hosts.await_true(shared_broker.is_ready)
    hosts.await_true(node.is_ready)
    assert shared_broker.url != node.url
    node.stop()
    hosts.await_true(shared_broker.is_ready)


def test_secrets_are_for_the_owner_alone_and_not_on_the_command_line(shared_broker):
    settings = shared_broker.settings
    for name in ('broker.json', 'rabbitmq.conf', 'home/.erlang.cookie'):
        assert (shared_broker.folder / name).stat().st_mode & 0o077 == 0
    for daemon in shared_broker.daemons():
        process = daemon.find()
        assert isinstance(process, processes.Process)
        arguments = pathlib.Path(f'/proc/{process.pid}/cmdline').read_text()
        assert settings.password not in arguments
        assert settings.cookie not in arguments


def test_a_port_that_is_taken_is_said_to_be(tmp_path):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        node = broker.Broker(tmp_path / 'node', port=taken.getsockname()[1])
        with pytest.raises(broker.StackError, match='did not come up'):
            node.start()
        assert all(daemon.find() is None for daemon in node.daemons())


def test_free_ports_are_none_that_outgoing_connections_get():
    first = int(pathlib.Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    ports = broker.free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < max(first, 32768)
