"""The API under a WSGI server with real threads, each in processes of its own, with a bus that is away."""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from tests.fixtures import api as api_fixture
from tests.fixtures import databases, observed
from tests.fixtures import tenant as tenants
from trove.common import processes
from trove.db import get_db_api
from trove.db.sqlalchemy import migration, session
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 180
CLIENTS = 8
CREATES = 24
LIMIT_SECONDS = 25.0
"""How long one answer may take while all clients ask at the same time."""

LOOK = """
import sys, threading
import trove.wsgi
from trove.db.sqlalchemy import session

assert callable(trove.wsgi.application)
print('eventlet' if sys.modules.get('eventlet') else 'no eventlet')
print('patched' if type(threading.Lock()).__module__ != '_thread' else 'real threads')
print('threads', threading.active_count())
print('connections', session.get_engine().pool.checkedin(), session.get_engine().pool.checkedout())
"""


@pytest.fixture
def configuration(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A configuration with HTTP basic authentication, a control database with datastores, and a bus that is away."""
    url = f'sqlite:///{tmp_path / "control.sqlite"}'
    migration.db_sync(url)
    databases.connect(url)
    with get_db_api().transaction() as writer:
        api_fixture.seed(writer)
    session.dispose()
    path = api_fixture.write_configuration(tmp_path, url)
    port = broker.free_ports(1)[0]
    text = path.read_text().replace('transport_url = fake://', f'transport_url = rabbit://u:p@127.0.0.1:{port}/')
    path.write_text(f'{text}\n'.replace('[DEFAULT]', '[DEFAULT]\nmax_instances_per_tenant = 100', 1))
    yield path


def environment(configuration: pathlib.Path) -> dict[str, str]:
    return {**os.environ, 'OS_TROVE_CONFIG_FILES': str(configuration), 'PYTHONPATH': str(ROOT)}


def python(configuration: pathlib.Path, *arguments: str) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(
        [sys.executable, '-W', 'ignore', *arguments],
        env=environment(configuration),
        cwd=configuration.parent,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class Server:
    """gunicorn with real threads; it is ended by its pid."""

    def __init__(self, configuration: pathlib.Path, *options: str) -> None:
        self.port = broker.free_ports(1)[0]
        self.log = configuration.parent / 'server.log'
        command = [sys.executable, '-W', 'ignore', '-m', 'gunicorn', '--bind', f'127.0.0.1:{self.port}', *options]
        with open(self.log, 'ab') as log:
            self._process = subprocess.Popen(
                [*command, 'trove.wsgi:application'],
                env=environment(configuration),
                cwd=configuration.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until it serves."""
        tenants.until(self._is_ready, START_SECONDS)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        # It listens before it can answer.
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f'http://127.0.0.1:{self.port}/healthcheck/ready', timeout=10).status_code == 200
        return False

    def workers(self) -> list[processes.Process]:
        """Return the processes that serve."""
        entries = filter(None, map(processes.look, processes.pids()))
        return [entry.process for entry in entries if entry.parent == self._process.pid and not entry.is_dead]

    def send(self, method: str, path: str, body: object = None) -> requests.Response:
        """Send a request as the user demo."""
        return requests.request(
            method,
            f'http://127.0.0.1:{self.port}/v1.0/{api_fixture.PROJECT}{path}',
            json=body,
            auth=('demo', api_fixture.PASSWORD),
            timeout=60,
        )

    def end(self) -> int:
        """End it as an init system does, and return its exit code."""
        workers = self.workers()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(90)
        assert not [observed.command_line(one.pid) for one in workers if one.is_alive()]
        return code

    def clean(self) -> None:
        if self._process.poll() is None:
            for one in self.workers():
                one.send(signal.SIGKILL)
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def serving(configuration: pathlib.Path, *options: str) -> Iterator[Server]:
    server = Server(configuration, *options)
    try:
        server.wait()
        yield server
    finally:
        server.clean()


def wanted(number: int) -> dict[str, object]:
    return {'instance': {'name': f'db{number}', 'flavorRef': '1', 'volume': {'size': 1}}}


def ask(server: Server, number: int) -> tuple[int, float, str]:
    """Create an instance and read it at once; return code, seconds and id."""
    before = time.monotonic()
    answer = server.send('POST', '/instances', wanted(number))
    seconds = time.monotonic() - before
    if answer.status_code != 200:
        return answer.status_code, seconds, answer.text
    instance = answer.json()['instance']
    shown = server.send('GET', f'/instances/{instance["id"]}').json()['instance']
    assert (shown['name'], shown['status']) == (f'db{number}', 'BUILD')
    return 200, seconds, instance['id']


@pytest.mark.parametrize('options', [(), ('--preload',)], ids=['loaded by each worker', 'forked afterwards'])
def test_threads_are_served_while_the_bus_is_away(configuration: pathlib.Path, options: tuple[str, ...]) -> None:
    with serving(configuration, '--workers', '2', '--threads', '4', *options) as server:
        tenants.until(lambda: len(server.workers()) == 2, START_SECONDS)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda number: ask(server, number), range(CREATES)))
        assert collections.Counter(code for code, _, _ in answers) == {200: CREATES}, answers
        assert len({instance_id for _, _, instance_id in answers}) == CREATES
        assert max(seconds for _, seconds, _ in answers) < LIMIT_SECONDS
        # What is inside a guest cannot be asked now, and that is said at once.
        before = time.monotonic()
        assert server.send('GET', f'/instances/{api_fixture.IDS["instance"]}/databases').status_code == 503
        assert time.monotonic() - before < LIMIT_SECONDS
        assert server.end() == 0
    databases.connect(f'sqlite:///{configuration.parent / "control.sqlite"}')
    with get_db_api().reading() as reader:
        rows = reader.execute(
            databases.sa.select(databases.tables.operations.c.subject_id).where(
                databases.tables.operations.c.kind == 'create_instance'
            )
        ).all()
    session.dispose()
    assert sorted(row.subject_id for row in rows) == sorted(instance_id for _, _, instance_id in answers)
    log = server.log.read_text()
    assert 'Traceback' not in log
    assert 'Wake-up run_operation was not sent, the bus is away' in log
    assert api_fixture.PASSWORD not in log


def test_it_runs_on_real_threads_and_holds_nothing_that_a_fork_could_share(configuration: pathlib.Path) -> None:
    done = python(configuration, '-c', LOOK)
    log, *lines = done.stdout.splitlines()
    assert log.endswith('Started'), done.stderr
    assert lines == ['no eventlet', 'real threads', 'threads 1', 'connections 0 0']


def test_a_configuration_that_cannot_work_is_told(configuration: pathlib.Path) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace(str(api_fixture.PASTE_FILE), '/nowhere/api-paste.ini'))
    server = Server(configuration)
    try:
        assert server._process.wait(START_SECONDS) != 0
    finally:
        server.clean()
    assert 'Cannot start: ' in server.log.read_text()
    assert 'api_paste_config /nowhere/api-paste.ini was not found' in server.log.read_text()


@pytest.mark.parametrize(
    ('value', 'arguments'),
    [
        ('', []),
        ('/a/trove.conf', ['--config-file=/a/trove.conf']),
        (' /a.conf ; ;/b.conf', ['--config-file=/a.conf', '--config-file=/b.conf']),
        ('/;/a.conf', ['--config-dir=/', '--config-file=/a.conf']),
    ],
)
def test_files_and_folders_are_named_by_the_environment(
    configuration: pathlib.Path, value: str, arguments: list[str]
) -> None:
    program = f"""
from trove.cmd import wsgi
print(wsgi.arguments_of({{'OS_TROVE_CONFIG_FILES': {value!r}}}))
print(wsgi.arguments_of({{}}))
"""
    done = python(configuration, '-c', program)
    assert done.stdout.splitlines() == [str(arguments), '[]'], done.stderr
