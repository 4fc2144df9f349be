"""Data volumes: a plain folder, or an XFS file system in a file where the host lets us.

The second one has a real size: the engine gets "no space left on device" as it
would on a disk. Which of the two a volume is, it stays for life.
"""

import abc
import dataclasses
import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence

from trove.common import exception
from trove.compute import base
from trove.compute.local import folders, locks, records

LOG = logging.getLogger(__name__)

GIGABYTE = 1024**3
PROBE_FOLDER = '.probe'
PROBE_BYTES = 300 * 1024**2
TOOLS = ('mkfs.xfs', 'mount', 'umount', 'losetup', 'xfs_growfs')
TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

Run = Callable[[Sequence[str]], str]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one volume lies: the folder that the engine writes to, and the file behind it if there is one."""

    folder: str
    image: str

    @classmethod
    def of(cls, instance_folder: str) -> 'Place':
        """Return the place of the volume of an instance."""
        return cls(os.path.join(instance_folder, 'volume'), os.path.join(instance_folder, 'volume.img'))


class Backend(abc.ABC):
    """One kind of volume."""

    name: str
    is_enforced: bool

    @abc.abstractmethod
    def make(self, place: Place, size: int) -> None:
        """Make the volume or what is missing of it, with nothing mounted yet."""

    @abc.abstractmethod
    def attach(self, place: Place) -> None:
        """Make the volume usable at its folder, as after a reboot of the host; it may be so already."""

    @abc.abstractmethod
    def grow(self, place: Place, size: int) -> None:
        """Make it ``size`` GB large, attached or not."""


class FolderBackend(Backend):
    """A folder; the size is a promise that nobody keeps."""

    name = 'folder'
    is_enforced = False

    def make(self, place: Place, size: int) -> None:
        os.makedirs(place.folder, mode=0o700, exist_ok=True)

    def attach(self, place: Place) -> None:
        os.makedirs(place.folder, mode=0o700, exist_ok=True)

    def grow(self, place: Place, size: int) -> None:
        """Nothing: it takes what it needs."""


class LoopBackend(Backend):
    """XFS in a sparse file; it can grow while it is in use."""

    name = 'loop-xfs'
    is_enforced = True

    def __init__(self, run: Run | None = None) -> None:
        self._run = run or run_tool

    def make(self, place: Place, size: int) -> None:
        self._make_image(place.image, size * GIGABYTE)

    def attach(self, place: Place) -> None:
        os.makedirs(place.folder, mode=0o700, exist_ok=True)
        if not is_mounted(place.folder):
            self._run(['mount', '-t', 'xfs', '-o', 'loop,noatime,nosuid,nodev', place.image, place.folder])
        # A file that grew while it was not mounted; otherwise this changes nothing.
        self._run(['xfs_growfs', place.folder])

    def grow(self, place: Place, size: int) -> None:
        if os.stat(place.image).st_size < size * GIGABYTE:
            os.truncate(place.image, size * GIGABYTE)
        if is_mounted(place.folder):
            devices = self._devices(place.image)
            if not devices:
                raise exception.ComputeError(reason=f'no loop device of {place.image} is to be found; is /sys mounted?')
            for device in devices:
                self._run(['losetup', '-c', device])
            self._run(['xfs_growfs', place.folder])

    def probe(self, folder: str) -> str | None:
        """Try all of it once below a folder; return why it does not work, or None."""
        if os.geteuid() != 0:
            return 'the taskmanager does not run as root'
        missing = [tool for tool in TOOLS if shutil.which(tool, path=TOOL_PATH) is None]
        if missing:
            return f'{", ".join(missing)} not found; install util-linux and xfsprogs'
        trial = Place.of(os.path.join(folder, PROBE_FOLDER))
        try:
            self._remove_trial(trial)
            os.makedirs(os.path.dirname(trial.image), mode=0o700)
            self._make_image(trial.image, PROBE_BYTES)
            self.attach(trial)
        except (OSError, exception.ComputeError) as error:
            return str(error)
        finally:
            self._remove_trial(trial)
        return None

    def detach(self, place: Place) -> None:
        """Unmount and give the loop device back, whoever made them; ``ComputeBusy`` while a file is open there."""
        while is_mounted(place.folder):
            self._run(['umount', place.folder])
        for device in self._devices(place.image):
            self._run(['losetup', '-d', device])

    def _remove_trial(self, trial: Place) -> None:
        self.detach(trial)
        folders.remove(os.path.dirname(trial.image))

    def _make_image(self, image: str, size_bytes: int) -> None:
        if os.path.exists(image):
            return
        # It gets its name when it is whole, so that a half-made one is never mounted.
        fresh = f'{image}.new'
        folders.remove(fresh)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as stream:
            stream.truncate(size_bytes)
        self._run(['mkfs.xfs', '-q', fresh])
        os.replace(fresh, image)

    def _devices(self, image: str) -> list[str]:
        listing = self._run(['losetup', '--list', '--noheadings', '--raw', '--output', 'NAME,BACK-FILE'])
        devices = []
        for line in listing.splitlines():
            device, _, backing = line.partition(' ')
            if backing.replace('\\x20', ' ').removesuffix(' (deleted)') == image:
                devices.append(device)
        return devices


class Backends:
    """Chooses the kind of a new volume by the option and by what the host can do, and knows all kinds."""

    def __init__(self, option: str, instances_path: str, loop: LoopBackend | None = None) -> None:
        self._option = option
        self._instances_path = instances_path
        self._loop = loop or LoopBackend()
        self._kinds: dict[str, Backend] = {FolderBackend.name: FolderBackend(), self._loop.name: self._loop}
        self._chosen: Backend | None = None
        self._lock = threading.Lock()

    def choose(self) -> Backend:
        """Return the kind for a new volume; ``ComputeError`` when the one that is demanded does not work."""
        with self._lock:
            if self._chosen is None:
                self._chosen = self._kinds[self._option] if self._option == 'folder' else self._probed()
            return self._chosen

    def of(self, name: str) -> Backend:
        """Return the kind that a volume was made as."""
        return self._kinds[name]

    def describe(self, instance_id: str, record: records.VolumeRecord) -> base.Volume:
        """Return a volume as providers tell of it."""
        is_enforced = self.of(record.backend).is_enforced
        return base.Volume(instance_id, record.size, record.type, is_enforced, instance_id=instance_id)

    def detach(self, place: Place) -> None:
        """Undo what any kind may have left mounted or attached."""
        if os.path.exists(place.image) or is_mounted(place.folder):
            self._loop.detach(place)

    def _probed(self) -> Backend:
        # One at a time, also among processes; each removes what a killed one left.
        with locks.Locks(self._instances_path).held('probe'):
            reason = self._loop.probe(self._instances_path)
        if reason is None:
            return self._loop
        if self._option == self._loop.name:
            raise exception.ComputeError(reason=f'[local] volume_backend loop-xfs does not work here: {reason}')
        LOG.info('Volumes are plain folders whose size is not enforced: %s', reason)
        return self._kinds[FolderBackend.name]


def is_mounted(folder: str, table: str = '/proc/self/mounts') -> bool:
    """Return whether something is mounted exactly here."""
    wanted = folder.replace('\\', '\\134').replace(' ', '\\040').replace('\t', '\\011').replace('\n', '\\012')
    with open(table, encoding='utf-8', errors='surrogateescape') as stream:
        return any(line.split(' ')[1] == wanted for line in stream)


def run_tool(argv: Sequence[str]) -> str:
    """Run a tool of the system and return what it printed; ``ComputeBusy`` when it fails."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env={'PATH': TOOL_PATH, 'LC_ALL': 'C'},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise exception.ComputeBusy(reason=f'{argv[0]} cannot be run: {error}') from error
    if done.returncode:
        raise exception.ComputeBusy(reason=f'{" ".join(argv)}: {done.stderr.strip() or done.returncode}')
    return done.stdout
