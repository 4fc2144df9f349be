"""The control database is cut off under real daemons, and is not there yet when they start."""

import contextlib
import os
import threading
import time

import pytest
import requests
import sqlalchemy as sa

from tests.durability import deployment as deployments
from tests.fixtures import databases
from tests.fixtures import tenant as tenants
from tests.fixtures.long import LONG
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import session, tables

BACK_SECONDS = 15
"""Seconds after the return of its database in which the service has to serve again."""
ANSWER_SECONDS = 60
SHORT_SECONDS, LONG_SECONDS = 5, 30
AWAY = {'serviceUnavailable': {'code': 503, 'message': 'The database is not available at the moment; try again.'}}


@pytest.fixture
def server():
    """A MariaDB of the test's own, which it may kill and start again."""
    if not os.path.exists(databases.MariaDB.binary):
        pytest.skip('MariaDB is not installed')
    made = databases.DurableMariaDB()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def deployment(tmp_path, server, private_broker):
    """Daemons that are not started yet."""
    with deployments.deployed(tmp_path, server, private_broker) as made:
        yield made


class Writer:
    """A tenant that asks for instances without end and remembers what it was told."""

    def __init__(self, deployment, number):
        self._deployment = deployment
        self._number = number
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged = []
        self.refused = []

    def start(self):
        self._thread.start()

    def end(self):
        self._is_ending.set()
        self._thread.join(60)

    def _run(self):
        while not self._is_ending.wait(0.2):
            wanted = deployments.wanted(len(self.acknowledged))
            answer = self._deployment.send(self._number, 'POST', '/instances', wanted)
            if answer.status_code == 200:
                self.acknowledged.append(answer.json()['instance']['id'])
            else:
                self.refused.append(answer)


@contextlib.contextmanager
def writing(deployment):
    writers = [Writer(deployment, number) for number in (0, 1)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.end()


def health(deployment, path):
    return requests.get(f'http://127.0.0.1:{deployment.ports[0]}/healthcheck{path}', timeout=ANSWER_SECONDS)


def instances():
    """Return every instance with the number of its operations and of its service records."""
    table = tables.instances.c
    counted = [
        sa.select(sa.func.count()).where(column == table.id).scalar_subquery()
        for column in (tables.operations.c.subject_id, tables.service_statuses.c.instance_id)
    ]
    with get_db_api().reading() as reader:
        return {row[0]: tuple(row[1:]) for row in reader.execute(sa.select(table.id, *counted))}


def count_used():
    query = sa.select(tables.quota_usages.c.in_use).where(tables.quota_usages.c.resource == 'instances')
    with get_db_api().reading() as reader:
        return reader.execute(query).scalar_one()


@pytest.mark.parametrize(
    'seconds', [SHORT_SECONDS, pytest.param(LONG_SECONDS, marks=LONG)], ids=['short', 'half a minute']
)
def test_f4_database_away(deployment, server, seconds):
    deployment.start()
    deployment.until(deployment.is_serving)
    with writing(deployment) as writers:
        tenants.until(lambda: all(len(writer.acknowledged) >= 2 for writer in writers))
        server.kill()
        began = time.monotonic()
        tenants.until(lambda: all(writer.refused for writer in writers), ANSWER_SECONDS)
        assert health(deployment, '/live').status_code == 200
        for path in ('', '/ready'):
            answer = health(deployment, path)
            assert (answer.status_code, answer.text) == (503, 'The database does not answer.')
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        server.resume()
        before = [len(writer.acknowledged) for writer in writers]
        tenants.until(lambda: all(len(w.acknowledged) > n for w, n in zip(writers, before, strict=True)), BACK_SECONDS)
    for answer in (answer for writer in writers for answer in writer.refused):
        assert (answer.status_code, answer.json()) == (503, AWAY)
        assert answer.headers['Retry-After']
    session.dispose()
    deployment.until(deployment.has_ended)

    acknowledged = [instance_id for writer in writers for instance_id in writer.acknowledged]
    found = instances()
    assert set(acknowledged) <= found.keys()
    # An answer may have been lost with the connection, but never a part of what was written.
    assert set(found.values()) == {(1, 1)}
    assert count_used() == len(found)
    assert {row.state for row in deployment.operations()} == {ledger.DONE}
    assert deployment.outside.instance_ids() == sorted(found)
    assert health(deployment, '').text == 'OK'
    for name in ('api', 'taskmanager'):
        # The pool tells in full of each connection that broke while it was in use.
        lines = deployment.log(name, 0).read_text().splitlines()
        assert not [line for line in lines if 'Traceback' in line and 'sqlalchemy.pool' not in line]


def test_daemons_start_before_their_database_and_their_bus(deployment, server, private_broker):
    server.kill()
    private_broker.stop()
    deployment.start()

    def say(name, words):
        return words in deployment.log(name, 0).read_text()

    for name in ('api', 'taskmanager'):
        tenants.until(lambda name=name: say(name, 'The database is not available yet'))
    tenants.until(lambda: say('taskmanager', 'The message bus is not available yet'))
    tenants.until(lambda: deployment.answers('/flavors') == 503)
    server.resume()
    session.dispose()
    tenants.until(lambda: deployment.answers('/datastores') == 200)
    created = deployment.send(0, 'POST', '/instances', deployments.wanted(0))
    # The taskmanager has learnt the flavors of the provider with its first look only.
    deployment.until(deployment.is_serving)
    if created.status_code != 200:
        created = deployment.send(0, 'POST', '/instances', deployments.wanted(0))
    # The guest's account is made at the bus, and waits for it.
    deployment.until(lambda: any('not ready' in (row.error or '') for row in deployment.operations()))
    private_broker.start()
    tenants.until(lambda: say('taskmanager', 'Taking messages'))
    deployment.until(deployment.has_ended)
    assert [row.state for row in deployment.operations()] == [ledger.DONE]
    for name in ('api', 'taskmanager'):
        assert not say(name, 'Traceback')
