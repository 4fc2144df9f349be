#!/usr/bin/env python3
"""The demonstration: one database of each kind from the running stack, with one query to each.

Instances are made with the ordinary command line client. Run again, it uses the ones
that are there. The passwords it chose are kept in demo.json in the state folder.
"""

import base64
import dataclasses
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import yaml

from trove.standalone import files
from trove.standalone import state as standalone_state

CLOUD = 'trove-standalone'
READY_SECONDS = 300
ANSWER_SECONDS = 60
LOOK_SECONDS = 0.3
BAR_WIDTH = 12
NAME = 'demo'


class DemoError(Exception):
    """The demonstration cannot go on; the text says why and what to do."""


@dataclasses.dataclass
class Instance:
    """One instance of the demonstration."""

    datastore: str
    id: str
    password: str
    address: str = ''

    @property
    def name(self) -> str:
        return f'demo-{self.datastore}'


# -- the stack's API -------------------------------------------------------------


class Cloud:
    """The stack, through the command line client and, to watch, through its REST API."""

    def __init__(self, state: standalone_state.State) -> None:
        if not state.clouds.exists():
            raise DemoError(f'There is no stack in {state.folder}; start one with "trove-standalone up".')
        self._clouds = state.clouds
        auth = yaml.safe_load(state.clouds.read_text())['clouds'][CLOUD]['auth']
        self._endpoint = auth['endpoint']
        token = base64.b64encode(f'{auth["username"]}:{auth["password"]}'.encode()).decode()
        self._headers = {'Authorization': f'Basic {token}', 'Accept': 'application/json'}
        # A proxy has no business with this host's own addresses.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def run(self, *arguments: str, is_shown: bool = True) -> Any:
        """Run the client and return what it answers."""
        if is_shown:
            print(f'$ openstack --os-cloud {CLOUD} {" ".join(arguments)}', flush=True)
        program = pathlib.Path(sys.executable).with_name('openstack')
        environment = {**os.environ, 'OS_CLIENT_CONFIG_FILE': str(self._clouds)}
        command = [str(program), '--os-cloud', CLOUD, *arguments, '-f', 'json']
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f'The client said: {done.stderr.strip()}')
        return json.loads(done.stdout)

    def get(self, path: str) -> Any:
        """Return the answer to a GET."""
        request = urllib.request.Request(f'{self._endpoint}/{path}', headers=self._headers)
        with self._opener.open(request, timeout=30) as response:
            return json.load(response)


# -- making instances ------------------------------------------------------------


def ensure(cloud: Cloud, state: standalone_state.State) -> list[Instance]:
    """Return an instance of each datastore, making those that are not there."""
    kept = _passwords(state)
    present = {one['name']: one for one in cloud.get('instances')['instances']}
    found = []
    # What a vendor added is not known here.
    known = [one for one in cloud.get('datastores')['datastores'] if one['name'] in QUERIES]
    for datastore in known:
        name = f'demo-{datastore["name"]}'
        if name in present and name in kept:
            print(f'{name} is there already.')
            found.append(Instance(datastore['name'], present[name]['id'], kept[name]))
        elif name in present:
            raise DemoError(f'{name} was made by somebody else; delete it, or use another state folder.')
        else:
            found.append(_create(cloud, datastore))
            kept[name] = found[-1].password
            files.write_private(state.folder / 'demo.json', json.dumps(kept, indent=2))
    return found


def _passwords(state: standalone_state.State) -> dict[str, str]:
    path = state.folder / 'demo.json'
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return kept


def _create(cloud: Cloud, datastore: dict[str, Any]) -> Instance:
    name = datastore['name']
    version = next(one['name'] for one in datastore['versions'] if one['id'] == datastore['default_version'])
    password = secrets.token_hex(12)
    arguments = ['database', 'instance', 'create', f'demo-{name}', '--flavor', 'tiny', '--size', '1']
    arguments += ['--datastore', name, '--datastore-version', version]
    if name != 'redis':
        arguments += ['--databases', NAME, '--users', f'{NAME}:{password}']
    made = cloud.run(*arguments)
    # Redis has no users here; the password of the one it has is made by Trove and told this once.
    return Instance(name, made['id'], made.get('password') or password)


# -- watching them ---------------------------------------------------------------


def await_active(cloud: Cloud, instances: list[Instance]) -> None:
    """Show how the instances come up until all are ACTIVE."""
    line = ProgressLine()
    began = time.monotonic()
    while True:
        views = {one.name: cloud.get(f'instances/{one.id}')['instance'] for one in instances}
        line.show(views)
        _check(views)
        if all(view['status'] == 'ACTIVE' for view in views.values()):
            break
        if time.monotonic() - began > READY_SECONDS:
            raise DemoError(f'The instances did not become ACTIVE within {READY_SECONDS} s; see "make status".')
        time.sleep(LOOK_SECONDS)
    line.end()
    print(f'All ACTIVE after {time.monotonic() - began:.1f} s.')
    for one in instances:
        one.address = views[one.name]['addresses'][0]['address']


class ProgressLine:
    """One line that is written over on a terminal, and written anew when it changed elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._last = ''

    def show(self, views: dict[str, Any]) -> None:
        """Show all instances, with their steps where there is room for them."""
        line = '   '.join(_progress(name, view) for name, view in views.items())
        if not self._is_terminal:
            if line != self._last:
                print(line, flush=True)
            self._last = line
            return
        columns = shutil.get_terminal_size().columns
        if len(line) >= columns:
            line = '   '.join(
                _progress(name.removeprefix('demo-'), view, is_short=True) for name, view in views.items()
            )
        print(f'\r\033[K{line[: columns - 1]}', end='', flush=True)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._is_terminal:
            print()


def _progress(name: str, view: dict[str, Any], is_short: bool = False) -> str:
    operation = view.get('operation')
    if not operation:
        return f'{name} {view["status"]}'
    done = round(BAR_WIDTH * operation['progress'] / 100)
    bar = f'{name} [{"#" * done}{"." * (BAR_WIDTH - done)}]'
    return bar if is_short else f'{bar} {operation["step"]}'


def _check(views: dict[str, Any]) -> None:
    for name, view in views.items():
        if view['status'] in ('ERROR', 'FAILED'):
            fault = view.get('fault') or {}
            raise DemoError(f'\n{name} failed: {fault.get("message")} {fault.get("details") or ""}')


# -- using them ------------------------------------------------------------------


def ask_mysql(one: Instance) -> str:
    """Write a row and read it back, with PyMySQL."""
    import pymysql

    connection = pymysql.connect(host=one.address, user=NAME, password=one.password, database=NAME)
    with connection, connection.cursor() as cursor:
        cursor.execute('CREATE TABLE IF NOT EXISTS visits (id INT AUTO_INCREMENT PRIMARY KEY)')
        cursor.execute('INSERT INTO visits () VALUES ()')
        connection.commit()
        cursor.execute('SELECT VERSION(), COUNT(*) FROM visits')
        version, count = cursor.fetchone() or ('', 0)
    return f'SELECT VERSION(), COUNT(*) FROM visits -> {version}, {count}'


def ask_postgresql(one: Instance) -> str:
    """Write a row and read it back, with pg8000."""
    import pg8000.native

    connection = pg8000.native.Connection(NAME, host=one.address, password=one.password, database=NAME)
    try:
        connection.run('CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())')
        connection.run('INSERT INTO visits DEFAULT VALUES')
        version, count = connection.run('SELECT current_setting(:name), count(*) FROM visits', name='server_version')[0]
    finally:
        connection.close()
    return f'SELECT server_version, count(*) FROM visits -> {version}, {count}'


def ask_redis(one: Instance) -> str:
    """Count up and read it back, with redis-py."""
    import redis

    with redis.Redis(host=one.address, password=one.password, decode_responses=True) as client:
        count = client.incr('visits')
        version = client.info('server')['redis_version']
    return f'INCR visits -> {count} (Redis {version})'


QUERIES: dict[str, Callable[[Instance], str]] = {
    'mariadb': ask_mysql,
    'mysql': ask_mysql,
    'percona': ask_mysql,
    'postgresql': ask_postgresql,
    'redis': ask_redis,
}

COMMANDS = {
    'mariadb': ('mariadb', 'MYSQL_PWD={password} mariadb -h {address} -u demo demo'),
    'mysql': ('mysql', 'MYSQL_PWD={password} mysql -h {address} -u demo demo'),
    'percona': ('mysql', 'MYSQL_PWD={password} mysql -h {address} -u demo demo'),
    'postgresql': ('psql', 'PGPASSWORD={password} psql -h {address} -U demo demo'),
    'redis': ('redis-cli', 'REDISCLI_AUTH={password} redis-cli -h {address}'),
}


def ask(one: Instance) -> str:
    """Return the answer to a query; an engine that is just coming up again gets a while."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return QUERIES[one.datastore](one)
        except Exception as error:
            # Each client library has errors of its own; in the end the last one is told.
            if time.monotonic() > deadline:
                raise DemoError(f'{one.name} does not answer: {error}') from error
            time.sleep(LOOK_SECONDS)


def show_access(state: standalone_state.State, instances: list[Instance]) -> None:
    """Print how to go on by hand."""
    print('\nConnect (from this machine):')
    for one in instances:
        program, command = COMMANDS[one.datastore]
        note = '' if shutil.which(program) else f'    ({program} is not installed here)'
        print(f'  {command.format(password=one.password, address=one.address)}{note}')
    first = instances[0]
    folder = os.path.dirname(sys.executable)
    print('\nTry next:')
    print(f'  export PATH={folder}:$PATH OS_CLIENT_CONFIG_FILE={state.clouds} OS_CLOUD={CLOUD}')
    print('  openstack database instance list')
    print(f'  openstack database db create {first.name} shop')
    print(f'  openstack database root enable {first.name}')
    print(f'  openstack database instance restart {first.name}')
    print(f'  openstack database instance delete {first.name}')
    print('\nStop:    make down     (the data stay; "make demo" brings them back)')
    print('Remove:  make reset    (the data are gone)')


def main() -> int:
    """Run the demonstration; what is in the way is told in plain words, with exit code 1."""
    state = standalone_state.State(standalone_state.choose_folder(None, os.environ))
    try:
        cloud = Cloud(state)
        print()
        instances = ensure(cloud, state)
        print()
        await_active(cloud, instances)
        print('\nOne query to each, through its own client library:')
        for one in instances:
            print(f'  {one.datastore:<12} {one.address:<15} {ask(one)}')
        show_access(state, instances)
    except (DemoError, OSError) as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
