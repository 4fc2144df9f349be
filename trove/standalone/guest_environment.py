"""The Python that guests of a root stack run on: one that their unprivileged user can reach.

Trove may be installed where only root can look, such as a virtual environment below
/root. Guests run as another user then, so what a guest needs is copied to a folder
that everybody may read, and a Python of the same version is found for it. Nothing is
copied when the user can run the installed one. A package of a vendor that has a datastore
is copied, too, with what its extra ``guest`` names, and without what else it requires.
"""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata

from trove.common import plugs
from trove.guestagent import dbaas
from trove.standalone import files
from trove.standalone.errors import StackError

MODULE = 'trove.cmd.guest'
OURS = 'trove'
CHECK_SECONDS = 60

LAUNCHER = """\
#!{python} -IS
# Starts the guest agent from the copies beside this file; made by trove-standalone.
import sys

sys.path.insert(0, {folder!r})
from trove.cmd.guest import main

sys.exit(main())
"""

Runs = Callable[[Sequence[str]], bool]


def prepare(folder: pathlib.Path, user: str, requirements: Iterable[str], runs: Runs | None = None) -> list[str]:
    """Return the command that starts a guest agent as the user, after making what it needs in the folder.

    ``requirements`` are the distributions that the agent needs; ``runs`` tells whether the
    user can run a command. Raises ``StackError`` when no Python will do.
    """
    can_run = runs or _runner(user)
    installed = [sys.executable, '-m', MODULE]
    if can_run([*installed, '--version']):
        return installed
    python = next((found for found in _pythons() if can_run([found, '-c', ''])), None)
    if python is None:
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        raise StackError(
            f'User {user} can run neither {sys.executable} nor another Python {version}; install python{version} '
            f'to /usr/bin, or move the installation to where that user can read it.'
        )
    launcher = _copy(folder, python, requirements)
    if not can_run([str(launcher), '--version']):
        raise StackError(f'User {user} cannot run {launcher}; try it by hand to see why.')
    return [str(launcher)]


def _runner(user: str) -> Runs:
    account = pwd.getpwnam(user)

    def can_run(command: Sequence[str]) -> bool:
        try:
            done = subprocess.run(
                command,
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[],
                cwd='/',
                env={'PATH': os.defpath},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    return can_run


def _pythons() -> list[str]:
    """Return the Pythons of our own version that the host itself has."""
    name = f'python{sys.version_info.major}.{sys.version_info.minor}'
    places = [f'{place}/{name}' for place in ('/usr/bin', '/usr/local/bin', '/opt/bin')]
    return [os.path.realpath(place) for place in places if os.access(place, os.X_OK)]


# -- the copies ------------------------------------------------------------------


def _copy(folder: pathlib.Path, python: str, requirements: Iterable[str]) -> pathlib.Path:
    """Fill the folder anew and return the program that starts the agent."""
    fresh = folder.with_name(f'{folder.name}.new')
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o755, parents=True)
    vendors = find_vendors()
    needed = [*requirements, *(one for name in vendors for one in read_requirements(name))]
    for distribution in [*closure(needed), *map(metadata.distribution, vendors)]:
        _copy_distribution(distribution, fresh)
    _copy_trove(fresh)
    _require_managers(fresh)
    _open_to_all(fresh)
    old = folder.with_name(f'{folder.name}.old')
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    launcher = folder / 'trove-guestagent'
    files.write_public(launcher, LAUNCHER.format(python=python, folder=str(folder)), is_program=True)
    return launcher


def find_vendors() -> list[str]:
    """Return the names of the distributions, beside our own, that have guest managers."""
    return sorted({plug.distribution for plug in plugs.installed(dbaas.GROUP)} - {OURS, ''})


def _require_managers(folder: pathlib.Path) -> None:
    """Raise ``StackError`` when a manager was not copied, because its package lies elsewhere than its metadata say."""
    for plug in plugs.installed(dbaas.GROUP):
        place = folder.joinpath(*plug.target.partition(':')[0].split('.'))
        if not (place.with_suffix('.py').is_file() or place.is_dir()):
            raise StackError(
                f'The guest manager {plug.name} ({plug}) cannot be copied to where guests can read it; '
                'install its package, and not as an editable one.'
            )


def closure(requirements: Iterable[str]) -> list[metadata.Distribution]:
    """Return the installed distributions that the requirements name, and all that these need."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = _name(requirement)
        if not name or name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            if ';' in requirement:
                # It is asked for under a condition, such as another system, that does not hold here.
                continue
            raise StackError(f'The Python package {name} is missing, which guests need; install Trove anew.') from error
        waiting.extend(one for one in found[name].requires or [] if 'extra ==' not in one)
    return [found[name] for name in sorted(found)]


def _name(requirement: str) -> str:
    match = re.match(r'[A-Za-z0-9][A-Za-z0-9._-]*', requirement.strip())
    return re.sub(r'[-_.]+', '-', match.group()).lower() if match else ''


def _copy_distribution(distribution: metadata.Distribution, folder: pathlib.Path) -> None:
    for file in distribution.files or []:
        # Programs and manual pages lie outside; a guest imports and runs no other program.
        if '..' in file.parts or file.suffix == '.pyc' or file.is_absolute():
            continue
        source = pathlib.Path(str(distribution.locate_file(file)))
        target = folder / file
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _copy_trove(folder: pathlib.Path) -> None:
    """Copy our own package from where it is imported, be it installed or a working tree."""
    source = pathlib.Path(__file__).resolve().parent.parent
    shutil.copytree(source, folder / 'trove', ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
    # The version and the plugs, from whatever describes the package here.
    described = metadata.distribution('trove')
    target = folder / f'trove-{described.version}.dist-info'
    target.mkdir()
    (target / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: trove\nVersion: {described.version}\n')
    (target / 'entry_points.txt').write_text(described.read_text('entry_points.txt') or '')


def _open_to_all(folder: pathlib.Path) -> None:
    for path in [folder, *folder.rglob('*')]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def read_requirements(distribution: str = OURS) -> list[str]:
    """Return what guests need: the names of a distribution's extra ``guest``, one requirement each."""
    required = metadata.distribution(distribution).requires or []
    return [one.partition(';')[0].strip() for one in required if 'extra == "guest"' in one.replace("'", '"')]
