"""A private RabbitMQ node: own folder, own ports, own account, nothing but loopback.

It shares nothing with a RabbitMQ that the host may run: not the configuration, not
the cookie, not the node name and not even the port mapper (epmd).
"""

import contextlib
import dataclasses
import glob
import json
import os
import pathlib
import random
import secrets
import shutil
import socket
import string
import subprocess
import time

from trove.standalone import files, processes
from trove.standalone.errors import StackError

ADDRESS = '127.0.0.1'
PORTS = range(10240, 32768)
START_SECONDS = 90
PROTOCOL_HEADER = b'AMQP\x00\x00\x09\x01'

CONFIGURATION = """\
listeners.tcp.1 = {address}:{port}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
log.console = false
log.file.level = info
management.tcp.ip = {address}
management.tcp.port = {management_port}
management.disable_stats = true
management_agent.disable_metrics_collector = true
max_message_size = 4194304
disk_free_limit.absolute = 100MB
vm_memory_high_watermark.absolute = 512MiB
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What tells one node from another; made once and kept beside the node's data."""

    port: int
    mapper_port: int
    distribution_port: int
    management_port: int
    user: str
    password: str
    cookie: str


class Broker:
    """One RabbitMQ node below a folder of its own.

    The folder must be reachable by the caller alone: it holds the node's secrets.
    A node that ran in the folder before keeps its account, ports and messages.
    """

    def __init__(self, folder: pathlib.Path, port: int | None = None) -> None:
        self.folder = folder
        self._wanted_port = port
        self._daemons: list[processes.Daemon] = []

    # -- what it is --------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The node's settings, made when they are asked for the first time."""
        path = self.folder / 'broker.json'
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_private(path, json.dumps(dataclasses.asdict(_new_settings(self._wanted_port)), indent=2))
        kept = json.loads(path.read_text())
        if 'management_port' not in kept:
            # The node is of a release that managed no accounts.
            kept['management_port'] = free_ports(1)[0]
            files.write_private(path, json.dumps(kept, indent=2))
        return Settings(**kept)

    @property
    def url(self) -> str:
        """The transport URL; it holds the password."""
        settings = self.settings
        return f'rabbit://{settings.user}:{settings.password}@{ADDRESS}:{settings.port}/'

    @property
    def management_url(self) -> str:
        """Where accounts of the node are managed, by the same user."""
        return f'http://{ADDRESS}:{self.settings.management_port}'

    def daemons(self) -> list[processes.Daemon]:
        """Write the node's files and return its processes, in the order in which they start."""
        if self._daemons:
            return self._daemons
        server = find_server()
        settings = self.settings
        environment = self._environment(settings)
        self._write_files(settings)
        run_path, log_path = self.folder / 'run', self.folder / 'log'
        mapper = processes.Daemon(
            'epmd',
            [find_mapper(), '-address', ADDRESS, '-port', str(settings.mapper_port)],
            environment,
            run_path,
            log_path,
            grace_seconds=2,
            is_ready=lambda: _is_open(settings.mapper_port),
        )
        # With input allowed the start script becomes the Erlang machine itself instead of
        # watching it, so the pid is the node's own; -noinput keeps the shell away all the same.
        node = processes.Daemon(
            'rabbitmq', [server, '-noinput'], environment, run_path, log_path, is_ready=self.is_ready
        )
        self._daemons = [mapper, node]
        return self._daemons

    def is_ready(self) -> bool:
        """Whether the node answers the protocol and lets its accounts be managed."""
        settings = self.settings
        return _is_open(settings.management_port) and self._answers(settings.port)

    @staticmethod
    def _answers(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, port), 1) as connection:
            connection.settimeout(5)
            connection.sendall(PROTOCOL_HEADER)
            # A method frame on channel 0: Connection.Start.
            return connection.recv(3) == b'\x01\x00\x00'
        return False

    # -- running it --------------------------------------------------------------

    def start(self, timeout_seconds: float = START_SECONDS) -> None:
        """Start the node and wait until it answers; nothing happens when it runs already."""
        deadline = time.monotonic() + timeout_seconds
        for daemon in self.daemons():
            daemon.start()
            while not daemon.is_ready():
                if daemon.find() is None or time.monotonic() > deadline:
                    self.stop()
                    raise StackError(f'The message broker did not come up; {daemon.log_path} says why.')
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop the node and its port mapper; the messages of durable queues stay in the folder."""
        if not (self.folder / 'broker.json').exists():
            return
        for daemon in reversed(self.daemons()):
            daemon.stop()

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` on the node and return what it printed."""
        tool = str(pathlib.Path(find_server()).with_name('rabbitmqctl'))
        settings = self.settings
        command = [tool, '--node', _node_name(settings), '--quiet', *arguments]
        done = subprocess.run(command, env=self._environment(settings), capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f'rabbitmqctl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}')
        return done.stdout

    # -- its files ---------------------------------------------------------------

    def _write_files(self, settings: Settings) -> None:
        for name in ('home', 'log', 'data'):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        values = {'address': ADDRESS, 'port': settings.port, 'user': settings.user, 'password': settings.password}
        values['management_port'] = settings.management_port
        files.write_private(self.folder / 'rabbitmq.conf', CONFIGURATION.format(**values))
        files.write_private(self.folder / 'enabled_plugins', '[rabbitmq_management].\n')
        files.write_private(self.folder / 'home' / '.erlang.cookie', settings.cookie)

    def _environment(self, settings: Settings) -> dict[str, str]:
        folder = self.folder
        return {
            'PATH': os.environ.get('PATH', os.defpath) + ':/usr/sbin:/sbin',
            'LANG': 'C.UTF-8',
            'HOME': str(folder / 'home'),
            'ERL_EPMD_ADDRESS': ADDRESS,
            'ERL_EPMD_PORT': str(settings.mapper_port),
            'RABBITMQ_ALLOW_INPUT': '1',
            # No file of the host's own RabbitMQ is read.
            'RABBITMQ_CONF_ENV_FILE': str(folder / 'rabbitmq-env.conf'),
            'RABBITMQ_CONFIG_FILE': str(folder / 'rabbitmq.conf'),
            'RABBITMQ_ADVANCED_CONFIG_FILE': str(folder / 'advanced.config'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(folder / 'enabled_plugins'),
            'RABBITMQ_NODENAME': _node_name(settings),
            'RABBITMQ_DIST_PORT': str(settings.distribution_port),
            'RABBITMQ_MNESIA_BASE': str(folder / 'data'),
            'RABBITMQ_LOG_BASE': str(folder / 'log'),
            'RABBITMQ_PID_FILE': str(folder / 'data' / 'node.pid'),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '-kernel inet_dist_use_interface {127,0,0,1}',
            'RABBITMQ_CTL_ERL_ARGS': '-kernel inet_dist_use_interface {127,0,0,1}',
        }


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ADDRESS, port), 1):
        return True
    return False


def _node_name(settings: Settings) -> str:
    return f'trove-{settings.port}@localhost'


def _new_settings(port: int | None) -> Settings:
    free = [free_port for free_port in free_ports(5) if free_port != port]
    alphabet = string.ascii_letters + string.digits
    return Settings(
        port=port or free[0],
        mapper_port=free[1],
        distribution_port=free[2],
        management_port=free[3],
        user='trove',
        password=''.join(secrets.choice(alphabet) for _ in range(32)),
        cookie=''.join(secrets.choice(string.ascii_uppercase) for _ in range(20)),
    )


def free_ports(count: int) -> list[int]:
    """Return TCP ports of the loopback address that nobody uses at this moment.

    They lie below those that the kernel gives to outgoing connections. One of those
    could take the port while its owner is down, and even a client that tries to reach
    the owner could: it would be connected with itself.
    """
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for port in random.SystemRandom().sample(PORTS, len(PORTS)):
            if len(found) == count:
                break
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind((ADDRESS, port))
                found.append(port)
    return found


def find_server() -> str:
    """Return RabbitMQ's own start script; raises ``StackError`` when there is none.

    The wrapper that Debian puts into /usr/sbin refuses everybody but root and rabbitmq.
    """
    places = ['/usr/lib/rabbitmq/bin/rabbitmq-server', *glob.glob('/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server')]
    found = shutil.which('rabbitmq-server')
    places += [os.path.realpath(found)] if found else []
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise StackError('RabbitMQ is not installed: the package rabbitmq-server is missing.')


def find_mapper() -> str:
    """Return the Erlang port mapper; raises ``StackError`` when there is none."""
    found = shutil.which('epmd') or next(iter(sorted(glob.glob('/usr/lib/erlang/erts-*/bin/epmd'))), None)
    if found is None:
        raise StackError('Erlang is not installed: epmd, of the package erlang-base, is missing.')
    return found
