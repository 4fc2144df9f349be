"""F3: the bus is away under real daemons, comes back empty, and nothing that was accepted is lost or done twice."""

import collections
import time

import pytest

from tests.durability import deployment as deployments
from tests.fixtures import provider_double
from tests.fixtures import tenant as tenants
from tests.fixtures.long import LONG
from trove.db import operations as ledger

POST_SECONDS = 2.0
DONE_SECONDS = 60.0
SHORT_SECONDS, LONG_SECONDS = 3, 300


@pytest.fixture
def deployment(tmp_path, mariadb_server, private_broker):
    with deployments.deployed(tmp_path, mariadb_server, private_broker) as made:
        made.start()
        made.until(made.is_serving)
        yield made


@pytest.mark.parametrize(
    'seconds', [SHORT_SECONDS, pytest.param(LONG_SECONDS, marks=LONG)], ids=['short', 'five minutes']
)
def test_f3_bus_away(deployment, private_broker, seconds):
    tenants.until(lambda: 'Taking messages' in deployment.log('taskmanager', 0).read_text())
    # What waits in the queues is gone with the node: they live in its memory only.
    private_broker.stop()
    ids, durations = [], []
    ending = time.monotonic() + seconds
    while time.monotonic() < ending or len(ids) < 8:
        before = time.monotonic()
        answer = deployment.send(len(ids), 'POST', '/instances', deployments.wanted(len(ids)))
        durations.append(time.monotonic() - before)
        assert answer.status_code == 200, answer.text
        ids.append(answer.json()['instance']['id'])
        time.sleep(min(1.0, seconds / 8))
    # A small machine that is busy with other things may be late now and then, a client that hangs is late always.
    assert sorted(durations)[len(durations) // 2] < POST_SECONDS
    private_broker.start()
    back = time.monotonic()
    deployment.until(deployment.has_ended)
    assert time.monotonic() - back < DONE_SECONDS
    assert {(row.kind, row.state) for row in deployment.operations()} == {('create_instance', ledger.DONE)}
    made = collections.Counter((entry.instance_id, entry.thing) for entry in deployment.outside.journal())
    assert {key: count for key, count in made.items() if key[1] in provider_double.PARTS} == dict.fromkeys(
        [(one, part) for one in ids for part in provider_double.PARTS], 1
    )
    for name in ('api', 'taskmanager'):
        assert 'Traceback' not in deployment.log(name, 0).read_text()
