"""Every service of the cloud and of Trove is restarted, in any order, while operations are under way."""

import contextlib
import os
import random
import time

import pytest
import requests

from tests.fixtures import tenant as tenants
from tests.openstack.fixtures import outages, places

SEED = 'TROVE_RESTARTS_SEED'
END_SECONDS = 400
"""A build whose request a broker lost ends by its own time-out."""
BUILD_SECONDS = '240'
REQUEST_SECONDS = 60
MOST_INSTANCES = 3


class Traffic:
    """A tenant who has something under way all the time. What was accepted is remembered."""

    def __init__(self, member, chance):
        self.member = member
        self.chance = chance
        self.accepted = []
        self.deleted = []
        self.refusals = []

    def _ask(self, question, code):
        """Send a request until it is accepted, as users do to whom a service says that it is not there just now."""

        def is_accepted():
            with contextlib.suppress(requests.ConnectionError):
                answer = question()
                if answer.status_code == code:
                    return answer
                self.refusals.append((answer.status_code, answer.text[:200]))
            return None

        return tenants.until(is_accepted, REQUEST_SECONDS, 0.5)

    def go_on(self):
        """Delete one that is built, or ask for another one, or let those that are built go on."""
        listed = self._ask(lambda: self.member.send('GET', '/instances'), 200).json()['instances']
        mine = [one for one in listed if one['id'] in self.accepted and one['id'] not in self.deleted]
        ended = [one['id'] for one in mine if 'operation' not in one]
        if ended and (len(mine) >= MOST_INSTANCES or self.chance.random() < 0.5):
            self.delete(self.chance.choice(ended))
        elif len(mine) < MOST_INSTANCES:
            name = f'passing-{len(self.accepted)}'
            answer = self._ask(lambda: self.member.post_instance(name, 'redis'), 200)
            self.accepted.append(answer.json()['instance']['id'])

    def delete(self, instance_id):
        self._ask(lambda: self.member.send('DELETE', f'/instances/{instance_id}'), 202)
        self.deleted.append(instance_id)

    def is_over(self):
        """Return whether nothing is under way any more."""
        listed = self.member.list_instances()
        is_deleted = not {one['id'] for one in listed} & set(self.deleted)
        return is_deleted and not any('operation' in one for one in listed)


@pytest.fixture
def chance():
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(10**6))
    print(f'{SEED}={seed}')
    return random.Random(seed)


@pytest.fixture
def place(member):
    """A MariaDB that serves and holds a value."""
    with places.serving(member, 'mariadb', 'lasting') as made:
        made.put('wren')
        yield made


def restart_all(trove, traffic, chance):
    """Restart everything once, one after the other, with something new under way each time."""
    parts = outages.everything(trove)
    names = chance.sample(sorted(parts), len(parts))
    print('Order:', ', '.join(names))
    for name in names:
        traffic.go_on()
        # Somewhere in the first steps of what was just asked for.
        time.sleep(chance.uniform(0, 2))
        began = time.monotonic()
        parts[name]()
        print(f'{name}: {time.monotonic() - began:.1f} s')


@pytest.mark.slow
def test_every_service_in_any_order(trove, cloud, member, place, chance):
    changes = {'redis': {'usage_timeout': BUILD_SECONDS}, 'nova': {'lost_volume_seconds': '30'}}
    with trove.configured(changes, 'taskmanager', 'api'):
        traffic = Traffic(member, chance)
        restart_all(trove, traffic, chance)
        print(f'Asked for: {len(traffic.accepted)}, deleted: {len(traffic.deleted)}, refused: {traffic.refusals}')
        tenants.until(traffic.is_over, END_SECONDS, 1)
        ended = {one['id']: one for one in member.list_instances() if one['id'] in traffic.accepted}
        print('Ended:', sorted(one['status'] for one in ended.values()))
        for instance_id, one in ended.items():
            check_end(member, instance_id, one)
        # What served all the time serves still, and can be worked with.
        assert place.await_healthy()
        assert place.values() == ['wren']
        place.put('robin')
        place.run('instance', 'restart', place.name)
        place.await_healthy()
        assert place.values() == ['robin', 'wren']
        with places.serving(member, 'redis', 'afterwards') as made:
            made.put('wren')
            assert made.values() == ['wren']
        for instance_id in ended:
            member.delete(instance_id)
        member.await_gone(*ended)
        left = {one: what for one in traffic.accepted if (what := cloud.holdings_of(one))}
        assert not left, left


def check_end(member, instance_id, listed):
    """A build that ended has either a database that serves, or a fault that says what to do and nothing else."""
    shown = member.show(instance_id)
    if listed['status'] == 'ERROR':
        assert 'Delete the instance and create it again' in shown['fault']['message']
        assert member.cloud.holdings_of(instance_id) == {}
        print('Failed:', shown['fault']['message'])
    else:
        held = member.await_healthy(instance_id) and member.cloud.holdings_of(instance_id)
        assert [len(held[kind]) for kind in ('servers', 'volumes', 'ports')] == [1, 1, 2]
