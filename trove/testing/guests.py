"""Guests with real engines, each in a folder and on a loopback address of its own, and what a test must be told."""

import abc
import contextlib
import dataclasses
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import jinja2
import pytest
from oslo_config import cfg

from trove.common import context as trove_context
from trove.common import plugs
from trove.guestagent import dbaas, options, requests
from trove.guestagent.datastore import description as datastore_description
from trove.guestagent.datastore import manager as datastore_manager
from trove.guestagent.system import files, processes
from trove.testing import hosts

CONTEXT = trove_context.TroveContext()
SERVER_GROUP = 'trove.datastores'
ROOT_PASSWORD = 'CanaryRootPassword1'
USER_PASSWORD = 'CanaryUserPassword2'
SMALL_MB, LARGE_MB = 256, 512
"""Memory of the flavors that templates are rendered for."""


class Refused(Exception):
    """The engine let a client not in."""


@dataclasses.dataclass
class Login:
    """A client that was let in; calling it runs a statement. ``close`` never raises, whatever became of the engine."""

    run: Callable[[str], Any]
    close: Callable[[], None]

    def __call__(self, statement: str) -> Any:
        return self.run(statement)


@dataclasses.dataclass(frozen=True)
class Mark:
    """Something that is written once and read again: a statement, another one, and what that must answer."""

    write: str
    read: str
    expected: Any


@dataclasses.dataclass(frozen=True)
class Override:
    """A parameter, a value that a tenant gives it, and the statement whose answer must hold that value."""

    name: str
    value: str
    question: str


class World(abc.ABC):
    """What the contract needs of a datastore under test: its plug, its client, and what only its statements show."""

    name: ClassVar[str]
    """Name of both plugs, in ``trove.datastores`` and in ``trove.guestagent.datastores``."""
    program: ClassVar[str]
    """The engine's program; its tests are skipped where it is not installed."""
    mark: ClassVar[Mark]
    settings: ClassVar[Mapping[str, str]] = {}
    """More options of the guest, in the group of the datastore's name."""
    has_socket = False
    """Whether clients may also come in over a socket on the guest."""
    keeps_data = True
    """Whether data outlive the engine's process; a cache has none to keep."""
    override: ClassVar[Override | None] = None
    memory_bytes: ClassVar[int | None] = None
    """What ``memory`` is for a flavor of 256 MB; None where the template says nothing of memory."""
    intruders: ClassVar[tuple[str, ...]] = ('os_admin', 'joe', '', 'root', 'postgres', 'mysql', 'default')
    """Names that nobody may come in by, without the password or with a wrong one."""
    work: ClassVar[tuple[str, ...]] = (
        'CREATE TABLE of_ann (n integer)',
        'INSERT INTO of_ann VALUES (1)',
        'DROP TABLE of_ann',
    )
    """What a user may do in a database that was granted."""
    owned: ClassVar[tuple[str, str]] = ('CREATE TABLE owned (n integer)', 'DROP TABLE owned')
    """How a user makes something in a database, and how root removes it."""
    character_set: ClassVar[tuple[str, str] | None] = None
    """A character set and a collation of it; None where databases have none."""

    @abc.abstractmethod
    def connect(self, guest: 'Guest', user: str, password: str | None, database: str | None, is_local: bool) -> Login:
        """Return a client that was let in; ``Refused`` otherwise.

        An engine without accounts is asked with no user, ``''``, and no password. ``is_local`` wants the socket.
        """

    def find_missing(self) -> str | None:
        """Return why this host cannot run the engine, or None."""
        return None if shutil.which(self.program) else f'{self.program} is not installed'

    def memory(self, query: Login) -> int:
        """Return how many bytes the engine may use for its largest cache."""
        raise NotImplementedError

    def forget(self, manager: datastore_manager.Manager) -> None:  # noqa: B027, nothing is a good answer
        """Close what a manager keeps open, as the end of its agent would."""


class Guest:
    """One guest with its folders; ``manager`` is made anew by ``restart_agent``, ``state`` lies below ``folder``."""

    def __init__(self, world: World, state: str = 'state') -> None:
        self.world = world
        self.name = world.name
        self.state = state
        # Short, since socket paths are, and open to the engine's user, unlike pytest's own folders.
        self.folder = tempfile.mkdtemp(prefix='trove-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        # Drawn, because another process may count like this one.
        self.address = f'127.{128 + secrets.randbelow(22)}.{1 + secrets.randbelow(250)}.{1 + secrets.randbelow(250)}'
        self.description: datastore_description.Description = plugs.load(
            SERVER_GROUP, self.name, datastore_description.Description
        )()
        self._logins: list[Login] = []
        self._manager: datastore_manager.Manager | None = None
        self._write_configuration()
        self.restart_agent()

    @property
    def manager(self) -> datastore_manager.Manager:
        """The manager of the agent that runs now."""
        assert self._manager is not None
        return self._manager

    def _write_configuration(self) -> None:
        values = {
            'guest_id': f'guest-{os.path.basename(self.folder)}',
            'datastore_manager': self.name,
            'bind_address': self.address,
            'mount_point': f'{self.folder}/volume',
            'state_path': f'{self.folder}/{self.state}',
            'run_path': f'{self.folder}/run',
            'log_path': f'{self.folder}/log',
            'service_manager': 'process',
            'start_timeout_seconds': 180,
        }
        own = {'service_user': hosts.UNPRIVILEGED, **self.world.settings}
        lines = ['[DEFAULT]', *(f'{key} = {value}' for key, value in values.items())]
        lines += [f'[{self.name}]', *(f'{key} = {value}' for key, value in own.items()), '']
        files.write(self._configuration, '\n'.join(lines), mode=0o644)

    @property
    def _configuration(self) -> str:
        return f'{self.folder}/suite.conf'

    def restart_agent(self) -> None:
        """Make a manager that knows nothing of what the one before had in memory."""
        if self._manager is not None:
            self.world.forget(self._manager)
        self.conf = cfg.ConfigOpts()
        self.conf.register_opts(options.OPTS)
        self.conf([], default_config_files=[self._configuration], default_config_dirs=[])
        self._manager = dbaas.make_manager(self.conf)

    def template(self, memory_mb: int) -> str:
        """Return the configuration as the control plane renders it for a flavor."""
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        return environment.from_string(self.description.template()).render(
            flavor={'ram': memory_mb, 'vcpus': 1}, datastore={'name': self.name, 'version': ''}
        )

    def accounts(self) -> dict[str, Any]:
        """Return what ``prepare`` is asked to make, as far as the datastore has it."""
        wanted: dict[str, Any] = {}
        if self.description.has_root:
            wanted['root_password'] = ROOT_PASSWORD
        if self.description.has_databases:
            wanted['databases'] = [{'name': 'first_db'}, {'name': 'second-db'}]
        if self.description.has_users:
            databases = {'databases': [{'name': 'first_db'}]} if self.description.has_databases else {}
            wanted['users'] = [{'name': 'joe', 'host': '%', 'password': USER_PASSWORD, **databases}]
        return wanted

    def request(self, **changes: Any) -> requests.PrepareRequest:
        """Return a request as the control plane makes it for a small flavor."""
        return requests.PrepareRequest('', SMALL_MB, self.template(SMALL_MB), **changes)

    def prepare(self, **changes: Any) -> None:
        """Prepare with all accounts, unless the changes name others."""
        self.manager.prepare(CONTEXT, self.request(**{**self.accounts(), **changes}))

    def overrides(self) -> dict[str, str]:
        """Return what a tenant has set, for ``prepare``."""
        override = self.world.override
        return {override.name: override.value} if override else {}

    # -- clients ----------------------------------------------------------------------------

    def login(self, user: str, password: str | None, database: str | None = None, is_local: bool = False) -> Login:
        """Return a client that was let in; ``Refused`` otherwise."""
        login = self.world.connect(self, user, password, database, is_local)
        self._logins.append(login)
        return login

    def enter(self, password: str = ROOT_PASSWORD) -> Login:
        """Return a client as root, where there is one; else as the user, or as whoever may come."""
        database = 'first_db' if self.description.has_databases else None
        if self.description.has_root:
            return self.login(self.description.root_user_name, password, database)
        if self.description.has_users:
            return self.login('joe', USER_PASSWORD, database)
        return self.login('', None, database)

    def log_out(self) -> None:
        """Close what the tests left open."""
        while self._logins:
            self._logins.pop().close()

    def write_mark(self) -> None:
        """Write what a later test of data looks for."""
        self.enter()(self.world.mark.write)

    def has_mark(self) -> bool:
        """Return whether the mark is there, or the engine is none that keeps data."""
        if not self.world.keeps_data:
            return True
        return list(self.enter()(self.world.mark.read)) == list(self.world.mark.expected)

    def has_overrides(self) -> bool:
        """Return whether the engine works with what the tenant has set."""
        override = self.world.override
        return override is None or override.value in str(self.enter()(override.question))

    # -- the process ------------------------------------------------------------------------

    def process(self) -> processes.Process | None:
        """Return the engine's process; None when none was started yet."""
        path = f'{self.folder}/{self.state}/services/trove-{self.name}.json'
        if not os.path.exists(path):
            return None
        record = files.read_json(path)['process']
        return processes.Process(*record) if record else self.find_process()

    def find_process(self) -> processes.Process | None:
        """Return the engine's process, found among all of this host."""
        return processes.find_marked(f'{self.conf.guest_id}/trove-{self.name}')

    def engine(self) -> processes.Process:
        """Return the engine's process; fail when there is none."""
        found = self.process()
        assert found is not None, 'the engine was never started'
        return found

    def remove(self) -> None:
        """End the engine, whatever the test left, and remove its folder."""
        self.log_out()
        process = self.process()
        if process is not None:
            processes.end(process, signal.SIGKILL, 10)
        self.manager.app.stop()
        self.world.forget(self.manager)
        shutil.rmtree(self.folder)


class Guests:
    """The guests that the parts of a contract work on; the subclass names its ``world``."""

    world: ClassVar[World]

    @classmethod
    @contextlib.contextmanager
    def running(cls, state: str = 'state') -> Iterator[Guest]:
        """A guest of which nothing was asked yet, for as long as it is used."""
        missing = cls.world.find_missing()
        if missing:
            pytest.skip(f'{cls.world.name} is not shown here: {missing}')
        guest = Guest(cls.world, state)
        try:
            yield guest
        finally:
            guest.remove()

    @pytest.fixture(scope='class')
    @classmethod
    def shared(cls) -> Iterator[Guest]:
        """A guest whose prepare ended well; shared by the tests that leave it serving."""
        with cls.running() as guest:
            guest.prepare()
            yield guest

    @pytest.fixture
    def served(self, shared: Guest) -> Iterator[Guest]:
        """The shared guest; what a test leaves logged in is logged out."""
        yield shared
        shared.log_out()

    @pytest.fixture
    def fresh(self) -> Iterator[Guest]:
        """A guest of which nothing was asked yet."""
        with self.running() as guest:
            yield guest
