"""The double of a guest image and of its cloud-init: what a server of this cloud runs.

In a real guest, cloud-init reads the config drive at the first boot and writes the guest
agent's configuration; the image holds the agent and the engines, and systemd keeps the agent
running. Here this program does all of that for a server that is a process: it reads
the config drive of its server, writes the files below the server's ``root``, and runs the
real ``trove-guestagent`` with them, as an ordinary user, since engines refuse to be run by root.
What follows from where the guest lives stands in one more file, ``image.conf``: an image would
have it, too.

    guest.py USER COMMAND...     COMMAND is the agent's, without its configuration files
"""

import base64
import configparser
import contextlib
import ctypes
import dataclasses
import email
import gzip
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import yaml

FOLDER = 'etc/trove/conf.d'
FILES = ('trove-guestagent.conf', 'guest_info.conf', 'trove-guestagent.key.conf')
"""The agent's configuration, in the order in which it is read: what comes later wins."""
BOOTED = '.booted'
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
SUBREAPER = 36
LONGEST_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
AGENT_SECONDS = 4.0
ENGINE_SECONDS = 2.0


class Ending(BaseException):
    """The server is being stopped."""


@dataclasses.dataclass(frozen=True)
class Server:
    """The server that this program runs in, as Nova's driver tells by the environment."""

    folder: pathlib.Path
    root: pathlib.Path
    devices: pathlib.Path
    config_drive: pathlib.Path
    address: str
    uuid: str

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> 'Server':
        """Return the server."""
        return cls(
            folder=pathlib.Path(environment['NOVA_PROC_DIR']),
            root=pathlib.Path(environment['NOVA_PROC_ROOT']),
            devices=pathlib.Path(environment['NOVA_PROC_DEV']),
            config_drive=pathlib.Path(environment['NOVA_PROC_CONFIG_DRIVE']),
            address=environment['NOVA_PROC_IP'],
            uuid=environment['NOVA_PROC_UUID'],
        )

    @property
    def volume(self) -> pathlib.Path:
        """The data volume; without one, a folder of the server."""
        device = self.devices / 'vdb'
        return device.resolve() if device.is_symlink() else self.folder / 'volume'

    def settings(self) -> dict[str, str]:
        """Return the options of the agent that follow from where it runs."""
        return {
            'bind_address': self.address,
            'mount_point': str(self.volume),
            # On the volume, so that it is there after a rebuild.
            'state_path': str(self.volume / '.trove'),
            'run_path': str(self.folder / 'run'),
            'log_path': str(self.folder / 'log'),
            'service_manager': 'process',
        }


# -- cloud-init ----------------------------------------------------------------------


def wanted_files(user_data: bytes) -> Iterator[dict[str, Any]]:
    """Return what stands under ``write_files`` in user data, be it a cloud-config or a MIME message with some."""
    for text in _cloud_configs(user_data.decode()):
        yield from (yaml.safe_load(text) or {}).get('write_files', [])


def _cloud_configs(text: str) -> Iterator[str]:
    if text.startswith('#cloud-config\n'):
        yield text
        return
    for part in email.message_from_string(text).walk():
        if part.get_content_type() == 'text/cloud-config':
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield content.decode()


def content_of(entry: Mapping[str, Any]) -> bytes:
    """Return the content of a file; cloud-init knows these encodings and some more names for them."""
    content = entry.get('content', '')
    raw = content if isinstance(content, bytes) else str(content).encode()
    encoding = str(entry.get('encoding', 'text/plain')).lower()
    if encoding in ('gz', 'gzip'):
        return gzip.decompress(raw)
    if encoding in ('b64', 'base64'):
        return base64.b64decode(raw)
    if encoding in ('gz+b64', 'gzip+b64', 'gz+base64', 'gzip+base64'):
        return gzip.decompress(base64.b64decode(raw))
    return raw


def first_boot(server: Server) -> None:
    """Write the files that the config drive asks for; once in a server's life, as cloud-init does."""
    mark = server.folder / BOOTED
    if mark.exists():
        return
    user_data = server.config_drive / 'openstack' / 'latest' / 'user_data'
    for entry in wanted_files(user_data.read_bytes()) if user_data.exists() else ():
        target = pathlib.Path(os.path.normpath(server.root / str(entry['path']).lstrip('/')))
        if not target.is_relative_to(server.root):
            raise ValueError(f'{entry["path"]} leads out of the server')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content_of(entry))
        target.chmod(int(str(entry.get('permissions', '0644')), 8))
    mark.touch()


# -- the image -----------------------------------------------------------------------


def lay_out(server: Server, user: pwd.struct_passwd) -> None:
    """Give the user the folders that agent and engine write to, and the configuration."""
    for folder in (server.volume, server.folder / 'run', server.folder / 'log', server.folder / 'tmp'):
        folder.mkdir(exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)
    server.folder.chmod(0o711)
    place = server.root / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    lines = ['[DEFAULT]', *(f'{name} = {value.replace("$", "$$")}' for name, value in server.settings().items())]
    (place / 'image.conf').write_text('\n'.join(lines) + '\n')
    for path in (server.root, *server.root.rglob('*')):
        os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o700 if path.is_dir() else 0o600)


def agent_command(server: Server, command: Sequence[str]) -> list[str]:
    """Return the agent's command with its configuration files."""
    names = [name for name in FILES if (server.root / FOLDER / name).exists()]
    paths = [str(server.root / FOLDER / name) for name in (*names, 'image.conf')]
    return [*command, *(word for path in paths for word in ('--config-file', path))]


def environment_of(server: Server, user: pwd.struct_passwd) -> dict[str, str]:
    """Return the environment of agent and engine; by the ids in it they are known as this server's and instance's."""
    return {
        'PATH': PATH,
        'LANG': 'C.UTF-8',
        'HOME': str(server.folder / 'tmp'),
        'TMPDIR': str(server.folder / 'tmp'),
        'USER': user.pw_name,
        'LOGNAME': user.pw_name,
        'NOVA_PROC_UUID': server.uuid,
        'TROVE_INSTANCE_ID': instance_id(server),
    }


def instance_id(server: Server) -> str:
    """Return the instance that the server was made for."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(server.root / FOLDER / 'guest_info.conf')
    return parser.defaults().get('guest_id', '')


# -- systemd -------------------------------------------------------------------------


class Init:
    """Keeps one program running until SIGTERM, and reaps what others leave behind."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self._command = command
        self._options = options
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run the program, and again when it ends; later and later while it ends early."""
        pause_seconds = 1.0
        try:
            while True:
                began = time.monotonic()
                self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, **self._options)
                code = self._await_end()
                if time.monotonic() - began > STABLE_SECONDS:
                    pause_seconds = 1.0
                print(
                    f'The guest agent ended with code {code} and is started again in {pause_seconds:g} s.', flush=True
                )
                time.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        except Ending:
            self._end()

    def _await_end(self) -> int:
        assert self._child is not None
        while True:
            # Of all children: an engine whose agent was killed is ours, and must not stay a zombie.
            pid, status = os.wait()
            if pid == self._child.pid:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                return self._child.returncode

    def _end(self) -> None:
        """End the agent, and then the engine that it leaves to us, as a shutdown does."""
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(AGENT_SECONDS)
        # PostgreSQL waits for its clients to leave unless it is interrupted.
        for number in (signal.SIGTERM, signal.SIGINT):
            for pid in children():
                os.kill(pid, number)
            if _reap_all(ENGINE_SECONDS):
                return


def children() -> list[int]:
    """Return our children, and those whom their own parents left to us."""
    own = os.getpid()
    return [int(pid) for pid in pathlib.Path(f'/proc/{own}/task/{own}/children').read_text().split()]


def _reap_all(seconds: float) -> bool:
    """Wait for all children; return whether none is left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not pid:
            time.sleep(0.05)
    return False


def take_orphans() -> None:
    """Become the parent of what loses its own, as init is."""
    if ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), 'prctl')


def end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Handle SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Ending


def main() -> int:
    """Boot the server and run until it is stopped."""
    user, command = pwd.getpwnam(sys.argv[1]), sys.argv[2:]
    if shutil.which(command[0]) is None:
        print(f'{command[0]} cannot be run', file=sys.stderr)
        return 1
    server = Server.find(os.environ)
    signal.signal(signal.SIGTERM, end)
    take_orphans()
    os.umask(0o077)
    first_boot(server)
    lay_out(server, user)
    who: dict[str, Any] = {}
    if os.geteuid() != user.pw_uid:
        who = {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
    Init(agent_command(server, command), cwd='/', env=environment_of(server, user), **who).run()
    return 0


if __name__ == '__main__':
    sys.exit(main())
