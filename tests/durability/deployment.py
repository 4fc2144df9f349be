"""Real daemons of a control plane, two of each, on a database and a bus of the test's; the provider is a double."""

import collections
import contextlib
import os
import pathlib
import secrets
import subprocess
import sys
import time

import requests
import sqlalchemy as sa

from tests.fixtures import agents_double, databases, provider_double, side_by_side
from tests.fixtures import api as api_fixture
from trove.datastore import registration
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import migration, session, tables
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 300
POLL_SECONDS = 0.05
STEP = 'came to step'

SETTINGS = """
compute_provider = {provider}
guest_config = {folder}/guest.conf
bind_host = 127.0.0.1
trove_api_workers = 1
max_instances_per_tenant = 1000
max_volumes_per_tenant = 1000
operation_workers = 4
provider_refresh_seconds = 1
guest_job_repeat_seconds = 1
"""


class Deployment:
    """Real daemons with hosts and ports of their own, and a provider that is a double."""

    def __init__(self, folder, database_url, bus):
        self.folder = folder
        self.outside = provider_double.Outside(folder / 'outside')
        self.ports = broker.free_ports(2)
        self._processes = {}
        self._plug = side_by_side.install(folder / 'plug')
        (folder / 'guest.conf').write_text('[DEFAULT]\n')
        self._main = api_fixture.write_configuration(folder, database_url)
        settings = SETTINGS.format(provider=side_by_side.NAME, folder=folder)
        text = self._main.read_text().replace('transport_url = fake://', f'transport_url = {bus.url}{settings}')
        self._main.write_text(f'{text}\n[broker]\nmanagement_url = {bus.management_url}\n')
        self.agents = agents_double.Agents(self.outside)

    def start(self):
        for number, port in enumerate(self.ports):
            self._start('api', number, f'bind_port = {port}\n')
            self._start('taskmanager', number)

    def _start(self, name, number, more=''):
        own = self.folder / f'{name}-{number}.conf'
        own.write_text(f'[DEFAULT]\nhost = {name}-{number}\n{more}')
        environment = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(self._plug), str(ROOT)]),
            side_by_side.VARIABLE: str(self.outside.folder),
        }
        command = [sys.executable, '-W', 'ignore', '-m', f'trove.cmd.{name}']
        with open(self.log(name, number), 'wb') as log:
            self._processes[name, number] = subprocess.Popen(
                [*command, '--config-file', str(self._main), '--config-file', str(own)],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self, name, number):
        return self.folder / f'{name}-{number}.log'

    def until(self, is_so):
        """Wait, and do meanwhile what guests do."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not is_so():
            for key, process in self._processes.items():
                assert process.poll() is None, self.log(*key).read_text()[-3000:]
            assert time.monotonic() < deadline, self.operations()
            self._act_as_guests()
            time.sleep(POLL_SECONDS)

    def _act_as_guests(self):
        # Nobody listens on the topics of the guests, so that what the ledger waits for stands for the cast.
        for row in self.operations(tables.operations.c.state.in_(ledger.ACTIVE_STATES)):
            if row.step in ('prepare_datastore', 'await_ready') and row.subject_id in self.outside.instance_ids():
                agents_double.cast(self.outside, row.subject_id, f'{row.id}.prepare', 'once')
        self.agents.turn()

    def operations(self, *conditions):
        table = tables.operations.c
        query = sa.select(table.id, table.kind, table.subject_id, table.state, table.step, table.error)
        with get_db_api().reading() as reader:
            return reader.execute(query.where(*conditions)).all()

    def send(self, number, method, path, body=None):
        """Send a request to one of the APIs."""
        url = f'http://127.0.0.1:{self.ports[number % 2]}/v1.0/{api_fixture.PROJECT}{path}'
        return requests.request(method, url, json=body, auth=('demo', api_fixture.PASSWORD), timeout=60)

    def is_serving(self):
        with contextlib.suppress(requests.ConnectionError):
            return all(self.send(number, 'GET', '/flavors').json().get('flavors') for number in (0, 1))
        return False

    def answers(self, path):
        """Return the status with which the first API answers, None while it does not."""
        with contextlib.suppress(requests.ConnectionError):
            return self.send(0, 'GET', path).status_code
        return None

    def has_ended(self):
        return not self.operations(tables.operations.c.state.in_(ledger.ACTIVE_STATES))

    def steps(self):
        """Return how often each operation came to each step, by the taskmanager that brought it there."""
        found = []
        for number in (0, 1):
            lines = self.log('taskmanager', number).read_text().splitlines()
            found.append(collections.Counter(line.partition('Operation ')[2] for line in lines if STEP in line))
        return found

    def stop(self):
        """End the daemons by their pids; each must go by itself."""
        for process in self._processes.values():
            process.terminate()
        return {key: process.wait(60) for key, process in self._processes.items()}

    def clean(self):
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def prepare(url):
    """Make the tables and a datastore in a database, and connect to it."""
    migration.db_sync(url)
    databases.connect(url)
    registration.register_datastore('mariadb')
    registration.register_version(registration.VersionSpec('mariadb', '10.11', 'mariadb', 'image', '', True))
    registration.register_datastore('mariadb', '10.11')


@contextlib.contextmanager
def deployed(folder, server, bus):
    """Daemons on a database of their own, not started yet; what runs at the end is killed."""
    url = server.make_database(f'control_{secrets.token_hex(6)}')
    prepare(url)
    made = Deployment(folder, url, bus)
    try:
        yield made
    finally:
        made.clean()
        session.dispose()


def wanted(number):
    """Return the body that asks for an instance."""
    return {'instance': {'name': f'db{number}', 'flavorRef': provider_double.FLAVOR.id, 'volume': {'size': 1}}}
