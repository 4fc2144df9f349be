"""trove-api under more than it can do, in processes of its own and over real sockets: counts, and not times."""

import concurrent.futures
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import requests

from tests.fixtures import api as api_fixture
from tests.fixtures import databases, guest_bus
from tests.fixtures import tenant as tenants
from tests.fixtures.long import LONG
from trove.common import crypto
from trove.db import get_db_api
from trove.db.sqlalchemy import migration, session
from trove.standalone import broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 180
CLIENTS = 64
SHORT_SECONDS, LONG_SECONDS = 8, 60
RATE = 2
"""Requests in a second that are ordinary."""
AGAIN_SECONDS = 10
"""How soon it is itself again."""
KIBIBYTES = 12 * 1024
"""By how much a process may grow while it is busy: what its allocator keeps."""
PATH = f'/v1.0/{api_fixture.PROJECT}/datastores'


class Daemon:
    """One worker of trove-api on SQLite; it is ended by its pid."""

    def __init__(self, folder, settings=''):
        url = f'sqlite:///{folder / "control.sqlite"}'
        migration.db_sync(url)
        databases.connect(url)
        path = api_fixture.write_configuration(folder, url)
        sealer = crypto.Sealer.from_file(str(folder / 'secrets.key'))
        with get_db_api().transaction() as writer:
            api_fixture.seed(writer)
            api_fixture.seed_keys(writer, sealer, [guest_bus.key_of(api_fixture.IDS['instance'])])
        session.dispose()
        self.port = broker.free_ports(1)[0]
        self.log = folder / 'api.log'
        own = folder / 'own.conf'
        own.write_text(
            f'[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = {self.port}\ntrove_api_workers = 1\n{settings}\n'
        )
        command = [sys.executable, '-W', 'ignore', '-m', 'trove.cmd.api']
        with open(self.log, 'wb') as log:
            self._process = subprocess.Popen(
                [*command, '--config-file', str(path), '--config-file', str(own)],
                env={**os.environ, 'PYTHONPATH': str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self):
        tenants.until(self.is_serving, START_SECONDS)

    def is_serving(self):
        assert self._process.poll() is None, self.log.read_text()
        # It listens before it can answer.
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return self.get('/healthcheck/live').status_code == 200
        return False

    def get(self, path=PATH, client=requests, user='demo'):
        return client.get(f'http://127.0.0.1:{self.port}{path}', auth=(user, api_fixture.PASSWORD), timeout=30)

    def connect(self, sent=b''):
        """Return a connection on which something was sent."""
        connection = socket.create_connection(('127.0.0.1', self.port), timeout=30)
        connection.sendall(sent)
        return connection

    def handles(self):
        """Return how many files and sockets the process has open."""
        return len(os.listdir(f'/proc/{self._process.pid}/fd'))

    def memory(self):
        """Return the resident memory in KiB."""
        text = pathlib.Path(f'/proc/{self._process.pid}/status').read_text(encoding='ascii')
        return int(text.partition('VmRSS:')[2].split()[0])

    def stop(self):
        self._process.terminate()
        try:
            return self._process.wait(90)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextlib.contextmanager
def serving(folder, settings=''):
    daemon = Daemon(folder, settings)
    try:
        daemon.wait()
        yield daemon
    finally:
        code = daemon.stop()
    assert code == 0, daemon.log.read_text()[-3000:]
    assert 'Traceback' not in daemon.log.read_text()


def is_closed(connection):
    """Return whether the other side has closed a connection, waiting for that."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def head(more='', asked=f'POST {PATH}'):
    """Return the first lines of a request of the user demo."""
    credentials = api_fixture.authorization('demo')['Authorization']
    return f'{asked} HTTP/1.1\r\nHost: h\r\nAuthorization: {credentials}\r\n{more}'.encode()


SLOW = {
    'nothing is sent': b'',
    'half a line': b'GET / HT',
    'headers without an end': head('X-More: and\r\n'),
    'half a body': head('Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'),
}


@pytest.mark.parametrize('sent', SLOW.values(), ids=SLOW)
def test_slow_clients_are_dropped_and_hold_up_nobody(tmp_path, sent):
    settings = 'client_header_timeout = 3\nclient_body_timeout = 3\nmax_requests_in_flight = 4'
    with serving(tmp_path, settings) as daemon, contextlib.ExitStack() as stack:
        assert daemon.get().status_code == 200
        before = daemon.handles()
        slow = []

        def are_held():
            # Those that were dropped before we looked, because we stood still, are followed by others.
            slow.extend(stack.enter_context(daemon.connect(sent)) for _ in range(CLIENTS))
            return daemon.handles() >= before + CLIENTS // 2

        tenants.until(are_held, 60)
        assert daemon.get().status_code == 200
        assert all(map(is_closed, slow))
        tenants.until(lambda: daemon.handles() <= before, 30)


def test_a_client_that_dribbles_gains_no_time(tmp_path):
    with serving(tmp_path, 'client_header_timeout = 2\nclient_socket_timeout = 30') as daemon:
        connection = daemon.connect(head())
        sent = 0
        with contextlib.suppress(ConnectionError):
            # Each byte is sent long before a socket's own time-out.
            for sent in range(60):
                connection.sendall(b'X' if sent % 9 else b'X: y\r\n')
                time.sleep(0.2)
        connection.close()
        assert sent < 59


def test_an_idle_connection_makes_room_for_a_new_one(tmp_path):
    with serving(tmp_path, 'max_connections = 8') as daemon, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(daemon.connect()) for _ in range(CLIENTS)]
        for _ in range(8):
            assert daemon.get().status_code == 200
        # All but those that there was room for, and at most the last ones of these.
        idle.reverse()
        assert all(map(is_closed, idle[8:]))


class Held:
    """Requests that wait inside the API for a guest that never answers."""

    def __init__(self, daemon, count):
        path = f'/v1.0/{api_fixture.PROJECT}/instances/{api_fixture.IDS["instance"]}/databases'
        # Each is sent whole before anybody else asks, so that it is none of them that finds no room.
        whole = head('Connection: close\r\n\r\n', f'GET {path}')
        self._connections = [daemon.connect(whole) for _ in range(count)]

    def join(self):
        assert all(map(is_closed, self._connections))
        for connection in self._connections:
            connection.close()


def await_refusal(daemon):
    """Return the first answer that says that there is no room."""
    answers = []

    def is_refused():
        answers.append(daemon.get())
        return answers[-1].status_code == 503

    tenants.until(is_refused)
    return answers[-1]


def test_more_requests_than_there_is_room_for_are_told_to_come_again(tmp_path):
    settings = 'max_requests_in_flight = 6\nmax_project_requests_in_flight = 4\nagent_call_low_timeout = 12'
    with serving(tmp_path, settings) as daemon:
        held = Held(daemon, 4)
        # A path of no project counts for itself; what comes to pass is that this project has no room.
        refused = await_refusal(daemon)
        assert refused.json() == {
            'serviceUnavailable': {
                'code': 503,
                'message': 'Too many requests are in progress at the moment; try again.',
            }
        }
        assert refused.headers['Retry-After'] == '2'
        other = f'/v1.0/{api_fixture.OTHER_PROJECT}/datastores'
        assert daemon.get(other, user='other').status_code == 200
        assert daemon.get('/healthcheck/ready').status_code == 200
        held.join()
        assert daemon.get().status_code == 200
        log = daemon.log.read_text()
        assert log.count('Too much is asked for') == 1
        assert 'A request failed with Overloaded' not in log


def test_more_connections_than_there_is_room_for_are_told_to_come_again(tmp_path):
    with serving(tmp_path, 'max_connections = 4\nagent_call_low_timeout = 12') as daemon:
        held = Held(daemon, 4)
        refused = await_refusal(daemon)
        assert refused.json()['serviceUnavailable']['code'] == 503
        assert (refused.headers['Retry-After'], refused.headers['Connection']) == ('2', 'close')
        held.join()
        assert daemon.get().status_code == 200


def test_fifty_times_the_rate_is_refused_and_then_served_again(tmp_path):
    settings = f'http_get_rate = {60 * RATE}\nmax_requests_in_flight = 8'
    with serving(tmp_path, settings) as daemon, concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        other = f'/v1.0/{api_fixture.OTHER_PROJECT}/datastores'
        many = clients.map(lambda _: daemon.get(), range(50 * RATE * SHORT_SECONDS))
        tenants.until(lambda: daemon.get(other, user='other').status_code == 200, 10)
        answers = list(many)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) > len(answers) / 2
        assert {answer.status_code for answer in refused} <= {413, 503}
        assert all(int(answer.headers['Retry-After']) > 0 for answer in refused)
        tenants.until(lambda: daemon.get().status_code == 200, AGAIN_SECONDS)


def test_a_long_body_is_refused_before_it_is_sent(tmp_path):
    with serving(tmp_path) as daemon, daemon.connect(head(f'Content-Length: {2**40}\r\n\r\n')) as connection:
        assert b'413 Request Entity Too Large' in connection.recv(65536)
        # It goes on all the same; at some time nobody listens any more.
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                connection.sendall(b'x' * 2**20)
            pytest.fail('the body was read to its end')


@pytest.mark.parametrize('seconds', [SHORT_SECONDS, pytest.param(LONG_SECONDS, marks=LONG)], ids=['short', 'a minute'])
def test_many_clients_leak_nothing(tmp_path, seconds):
    with serving(tmp_path) as daemon, concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: daemon.get().status_code, range(4 * CLIENTS)))
        tenants.until(lambda: daemon.get().status_code == 200)
        handles, memory = daemon.handles(), daemon.memory()
        deadline = time.monotonic() + seconds

        def ask(_number):
            with requests.Session() as client:
                codes = []
                while time.monotonic() < deadline:
                    codes.append(daemon.get(client=client).status_code)
                return codes

        codes = [code for found in clients.map(ask, range(CLIENTS)) for code in found]
        assert set(codes) == {200}, len(codes)
        tenants.until(lambda: daemon.handles() <= handles, 60)
        assert daemon.memory() < memory + KIBIBYTES
