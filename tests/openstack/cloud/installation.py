"""Installs what the cloud needs: distribution packages, and a virtual environment with OpenStack."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from tests.openstack.cloud import layout as layouts

NEEDED_MEMORY_MB = 4096
NEEDED_DISK_MB = 3072
TAIL_LINES = 25
UNREACHABLE = (
    'failed to fetch|error sending request|dns error|connection refused|connection reset|timed out|network timeout|'
    'response body|unexpected eof'
)
"""What uv says when it is the network that fails."""

Say = Callable[[str], None]


class CannotCarryError(Exception):
    """This machine cannot carry the cloud; nothing is wrong with the cloud itself."""


class CommandError(Exception):
    """A command failed; the text holds the end of what it said."""


def check_machine(layout: layouts.Layout) -> None:
    """Raise ``CannotCarryError`` when the machine is of another kind or too small."""
    if shutil.which('apt-get') is None:
        raise CannotCarryError('it is no Debian or Ubuntu: there is no apt-get')
    if sys.version_info[:2] != (3, 11):
        raise CannotCarryError(f'its Python is {sys.version_info.major}.{sys.version_info.minor}, not 3.11')
    free = _free_memory_mb()
    if free < NEEDED_MEMORY_MB:
        raise CannotCarryError(f'{free} MB of memory are free, and {NEEDED_MEMORY_MB} are needed')
    place = next(folder for folder in (layout.folder, *layout.folder.parents) if folder.exists())
    disk = shutil.disk_usage(place).free // 2**20
    if disk < NEEDED_DISK_MB:
        raise CannotCarryError(f'{disk} MB are free in {place}, and {NEEDED_DISK_MB} are needed')


def _free_memory_mb() -> int:
    for line in pathlib.Path('/proc/meminfo').read_text(encoding='ascii').splitlines():
        if line.startswith('MemAvailable:'):
            return int(line.split()[1]) // 1024
    return 0


def install(layout: layouts.Layout, say: Say) -> None:
    """Install what is missing; a second run takes a moment."""
    layout.log.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        run([str(layouts.ROOT / 'tools' / 'install'), '--cloud'], layout.log / 'packages.log')
    except CommandError as error:
        raise CannotCarryError(f'packages of the distribution cannot be installed: {error}') from error
    if not (layout.venv / '.complete').exists() and not _is_older_one(layout):
        say('Installing OpenStack; the first time takes a minute or two.')
        _make_environment(layout)


def _is_older_one(layout: layouts.Layout) -> bool:
    """Whether somebody else has made the environment, with all that is needed in it."""
    programs = ('nova-compute', 'cinder-volume', 'neutron-db-manage', 'swift-proxy-server', 'uwsgi')
    return 'CLOUD_VENV' in os.environ and all(os.access(layout.program(name), os.X_OK) for name in programs)


def _make_environment(layout: layouts.Layout) -> None:
    """Make the virtual environment from the locked versions; uv takes a sixth of the time that pip takes."""
    log = layout.log / 'install.log'
    tool = layout.folder / 'uv'
    try:
        run([sys.executable, '-m', 'venv', '--clear', str(tool)], log)
        run([str(tool / 'bin' / 'pip'), 'install', '-q', 'uv'], log)
    except CommandError as error:
        raise CannotCarryError(f'no registry of Python packages can be reached: {error}') from error
    uv = str(tool / 'bin' / 'uv')
    environment = {name: value for name, value in os.environ.items() if name != 'PIP_FIND_LINKS'}
    environment.setdefault('UV_CACHE_DIR', str(layout.folder / 'uv-cache'))
    environment.setdefault('UV_HTTP_TIMEOUT', '180')
    lock = str(layouts.HERE / 'requirements.lock')
    run([uv, 'venv', '-q', '--clear', '--python', sys.executable, str(layout.venv)], log, environment)
    command = [uv, 'pip', 'install', '--system-certs', '--python', layout.program('python'), '-r', lock]
    try:
        run(command, log, environment)
    except CommandError as error:
        if re.search(UNREACHABLE, str(error), re.IGNORECASE):
            raise CannotCarryError(f'no registry of Python packages can be reached: {error}') from error
        raise
    (layout.venv / '.complete').touch()


def run(
    command: Sequence[str],
    log: pathlib.Path,
    environment: dict[str, str] | None = None,
    good_codes: Sequence[int] = (0,),
) -> None:
    """Run a command, appending what it says to a log; ``CommandError`` with the end of that when it fails."""
    with open(log, 'ab') as out:
        begin = out.tell()
        done = subprocess.run(
            command, env=environment, cwd='/', stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        )
    if done.returncode not in good_codes:
        with open(log, 'rb') as stream:
            stream.seek(begin)
            said = stream.read().decode(errors='replace').splitlines()[-TAIL_LINES:]
        lines = '\n'.join(f'    {line}' for line in said)
        raise CommandError(f'{" ".join(command[:4])} ended with code {done.returncode}; the end of {log}:\n{lines}')
