"""The state folder: everything that one stack keeps, and where it lies in there."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from trove.standalone import files
from trove.standalone.errors import StackError

VARIABLE = 'TROVE_STATE_DIR'
DEFAULT = '~/.trove'
SHARED_ROOT = pathlib.Path('/var/lib/trove-standalone')
DEFAULT_PORT = 8779
UNUSABLE = '$,:\n'
"""What has a meaning of its own in configuration files, on their command lines or in search paths."""


def choose_folder(argument: str | None, environment: Mapping[str, str]) -> pathlib.Path:
    """Return the state folder: the argument, else the environment's, else the one below the home folder."""
    chosen = argument or environment.get(VARIABLE) or DEFAULT
    return pathlib.Path(os.path.abspath(os.path.expanduser(chosen)))


@contextlib.contextmanager
def shared_lock() -> Iterator[None]:
    """Wait until no other stack changes what all stacks of root share."""
    SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder = os.open(SHARED_ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


class State:
    """Paths and remembered settings of one stack.

    The folder is for its owner alone, because it holds secrets. Instances of a stack
    that runs as root belong to another user, who can not look into it; they live in a
    folder below /var/lib that is named after the state folder.
    """

    def __init__(self, folder: pathlib.Path, is_root: bool | None = None) -> None:
        self.folder = folder
        self.is_root = os.geteuid() == 0 if is_root is None else is_root

    # -- where things lie ----------------------------------------------------------

    @property
    def configuration(self) -> pathlib.Path:
        return self.folder / 'etc'

    @property
    def main_file(self) -> pathlib.Path:
        """The daemons' configuration file."""
        return self.configuration / 'trove.conf'

    @property
    def broker(self) -> pathlib.Path:
        return self.folder / 'broker'

    @property
    def run(self) -> pathlib.Path:
        return self.folder / 'run'

    @property
    def log(self) -> pathlib.Path:
        return self.folder / 'log'

    @property
    def database(self) -> pathlib.Path:
        return self.folder / 'trove.sqlite'

    @property
    def clouds(self) -> pathlib.Path:
        return self.folder / 'clouds.yaml'

    @property
    def shared(self) -> pathlib.Path:
        """What the guests must be able to reach."""
        if not self.is_root:
            return self.folder
        return SHARED_ROOT / hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    @property
    def instances(self) -> pathlib.Path:
        return self.shared / 'instances'

    @property
    def guest_environment(self) -> pathlib.Path:
        return self.shared / 'guest'

    # -- what is remembered ----------------------------------------------------------

    @property
    def _settings(self) -> pathlib.Path:
        return self.folder / 'stack.json'

    def exists(self) -> bool:
        """Whether a stack was ever made here."""
        return self._settings.exists()

    def settings(self) -> dict[str, Any]:
        """Return what ``remember`` was told so far."""
        if not self.exists():
            return {}
        remembered: dict[str, Any] = json.loads(self._settings.read_text())
        return remembered

    def remember(self, **values: Any) -> None:
        """Keep settings for the next time, such as the port."""
        self.make()
        files.write_private(self._settings, json.dumps({**self.settings(), **values}, indent=2, sort_keys=True))

    @property
    def port(self) -> int:
        """Port of the API."""
        return int(self.settings().get('port', DEFAULT_PORT))

    # -- the folder itself -----------------------------------------------------------

    def make(self) -> None:
        """Make the folder; ``StackError`` when it is somebody else's or holds something else."""
        if set(str(self.folder)) & set(UNUSABLE):
            raise StackError(
                f'The name of the state folder {str(self.folder)!r} holds a character that cannot be used.'
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(f'The state folder {self.folder} cannot be made: {error.strerror}.') from error
        if self.folder.stat().st_uid != os.geteuid():
            raise StackError(
                f'The state folder {self.folder} belongs to another user; name another one with --state-dir.'
            )
        if not self.exists() and self._has_strange_files():
            raise StackError(
                f'The folder {self.folder} holds files that are not of a stack; name another one with --state-dir.'
            )
        self.folder.chmod(0o700)
        self.shared.mkdir(mode=0o755, parents=True, exist_ok=True)

    def _has_strange_files(self) -> bool:
        return any(not entry.name.startswith('.') for entry in self.folder.iterdir())

    def remove(self) -> None:
        """Remove the folder and what the guests had; only ever a stack's."""
        if not self.exists():
            return
        if self.is_root:
            shutil.rmtree(self.shared, ignore_errors=True)
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one command at a time change the stack; ``StackError`` when another one does."""
        self.make()
        with open(self.folder / '.lock', 'w') as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f'Another trove-standalone command is at work on {self.folder}.') from None
            yield
