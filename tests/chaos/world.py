"""A deployment of real processes that may be broken: daemons, bus, control database, simulated cloud and guests."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
import sqlalchemy as sa

from tests.chaos import accounts, cloud, daemon, inventory
from tests.chaos import ground as grounds
from tests.fixtures import api as api_fixture
from tests.fixtures import databases
from trove.datastore import registration
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import migration, tables
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
APIS, TASKMANAGERS, CONDUCTORS = 2, 3, 2
LEASE_SECONDS = 6.0
CLIENT_SECONDS = 15.0
START_SECONDS = 90.0
RESTART_SECONDS = 0.5
"""How soon what died is started again."""
STOP_SECONDS = 30.0

SETTINGS = f"""
compute_provider = {cloud.NAME}
guest_config = {{folder}}/guest.conf
bind_host = 127.0.0.1
trove_api_workers = 1
max_instances_per_tenant = 20
max_volumes_per_tenant = 200
operation_workers = 8
operation_lease_seconds = {LEASE_SECONDS}
operation_sweep_seconds = 0.5
provider_refresh_seconds = 2
guest_job_repeat_seconds = 1
database_stop_time_out = 60
agent_heartbeat_expiry = 15
default_datastore = {{manager}}
"""
GUEST_SETTINGS = """[DEFAULT]
report_interval = 2
"""


@dataclasses.dataclass(frozen=True)
class Name:
    """One process of the world."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return f'{self.kind}-{self.number}'


API, TASKMANAGER, CONDUCTOR, CLOUD, GUESTS = 'api', 'taskmanager', 'conductor', 'cloud', 'guests'
DAEMONS = tuple(
    Name(kind, number)
    for kind, count in ((API, APIS), (TASKMANAGER, TASKMANAGERS), (CONDUCTOR, CONDUCTORS))
    for number in range(count)
)


class Processes:
    """Processes that are started again when they die, as a supervisor does it."""

    def __init__(
        self, commands: Mapping[Name, list[str]], folder: pathlib.Path, environment: Mapping[str, str]
    ) -> None:
        self._commands = commands
        self._folder = folder
        self._environment = environment
        self._running: dict[Name, subprocess.Popen[bytes]] = {}
        self._turn = threading.Lock()
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name='keeper', daemon=True)

    def log(self, name: Name) -> pathlib.Path:
        return self._folder / f'{name}.log'

    def clock(self, name: Name) -> pathlib.Path:
        """Return the file that tells by how many seconds the clock of a process is wrong."""
        return self._folder / f'{name}.clock'

    def start(self) -> None:
        for name in self._commands:
            self._start(name)
        self._keeper.start()

    def _start(self, name: Name) -> None:
        environment = {**self._environment, daemon.VARIABLE: str(self.clock(name))}
        with open(self.log(name), 'ab') as log:
            self._running[name] = subprocess.Popen(
                self._commands[name],
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _keep(self) -> None:
        while not self._ending.wait(RESTART_SECONDS):
            with self._turn:
                for name, process in list(self._running.items()):
                    if process.poll() is not None and not self._ending.is_set():
                        self._start(name)

    def send(self, name: Name, number: int) -> None:
        """Send a signal to a process, unless it is dead just now."""
        with self._turn:
            process = self._running[name]
            if process.poll() is None:
                process.send_signal(number)

    def stop(self) -> None:
        """End all of them by their pids."""
        self._ending.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for process in reversed(self._running.values()):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()


class World:
    """A deployment; ``database`` is a private MariaDB and ``bus`` a private RabbitMQ, which may be taken away."""

    def __init__(self, ground: grounds.Ground, database: Any, bus: broker.Broker, seed: str) -> None:
        self.ground = ground
        self.folder = ground.folder
        self.ours = DAEMONS if ground.HAS_GUESTS else (*DAEMONS, Name(GUESTS))
        """Processes that read messages; the cloud is somebody else's."""
        self.database = database
        self.bus = bus
        self.moods = cloud.Moods(self.folder)
        self.accounts = accounts.make()
        self.seed = seed
        *self._ports, self._cloud_port = broker.free_ports(APIS + 1)
        self.processes = self._processes(self._configure())

    def _configure(self) -> pathlib.Path:
        (self.folder / 'guest.conf').write_text(GUEST_SETTINGS)
        (self.folder / 'bus.conf').write_text(f'[DEFAULT]\ntransport_url = {self.bus.url}\n')
        main = api_fixture.write_configuration(self.folder, self.database.url('chaos'), call_seconds=5)
        accounts.write(self.folder, self.accounts)
        text = main.read_text().replace('default_datastore = mariadb\n', '')
        settings = SETTINGS.format(folder=self.folder, manager=self.ground.MANAGER)
        text = text.replace('transport_url = fake://', f'transport_url = {self.bus.url}{settings}')
        main.write_text(f'{text}[broker]\nmanagement_url = {self.bus.management_url}\n')
        return main

    def _processes(self, main: pathlib.Path) -> Processes:
        environment = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(cloud.install(self.folder / 'plug')), str(ROOT)]),
            cloud.VARIABLE: f'{self._cloud_port},{self.ground.CALL_SECONDS}',
        }
        python = [sys.executable, '-W', 'ignore', '-m']
        place = str(self.folder)
        others = {
            CLOUD: [*python, 'tests.chaos.cloud', str(self._cloud_port), self.ground.name, place, self.seed],
            GUESTS: [*python, 'tests.chaos.guests', place, str(self.folder / 'bus.conf')],
        }
        commands = {
            name: others.get(name.kind) or [*python, 'tests.chaos.daemon', name.kind, *self._files(main, name)]
            for name in (Name(CLOUD), *self.ours)
        }
        return Processes(commands, self.folder, environment)

    def _files(self, main: pathlib.Path, name: Name) -> list[str]:
        own = self.folder / f'{name}.conf'
        port = f'bind_port = {self._ports[name.number]}\n' if name.kind == API else ''
        own.write_text(f'[DEFAULT]\nhost = {name}\n{port}')
        return ['--config-file', str(main), '--config-file', str(own)]

    # -- its life ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and wait until both APIs offer flavors."""
        self.processes.start()
        self.until(self.is_serving, START_SECONDS)

    def is_serving(self) -> bool:
        """Whether each API answers and knows the flavors of the cloud."""
        with contextlib.suppress(requests.RequestException, ValueError):
            return all(self.send(0, number, 'GET', '/flavors').json().get('flavors') for number in range(APIS))
        return False

    def until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; return whether it came to be."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def stop(self) -> None:
        self.processes.stop()

    # -- asking it ---------------------------------------------------------------------------

    def send(self, tenant: int | None, number: int, method: str, path: str, body: Any = None) -> requests.Response:
        """Send a request of a tenant (None: of the administrator) to one of the APIs."""
        account = accounts.name_of(tenant)
        url = f'http://127.0.0.1:{self._ports[number % APIS]}/v1.0/{self.accounts[account]["project_id"]}{path}'
        return requests.request(
            method,
            url,
            json=body,
            auth=(account, api_fixture.PASSWORD),
            timeout=CLIENT_SECONDS,
            headers={'Connection': 'close'},
        )

    # -- looking at it -----------------------------------------------------------------------

    def active_count(self) -> int:
        """Return how many operations have not ended."""
        query = sa.select(sa.func.count()).select_from(tables.operations)
        with get_db_api().reading() as session:
            found: int = session.execute(query.where(tables.operations.c.state.in_(ledger.ACTIVE_STATES))).scalar_one()
        return found

    def snapshot(self, asks: list[inventory.Ask]) -> inventory.Snapshot:
        """Return what there is now, as the control database and the cloud tell it."""
        with get_db_api().reading() as session:
            rows = {model: list(session.execute(sa.select(model)).scalars()) for model in _MODELS}
        instances = {one.id: one for one in rows[models.Instance]}
        return inventory.Snapshot(
            asks=asks,
            operations=rows[models.Operation],
            instances=instances,
            usages=rows[models.QuotaUsage],
            things=self.ground.things(list(instances)),
            journal=self.ground.journal(),
            engines=self.ground.engines(),
        )

    def history(self, words: set[str]) -> Iterator[str]:
        """Yield the lines of all logs that name one of some ids."""
        for name in (Name(CLOUD), *self.ours):
            with open(self.processes.log(name), encoding='utf-8', errors='replace') as stream:
                for line in stream:
                    if any(word in line for word in words):
                        yield f'{name}: {line.rstrip()}'


_MODELS = (models.Operation, models.Instance, models.QuotaUsage)


def make_database(database: Any, manager: str) -> None:
    """Make the control database with one datastore, which needs no image, and connect this process to it."""
    url = database.make_database('chaos')
    migration.db_sync(url)
    databases.connect(url)
    registration.register_datastore(manager)
    registration.register_version(registration.VersionSpec(manager, '1', manager, 'image', '', True))
    registration.register_datastore(manager, '1')
