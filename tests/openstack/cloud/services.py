"""Which processes the cloud consists of, and how they are started and stopped."""

import concurrent.futures
import contextlib
import functools
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence

from tests.openstack.cloud import layout as layouts
from tests.openstack.cloud.plugins import machines
from trove.standalone import broker, processes
from trove.standalone.processes import Daemon

READY_SECONDS = 180
GRACE_SECONDS = 20
SERVER_PATIENCE_SECONDS = 10
LOG_TAIL_LINES = 8

WSGI = {
    'keystone': ('keystone.wsgi.api', 6),
    'placement': ('placement.wsgi.api', 4),
    'nova': ('nova.wsgi.osapi_compute', 8),
    # A plug of ours, which says why.
    'neutron': ('neutron_api', 8),
    'glance': ('glance.wsgi.api', 3),
    'cinder': ('cinder.wsgi.api', 4),
}
"""API to its module and its number of threads."""

UWSGI = (
    *('--need-app', '--single-interpreter', '--enable-threads', '--lazy-apps', '--processes', '1'),
    *('--http-chunked-input', '--buffer-size', '65535', '--thunder-lock', '--log-5xx', '--disable-logging'),
    *('--die-on-term', '--no-orphans'),
)

BROKER = 'rabbitmq'
# Its node chooses further ports: none that a service, which starts later, will want.
broker.PORTS = range(10240, layouts.FIRST_BASE)
BASE = ('mysql', 'memcached')
IDENTITY = ('keystone', 'placement')
MIDDLE = ('nova-conductor', 'nova-scheduler', 'nova', 'neutron', 'glance', 'cinder', 'cinder-scheduler')
STORES = ('cinder-volume', 'swift-account', 'swift-container', 'swift-object', 'swift-proxy')


class ServiceError(Exception):
    """A service did not come up; the text holds its last words."""


class Services:
    """All processes of a cloud."""

    def __init__(self, layout: layouts.Layout) -> None:
        self.layout = layout
        self.node = broker.Broker(layout.broker, layout.port('rabbit'))
        self._daemons: dict[str, Daemon] = {}

    @property
    def computes(self) -> list[str]:
        """The names of the compute services."""
        return [f'nova-compute{number}' for number in range(1, self.layout.computes + 1)]

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they start; the broker is not among them."""
        return [*BASE, *IDENTITY, *MIDDLE, *STORES, *self.computes]

    def environment(self) -> dict[str, str]:
        """Return what the services see: nothing of the caller's that could change how they work."""
        etc = self.layout.etc
        folders = {
            f'OS_{name.upper()}_CONFIG_DIR': str(etc / name)
            for name in ('keystone', 'placement', 'glance', 'nova', 'neutron')
        }
        return {
            'PATH': f'{self.layout.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
            'HOME': str(self.layout.folder),
            'LANG': 'C.UTF-8',
            'USER': self.layout.user,
            'VIRTUAL_ENV': str(self.layout.venv),
            'PYTHONPATH': str(layouts.PLUGINS),
            'PYTHONDONTWRITEBYTECODE': '1',
            'PYTHONWARNINGS': 'ignore',
            **folders,
        }

    def daemon(self, name: str) -> Daemon:
        """Return a service by its name."""
        if name not in self._daemons:
            run, log = self.layout.run, self.layout.log
            self._daemons[name] = Daemon(name, self._command(name), self.environment(), run, log, GRACE_SECONDS)
        return self._daemons[name]

    def _command(self, name: str) -> list[str]:
        layout, etc = self.layout, self.layout.etc
        if name in WSGI:
            return self._wsgi(name)
        if name == 'mysql':
            return ['/usr/sbin/mariadbd', f'--defaults-file={etc}/mysql.conf']
        if name == 'memcached':
            port = str(layout.port('memcached'))
            return ['memcached', '-l', '127.0.0.1', '-p', port, '-m', '64', '-u', layout.user, '-c', '4096']
        if name.startswith('nova-compute'):
            number = name.removeprefix('nova-compute')
            files = [f'--config-file={etc}/nova/{file}.conf' for file in ('nova', f'compute{number}')]
            return [layout.program('python'), str(layouts.PLUGINS / 'compute.py'), *files]
        if name.startswith('swift-'):
            kind = name.removeprefix('swift-')
            return [layout.program(f'swift-{kind}-server'), f'{etc}/swift/{kind}-server.conf']
        family = name.partition('-')[0]
        command = [layout.program(name), '--config-file', f'{etc}/{family}/{family}.conf']
        return [*command, '--log-file', str(layout.log / f'{name}.log')] if family == 'nova' else command

    def _wsgi(self, name: str) -> list[str]:
        module, threads = WSGI[name]
        layout = self.layout
        arguments = ['--pyargv', f'--config-file {layout.etc}/cinder/cinder.conf'] if name == 'cinder' else []
        return [
            layout.program('uwsgi'),
            *('--virtualenv', str(layout.venv), '--http-socket', f'127.0.0.1:{layout.port(name)}'),
            *('--threads', str(threads), '--module', f'{module}:application'),
            *('--add-header', 'Connection: close', *UWSGI, *arguments),
        ]

    # -- up ----------------------------------------------------------------------

    def check_ports(self) -> None:
        """Raise ``ServiceError`` when somebody else listens on a port of ours: it may be another cloud."""
        own = {name.replace('-', '_').removesuffix('_proxy') for name, pid in self.running().items() if pid}
        own |= {'rabbit'} if BROKER in own else set()
        for name in layouts.OFFSETS:
            port = self.layout.port(name)
            # Trove is no service of the cloud.
            if name != 'trove' and name not in own and _is_open(port):
                raise ServiceError(f'Port {port} of {name} is in use; choose other ports with CLOUD_PORTS.')

    def start(self, names: Iterable[str]) -> None:
        """Start services that do not run."""
        for name in names:
            self.daemon(name).start()

    def await_ports(self, names: Iterable[str]) -> None:
        """Wait until these answer; ``ServiceError`` with its last words when one does not."""
        for name in names:
            is_ready = _is_open if name in BASE else _answers
            self._await(name, functools.partial(is_ready, self.layout.port(name)))

    def await_conductor(self) -> None:
        """Wait until the conductor listens: a compute that starts before that loses ten seconds."""
        log = self.layout.log / 'nova-conductor.log'
        self._await('nova-conductor', lambda: log.exists() and 'Starting conductor node' in log.read_text())

    def _await(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            if self.daemon(name).find() is None or time.monotonic() > deadline:
                raise ServiceError(f'{name} did not come up.\n{self.last_words(name)}')
            time.sleep(0.1)

    def last_words(self, name: str) -> str:
        """Return the end of what a service logged."""
        said = []
        for path in sorted(self.layout.log.glob(f'{name}*')):
            lines = path.read_text(errors='replace').splitlines()[-LOG_TAIL_LINES:]
            said += [f'{path}:', *(f'    {line}' for line in lines)] if lines else []
        return '\n'.join(said)

    def running(self) -> dict[str, int | None]:
        """Return name to pid, None for what does not run."""
        found = {name: self.daemon(name).find() for name in self.names}
        pids = {name: process.pid if process else None for name, process in found.items()}
        return {BROKER: self._broker_pid(), **pids}

    def _broker_pid(self) -> int | None:
        if not (self.layout.broker / 'broker.json').exists():
            return None
        process = self.node.daemons()[-1].find()
        return process.pid if process else None

    # -- down --------------------------------------------------------------------

    def stop(self) -> None:
        """Stop everything, what uses it first."""
        self._stop_tests()
        self._stop_all(reversed([*IDENTITY, *MIDDLE, *STORES, *self._started_computes()]))
        self.stop_servers()
        self._stop_all(BASE)
        self.node.stop()

    def _stop_tests(self) -> None:
        """End the daemons of a test session that was killed; it keeps them in a folder of the cloud."""
        for path in (self.layout.folder / 'trove' / 'run').glob('*.pid'):
            process = processes.read_pid_file(path)
            if process is not None and process.is_alive():
                processes.end(process, GRACE_SECONDS)

    def _started_computes(self) -> Sequence[str]:
        # Perhaps more were started than are asked for now.
        return [path.stem for path in self.layout.run.glob('nova-compute*.pid')]

    def _stop_all(self, names: Iterable[str]) -> None:
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            for done in [pool.submit(self.daemon(name).stop) for name in names]:
                done.result()

    def stop_servers(self) -> None:
        """End the processes of all servers; their folders stay."""
        for machine in machines.find_all(str(self.layout.instances)):
            machine.stop(SERVER_PATIENCE_SECONDS)


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 2):
        return True
    return False


def _answers(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f'http://127.0.0.1:{port}/', timeout=10):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
