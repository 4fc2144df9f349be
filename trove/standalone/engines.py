"""Which database engines this host has, and in which versions: asked from the engines themselves."""

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# Debian keeps servers out of an ordinary user's PATH.
PLACES = ('/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/usr/libexec')


@dataclass(frozen=True)
class Engine:
    """An installed engine: the datastore that offers it and the version it says it has."""

    datastore: str
    version: str
    program: str


@dataclass(frozen=True)
class _Kind:
    """How to find one datastore's engine and to read its version."""

    datastore: str
    programs: Sequence[str]
    version: str
    package: str


# A server of the MySQL family tells by its version text whose it is, whatever its file is called.
KINDS = (
    _Kind('mariadb', ('mariadbd', 'mysqld'), r'Ver (\d+[\d.]*)-MariaDB', 'mariadb-server-core'),
    _Kind('mysql', ('mysqld',), r'Ver (\d+[\d.]*)(?!.*(?:MariaDB|Percona))', 'mysql-server-core'),
    _Kind('percona', ('mysqld',), r'Ver (\d+[\d.]*)(?=.*Percona)', 'percona-server-server'),
    _Kind(
        'postgresql', ('postgres', '/usr/lib/postgresql/*/bin/postgres'), r'\(PostgreSQL\) (\d+[\d.]*)', 'postgresql'
    ),
    _Kind('redis', ('redis-server',), r'Redis server v=(\d+[\d.]*)', 'redis-server'),
)


def ask_version(program: str) -> str:
    """Return what a server prints about its version; empty when it cannot be run."""
    try:
        done = subprocess.run([program, '--version'], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout


def find_programs(name: str) -> list[str]:
    """Return the files that a program name or a pattern stands for."""
    if name.startswith('/'):
        return sorted(path for path in glob.glob(name) if os.access(path, os.X_OK))
    found = shutil.which(name, path=os.pathsep.join([os.environ.get('PATH', ''), *PLACES]))
    return [found] if found else []


def find(
    find_programs: Callable[[str], Iterable[str]] = find_programs, ask_version: Callable[[str], str] = ask_version
) -> list[Engine]:
    """Return all engines of this host, for each datastore the oldest version first."""
    found: dict[tuple[str, str], Engine] = {}
    for kind in KINDS:
        for program in (path for name in kind.programs for path in find_programs(name)):
            version = re.search(kind.version, ask_version(program))
            if version is not None:
                engine = Engine(kind.datastore, version.group(1), program)
                found.setdefault((engine.datastore, engine.version), engine)
    return sorted(found.values(), key=lambda engine: (engine.datastore, _numbers(engine.version)))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split('.') if part]
