"""Where the cloud lies and on which ports it listens: all that makes one cloud differ from another."""

import dataclasses
import getpass
import os
import pathlib
from collections.abc import Mapping

HERE = pathlib.Path(__file__).resolve().parent
PLUGINS = HERE / 'plugins'
ROOT = HERE.parents[2]

REGION = 'RegionOne'
FIRST_BASE = 19000
LAST_BASE = 27000
LONGEST_FOLDER = 28
"""The sockets of an engine lie below the server's folder, and a socket's path is short."""

OFFSETS = {
    'keystone': 50,
    'swift': 80,
    'memcached': 211,
    'glance': 292,
    'mysql': 306,
    'swift_object': 610,
    'swift_container': 611,
    'swift_account': 612,
    'rabbit': 672,
    'neutron': 696,
    'nova': 774,
    'cinder': 776,
    'placement': 778,
    'trove': 779,
}


class LayoutError(Exception):
    """The settings cannot be used; the text says why."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """Folders, ports and networks of one cloud."""

    folder: pathlib.Path
    venv: pathlib.Path
    base: int = FIRST_BASE
    computes: int = 2
    password: str = 'secret'

    def __post_init__(self) -> None:
        if not FIRST_BASE <= self.base <= LAST_BASE or self.base % 1000:
            raise LayoutError(f'CLOUD_PORTS must be a multiple of 1000 from {FIRST_BASE} to {LAST_BASE}.')
        if len(str(self.folder)) > LONGEST_FOLDER or any(sign in str(self.folder) for sign in '$,:\n '):
            raise LayoutError(f'The path CLOUD must be plain and at most {LONGEST_FOLDER} characters long.')

    @property
    def etc(self) -> pathlib.Path:
        """Configuration."""
        return self.folder / 'etc'

    @property
    def run(self) -> pathlib.Path:
        """Pid files and sockets."""
        return self.folder / 'run'

    @property
    def log(self) -> pathlib.Path:
        """What the services say."""
        return self.folder / 'log'

    @property
    def broker(self) -> pathlib.Path:
        """The RabbitMQ node."""
        return self.folder / 'broker'

    @property
    def instances(self) -> pathlib.Path:
        """The servers, one folder each."""
        return self.folder / 'instances'

    @property
    def volumes(self) -> pathlib.Path:
        """The volumes, one folder each."""
        return self.folder / 'volumes'

    @property
    def clouds(self) -> pathlib.Path:
        """clouds.yaml with the accounts admin and demo."""
        return self.folder / 'clouds.yaml'

    def port(self, service: str) -> int:
        """Return the port of a service."""
        return self.base + OFFSETS[service]

    def url(self, service: str, path: str = '') -> str:
        """Return where a service answers."""
        return f'http://127.0.0.1:{self.port(service)}{path}'

    @property
    def auth_url(self) -> str:
        """Keystone."""
        return self.url('keystone', '/v3')

    def network(self, number: int) -> str:
        """Return the first two numbers of a network's addresses; two clouds have no network in common."""
        return f'127.{42 + (self.base - FIRST_BASE) // 1000 * 4 + number}'

    def program(self, name: str) -> str:
        """Return a program of the cloud's virtual environment."""
        return str(self.venv / 'bin' / name)

    def database_url(self, name: str) -> str:
        """Return the SQLAlchemy URL of a schema in the cloud's MariaDB."""
        return f'mysql+pymysql://cloud:{self.password}@127.0.0.1:{self.port("mysql")}/{name}?charset=utf8mb4'

    @property
    def user(self) -> str:
        """Who runs all of it."""
        return getpass.getuser()


def from_environment(environment: Mapping[str, str] = os.environ) -> Layout:
    """Return the layout that CLOUD, CLOUD_VENV, CLOUD_PORTS, CLOUD_COMPUTES and CLOUD_PASSWORD ask for."""
    folder = pathlib.Path(environment.get('CLOUD') or '/var/tmp/trove-cloud')
    if not folder.is_absolute():
        raise LayoutError('CLOUD must be an absolute path.')
    try:
        base, computes = int(environment.get('CLOUD_PORTS') or FIRST_BASE), int(environment.get('CLOUD_COMPUTES') or 2)
    except ValueError as error:
        raise LayoutError('CLOUD_PORTS and CLOUD_COMPUTES must be numbers.') from error
    return Layout(
        folder,
        pathlib.Path(environment.get('CLOUD_VENV') or folder / 'venv'),
        base,
        computes,
        environment.get('CLOUD_PASSWORD') or 'secret',
    )
