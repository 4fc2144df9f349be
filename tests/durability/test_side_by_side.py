"""Two APIs and two taskmanagers on one database and one bus do each thing once."""

import collections
import concurrent.futures

import pytest

from tests.durability import deployment as deployments
from tests.fixtures import provider_double
from trove.db import operations as ledger

INSTANCES = 12
CLIENTS = 8


@pytest.fixture
def deployment(tmp_path, mariadb_server, shared_broker):
    with deployments.deployed(tmp_path, mariadb_server, shared_broker) as made:
        made.start()
        made.until(made.is_serving)
        made.until(lambda: all('Taking messages' in made.log('taskmanager', n).read_text() for n in (0, 1)))
        yield made


def at_once(function):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(function, range(INSTANCES)))


def test_each_instance_is_made_and_deleted_once(deployment):
    def create(number):
        answer = deployment.send(number, 'POST', '/instances', deployments.wanted(number))
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
