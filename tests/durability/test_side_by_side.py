"""Two APIs and two taskmanagers on one database and one bus do each thing once."""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import subprocess
import sys
import time

import pytest
import requests
import sqlalchemy as sa

from tests.fixtures import agents_double, databases, provider_double, side_by_side
from tests.fixtures import api as api_fixture
from tests.fixtures import broker as broker_fixture
from trove.datastore import registration
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import migration, session, tables
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTANCES = 12
CLIENTS = 8
LIMIT_SECONDS = 90
POLL_SECONDS = 0.05
STEP = 'came to step'

shared_broker = broker_fixture.shared_broker

SETTINGS = """
compute_provider = {provider}
guest_config = {folder}/guest.conf
bind_host = 127.0.0.1
trove_api_workers = 1
max_instances_per_tenant = 100
max_volumes_per_tenant = 100
operation_workers = 4
provider_refresh_seconds = 1
guest_job_repeat_seconds = 1
"""


class Deployment:
    """Real daemons with hosts and ports of their own, and a provider that is a double."""

    def __init__(self, folder, database_url, bus_url):
        self.folder = folder
        self.outside = provider_double.Outside(folder / 'outside')
        self.ports = broker.free_ports(2)
        self._processes = {}
        self._plug = side_by_side.install(folder / 'plug')
        (folder / 'guest.conf').write_text('[DEFAULT]\n')
        self._main = api_fixture.write_configuration(folder, database_url)
        settings = SETTINGS.format(provider=side_by_side.NAME, folder=folder)
        text = self._main.read_text().replace('transport_url = fake://', f'transport_url = {bus_url}{settings}')
        self._main.write_text(text)
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
                casts = self.outside.folder / row.subject_id / 'casts'
                casts.mkdir(exist_ok=True)
                (casts / f'{row.id}.prepare.once').touch()
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


@pytest.fixture
def deployment(tmp_path, mariadb_server, shared_broker):
    url = mariadb_server.make_database('side_by_side')
    migration.db_sync(url)
    databases.connect(url)
    registration.register_datastore('mariadb')
    registration.register_version(registration.VersionSpec('mariadb', '10.11', 'mariadb', 'image', '', True))
    registration.register_datastore('mariadb', '10.11')
    made = Deployment(tmp_path, url, shared_broker.url)
    try:
        made.start()
        made.until(made.is_serving)
        yield made
    finally:
        made.clean()
        session.dispose()


def at_once(function):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(function, range(INSTANCES)))


def test_each_instance_is_made_and_deleted_once(deployment):
    def create(number):
        wanted = {'name': f'db{number}', 'flavorRef': provider_double.FLAVOR.id, 'volume': {'size': 1}}
        answer = deployment.send(number, 'POST', '/instances', {'instance': wanted})
        assert answer.status_code == 200, answer.text
        return answer.json()['instance']['id']

    ids = at_once(create)
    assert len(set(ids)) == INSTANCES
    deployment.until(deployment.has_ended)
    rows = deployment.operations()
    assert {(row.kind, row.state) for row in rows} == {('create_instance', ledger.DONE)}, rows
    assert sorted(row.subject_id for row in rows) == sorted(ids)

    def show(number):
        # Each by the API that did not take it in.
        return deployment.send(number + 1, 'GET', f'/instances/{ids[number]}').json()['instance']['status']

    assert set(at_once(show)) == {'ACTIVE'}

    def delete(number):
        # By both APIs at the same time: the second one finds the first one's delete, or nothing.
        answers = [deployment.send(turn, 'DELETE', f'/instances/{ids[number]}').status_code for turn in (0, 1)]
        assert answers[0] == 202
        return answers

    at_once(delete)
    deployment.until(deployment.has_ended)

    journal = [entry for entry in deployment.outside.journal() if entry.thing in provider_double.PARTS]
    counted = collections.Counter((entry.instance_id, entry.effect, entry.thing) for entry in journal)
    wanted = {(one, effect, part) for one in ids for effect in ('made', 'deleted') for part in provider_double.PARTS}
    assert counted == dict.fromkeys(wanted, 1)
    assert deployment.outside.instance_ids() == []

    first, second = deployment.steps()
    assert sum(first.values()) and sum(second.values()), 'one of the taskmanagers did all the work'
    assert max((first + second).values()) == 1
    assert deployment.stop() == dict.fromkeys([(name, n) for n in (0, 1) for name in ('api', 'taskmanager')], 0)
