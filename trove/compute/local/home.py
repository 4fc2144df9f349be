"""The folder of an instance: what lies in it and to whom it belongs."""

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping

from trove.common import exception
from trove.compute.local import folders, machine, records, users, volumes

# A unix socket's path has at most 107 characters; the engine's file names need some of them.
LONGEST_RUN_PATH = 70
LOCAL_FILE = 'local.conf'


@dataclasses.dataclass(frozen=True)
class Home:
    """Paths of one instance.

    The folder itself and ``etc`` belong to us, so that nobody can put a link
    there; everything that agent and engine write to belongs to the service user.
    """

    instances_path: str
    instance_id: str

    def __post_init__(self) -> None:
        if not folders.is_instance_id(self.instance_id):
            raise exception.ComputeError(reason=f"'{self.instance_id}' is no instance id")

    @property
    def folder(self) -> str:
        """The instance's folder."""
        return os.path.join(self.instances_path, self.instance_id)

    @property
    def etc(self) -> str:
        """The guest's configuration files."""
        return os.path.join(self.folder, 'etc')

    @property
    def volume(self) -> volumes.Place:
        """The data volume; without one, its folder is a part of the server."""
        return volumes.Place.of(self.folder)

    @property
    def run(self) -> str:
        """Folder for unix sockets; elsewhere when the path of the one beside the others is too long."""
        beside = os.path.join(self.folder, 'run')
        if len(beside) <= LONGEST_RUN_PATH:
            return beside
        digest = hashlib.sha256(self.folder.encode()).hexdigest()[:16]
        # Nobody cleans /run while the host is up, but only root can make folders there.
        return os.path.join('/run' if os.geteuid() == 0 else '/tmp', f'trove-{digest}')

    def path(self, name: str) -> str:
        """Return the path of something in the instance's folder."""
        return os.path.join(self.folder, name)

    def make_folder(self) -> None:
        """Make the instance's folder itself."""
        folders.make_public(self.instances_path)
        folders.make(self.folder, os.geteuid(), os.getegid(), 0o711)

    def make(self, user: users.User) -> None:
        """Make what is missing of the folders, as also after a reboot that emptied /run or /tmp."""
        self.make_folder()
        folders.make(self.etc, os.geteuid(), os.getegid(), 0o711)
        for path in (*map(self.path, ('state', 'log', 'tmp', 'machine')), self.run, self.volume.folder):
            folders.make(path, user.uid, user.gid, 0o700)
        folders.write(self.path(machine.SCRIPT_NAME), machine.SCRIPT, os.geteuid(), os.getegid(), 0o644)

    def write_guest_files(self, files: Mapping[str, str], user: users.User) -> None:
        """Write configuration files of the guest, readable for the service user only."""
        for name, content in files.items():
            if os.path.basename(name) != name or not name.endswith('.conf'):
                raise exception.ComputeError(reason=f"guest file '{name}' is not named like 'name.conf'")
            folders.write(os.path.join(self.etc, name), content, user.uid, user.gid)

    def remove_guest_files(self, but: Iterable[str]) -> None:
        """Delete the guest's configuration files with other names than these."""
        for name in set(os.listdir(self.etc)) - {*but, LOCAL_FILE}:
            folders.remove(os.path.join(self.etc, name))

    def guest_arguments(self) -> list[str]:
        """Return the command line arguments that name the configuration files; later ones win."""
        names = sorted(
            (name for name in os.listdir(self.etc) if name.endswith('.conf')),
            key=lambda name: (name == LOCAL_FILE, name),
        )
        return [word for name in names for word in ('--config-file', os.path.join(self.etc, name))]

    def settings(self, address: str) -> dict[str, str]:
        """Return the options of the guest that follow from these folders."""
        return {
            'bind_address': address,
            'mount_point': self.volume.folder,
            'state_path': self.path('state'),
            'run_path': self.run,
            'log_path': self.path('log'),
            'service_manager': 'process',
        }

    def remove_traces(self) -> None:
        """Delete what processes left that is worth nothing without them."""
        for path in (self.run, *map(self.path, ('tmp', 'machine'))):
            folders.remove(path)

    def remove_server(self, has_volume: bool) -> None:
        """Delete all but the volume; the record goes last, because with it goes the server."""
        folders.remove(self.run)
        for name in self._entries():
            is_kept = name == records.FILE_NAME or (has_volume and name.startswith('volume'))
            if not is_kept:
                folders.remove(self.path(name))
        folders.remove(self.path(records.FILE_NAME))
        folders.remove_if_empty(self.folder)

    def remove_volume(self) -> None:
        """Delete the volume, which must not be mounted any more; its record goes last."""
        names = [name for name in self._entries() if name.startswith('volume')]
        for name in sorted(names, key=lambda name: name == records.VOLUME_FILE_NAME):
            folders.remove(self.path(name))
        folders.remove_if_empty(self.folder)

    def _entries(self) -> list[str]:
        try:
            return sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []


def list_ids(instances_path: str) -> list[str]:
    """Return the ids of all instances that have a folder."""
    try:
        return sorted(filter(folders.is_instance_id, os.listdir(instances_path)))
    except FileNotFoundError:
        return []


def settings_text(settings: Mapping[str, str]) -> str:
    """Return options as the text of a configuration file."""
    lines = ['[DEFAULT]', *(f'{name} = {_quoted(value)}' for name, value in settings.items())]
    return '\n'.join(lines) + '\n'


def _quoted(value: str) -> str:
    # The reader of such files replaces $name by another option.
    return value.replace('$', '$$')
