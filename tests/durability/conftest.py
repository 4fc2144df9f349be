"""Worlds on SQLite and MariaDB, and worker processes in them."""

import contextlib
import multiprocessing
import secrets
import signal

import pytest

from tests.durability import worker
from tests.durability import world as durability_world
from trove.common import processes
from trove.db.sqlalchemy import migration, session
from trove.instance import changes

# Workers are forked from a process that has imported everything and has no threads: real
# processes, quick to start.
_context = multiprocessing.get_context('forkserver')
_context.set_forkserver_preload(['tests.durability.worker'])

LONG_SECONDS = 24 * 3600
"""Deadline of operations that wait for their turn to be disturbed."""
AT_ONCE = 5
"""More of them only wait for SQLite's one write lock."""


class Workers:
    """The worker processes of a world; whoever is left at the end is killed."""

    def __init__(self, world, main=worker.main):
        self._world = world
        self._main = main
        self._processes = []

    def start(self, doom=None, is_ready=None):
        process = _context.Process(target=self._main, args=(self._world.place, doom, is_ready))
        process.start()
        self._processes.append(process)
        return process

    def kill_at(self, dooms):
        """Let a worker die by each doom, some at a time; each must come to its moment."""
        waiting, running = list(dooms), {}

        def has_end():
            return any(not process.is_alive() for process in running)

        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                doom = waiting.pop(0)
                running[self.start(doom)] = doom
            self._world.until(has_end, what=next(iter(running.values())))
            for process in [process for process in running if not process.is_alive()]:
                doom = running.pop(process)
                assert process.exitcode == -signal.SIGKILL, doom

    @contextlib.contextmanager
    def rescue(self, count=2):
        """Have undisturbed workers at work meanwhile; they end gracefully."""
        events = [_context.Event() for _ in range(count)]
        rescuers = [self.start(is_ready=event) for event in events]
        assert all(event.wait(durability_world.LIMIT_SECONDS) for event in events)
        yield
        for process in rescuers:
            process.terminate()
        for process in rescuers:
            process.join(durability_world.LIMIT_SECONDS)
            assert process.exitcode == 0

    def clean(self):
        for process in self._processes:
            if process.is_alive():
                process.kill()
            process.join()


def is_stopped(process):
    """Return whether a process was stopped by a signal."""
    return processes.look(process.pid).state == 'T'


def make_world(server, folder, guest_config='[DEFAULT]\n', **settings):
    """Make a world with a database of its own."""
    url = server.make_database(f'durability_{secrets.token_hex(6)}')
    migration.db_sync(url)
    place = durability_world.Place(url, str(folder), **settings)
    world = durability_world.World(place, guest_config)
    # All operations are asked for at once and stand until hundreds of workers were killed: the time of none may end.
    for option in {plan.deadline_option for plan in vars(changes).values() if isinstance(plan, changes.Plan)}:
        world.conf.set_override(option, LONG_SECONDS)
    world.conf.set_override('usage_timeout', LONG_SECONDS, durability_world.MANAGER)
    return world


@pytest.fixture(scope='module')
def world(sqlite_server, tmp_path_factory):
    """A deployment on SQLite for the tests of a module; each test has instances of its own."""
    yield make_world(sqlite_server, tmp_path_factory.mktemp('world'))
    session.dispose()


@pytest.fixture(scope='module')
def mariadb_world(mariadb_server, tmp_path_factory):
    """The same on MariaDB."""
    yield make_world(mariadb_server, tmp_path_factory.mktemp('world'))
    session.dispose()


@contextlib.contextmanager
def workers_of(world):
    """Worker processes of a world."""
    workers = Workers(world)
    try:
        yield workers
    finally:
        workers.clean()


@pytest.fixture
def workers(world):
    with workers_of(world) as workers:
        yield workers
