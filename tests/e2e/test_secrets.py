"""Passwords that are easy to find are planted, and looked for where nobody may find them."""

import contextlib
import os
import pathlib
import threading

import pytest

from tests.e2e import checks, clients

pytestmark = pytest.mark.slow


class Processes:
    """Reads command lines and environments of all processes but our own over and over, as long as the block lasts."""

    def __init__(self):
        self.seen = {'cmdline': set(), 'environ': set()}
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._is_ending.set()
        self._thread.join()

    def _watch(self):
        while not self._is_ending.wait(0.02):
            for name in os.listdir('/proc'):
                for what, seen in self.seen.items():
                    # It may have ended meanwhile.
                    with contextlib.suppress(OSError):
                        if name.isdigit() and int(name) != os.getpid():
                            seen.add(pathlib.Path('/proc', name, what).read_bytes())


def texts_of(folder, is_wanted):
    """Return path to content of the files below a folder."""
    found = {}
    for path in pathlib.Path(folder).rglob('*'):
        with contextlib.suppress(OSError):
            if is_wanted(path) and path.is_file() and not path.is_symlink():
                found[str(path)] = path.read_bytes()
    return found


def is_log(path):
    return path.suffix == '.log' or 'log' in path.parts


@pytest.fixture(scope='module')
def tenant(shared_stack):
    tenant = shared_stack.tenant('builder')
    yield tenant
    checks.remove(tenant, *[one['id'] for one in tenant.list_instances()])


def test_f12_canaries_are_found_nowhere(shared_stack, tenant):
    with Processes() as processes:
        canaries = plant(tenant)
    places = {
        **texts_of(shared_stack.state.folder, is_log),
        **texts_of(shared_stack.state.instances, is_log),
        # The raw pages hold every row, also those that were deleted or are being written.
        **texts_of(shared_stack.state.folder, lambda path: path.name.startswith(shared_stack.state.database.name)),
        **{what: b'\n'.join(seen) for what, seen in processes.seen.items()},
    }
    assert len([name for name in places if 'trove-' in name]) >= 3
    assert any('guest-agent.log' in name for name in places)
    assert b'--config-file' in places['cmdline']
    assert b'PATH=' in places['environ']
    told = b''.join(places.values())
    assert b' DEBUG ' in told
    assert b'dbaas.instance_create.end' in told
    found = {(name, canary) for name, text in places.items() for canary in canaries if canary.encode() in text}
    assert found == set()


def plant(tenant):
    """Use passwords in every way that the API has; return them."""
    created = {
        name: tenant.create(
            f'canary-{name}',
            name,
            databases=[{'name': 'shop'}],
            users=[{'name': 'anna', 'password': f'canary-at-create-{name}', 'databases': [{'name': 'shop'}]}],
        )['id']
        for name in ('mariadb', 'postgresql')
    }
    redis = tenant.create('canary-redis', 'redis')
    canaries = [redis['password']]
    tenant.await_healthy(redis['id'])
    canaries += use_root(tenant, redis['id'], 'redis')
    for name, instance_id in created.items():
        address = tenant.await_healthy(instance_id)['ip'][0]
        canaries += [f'canary-at-create-{name}', *use_users(tenant, instance_id, name)]
        canaries += use_root(tenant, instance_id, name)
        assert clients.ASK[name](address, 'anna', f'canary-changed-all-{name}', 'SELECT 1', 'shop') == [[1]]
    return canaries


def use_users(tenant, instance_id, name):
    made, changed, changed_all, refused = (
        f'canary-{verb}-{name}' for verb in ('made', 'changed', 'changed-all', "refused-'")
    )
    path = f'/instances/{instance_id}/users'
    bert = {'name': 'bert', 'password': made, 'databases': [{'name': 'shop'}]}
    assert tenant.send('POST', path, json={'users': [bert]}).status_code == 202
    assert tenant.send('PUT', f'{path}/bert', json={'user': {'password': changed}}).status_code == 202
    everybody = [{'name': 'anna', 'password': changed_all}]
    assert tenant.send('PUT', path, json={'users': everybody}).status_code == 202
    if name == 'mariadb':
        answer = tenant.send('POST', path, json={'users': [{'name': 'carl', 'password': refused}]})
        assert answer.status_code == 400
        assert refused not in answer.text
    again = tenant.send('POST', path, json={'users': [bert]})
    assert again.status_code == 400
    assert made not in again.text
    return [made, changed, changed_all, refused]


def use_root(tenant, instance_id, name):
    chosen = f'canary-root-{name}'
    answer = tenant.send('POST', f'/instances/{instance_id}/root', json={'password': chosen})
    assert answer.status_code == 200, answer.text
    generated = tenant.send('POST', f'/instances/{instance_id}/root')
    assert generated.status_code == 200, generated.text
    return [chosen, generated.json()['user']['password']]
