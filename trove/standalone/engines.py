"""Which database engines this host has, and in which versions: asked from the engines themselves."""

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from trove.common import plugs
from trove.datastore import descriptions
from trove.guestagent.datastore import description

# Debian keeps servers out of an ordinary user's PATH.
PLACES = ('/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/usr/libexec')


@dataclass(frozen=True)
class Engine:
    """An installed engine: the datastore that offers it and the version it says it has."""

    datastore: str
    version: str
    program: str


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
    find_programs: Callable[[str], Iterable[str]] = find_programs,
    ask_version: Callable[[str], str] = ask_version,
    datastores: Mapping[str, type[description.Description]] | None = None,
) -> list[Engine]:
    """Return all engines of this host, for each datastore the oldest version first.

    How an engine is known is told by the descriptions of all installed datastores, a vendor's as much as ours.
    """
    if datastores is None:
        datastores = plugs.load_all(descriptions.GROUP, description.Description)
    found: dict[tuple[str, str], Engine] = {}
    for datastore, described in datastores.items():
        for program in (path for name in described.engine_programs for path in find_programs(name)):
            version = re.search(described.engine_version, ask_version(program))
            if version is not None:
                engine = Engine(datastore, version.group(1), program)
                found.setdefault((engine.datastore, engine.version), engine)
    return sorted(found.values(), key=lambda engine: (engine.datastore, _numbers(engine.version)))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split('.') if part]
