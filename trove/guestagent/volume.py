"""The volume of an instance: how full it is, and in a virtual machine how it is mounted and grows."""

import dataclasses
import os
import re
import shlex
import stat
import time
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import exception
from trove.guestagent.system import files, shell

LOG = logging.getLogger(__name__)

GIGABYTE = 1024**3
MOUNT_TABLE = '/proc/self/mountinfo'
FILE_SYSTEMS = ('ext4', 'xfs')
BLKID_FOUND = 0
BLKID_NOTHING = 2
LARGER_SECONDS = 30.0

Pause = Callable[[float], object]


def get_filesystem_stats(path: str) -> dict[str, float]:
    """Return size and use of the file system that holds ``path``.

    ``total`` and ``used`` are in GB, ``free`` in bytes; the blocks are those of
    the file system. Raises ``GuestError`` when the path cannot be looked at.
    """
    try:
        stats = os.statvfs(path)
    except OSError as error:
        raise exception.GuestError(reason=f'the volume cannot be looked at: {error.strerror}') from error
    return {
        'block_size': stats.f_frsize,
        'total_blocks': stats.f_blocks,
        'free_blocks': stats.f_bfree,
        'avail_blocks': stats.f_bavail,
        'total': round(stats.f_blocks * stats.f_frsize / GIGABYTE, 3),
        'used': round((stats.f_blocks - stats.f_bfree) * stats.f_frsize / GIGABYTE, 3),
        'free': stats.f_bavail * stats.f_frsize,
    }


@dataclasses.dataclass(frozen=True)
class Mount:
    """What is mounted at a place: the number of its device and the type of its file system."""

    device_number: int
    fstype: str


class Volume:
    """A block device with one file system on it; without a device there is nothing to mount or to grow.

    A file system is made only on a device on which there is nothing at all.
    """

    def __init__(self, conf: cfg.ConfigOpts, mount_point: str, pause: Pause = time.sleep) -> None:
        """``pause(seconds)`` waits, and returns something true when there is nothing to wait for any more."""
        self._conf = conf
        self._device: str | None = conf.device_path or None
        self._mount_point = mount_point
        self._pause = pause

    def mount(self) -> None:
        """Make the volume usable at its mount point, where it may be already; ``GuestError`` says what is wrong."""
        if self._device is None:
            return
        self._await_device(self._device)
        mounted = find_mount(self._mount_point)
        if mounted is None:
            self._mount(self._device, find_file_system(self._device) or self._format(self._device))
        elif mounted.device_number != os.stat(self._device).st_rdev:
            raise exception.GuestError(reason=f'{self._mount_point} has something else mounted than {self._device}')

    def grow(self) -> None:
        """Grow the file system to the size of its device, while it is in use."""
        if self._device is None:
            return
        mounted = find_mount(self._mount_point)
        if mounted is None:
            raise exception.GuestError(reason=f'the volume is not mounted at {self._mount_point}')
        before = os.statvfs(self._mount_point).f_blocks
        self._grow(self._device, mounted.fstype)
        # A hypervisor may tell us of the new size a while after it was asked for.
        if os.statvfs(self._mount_point).f_blocks == before and self._becomes_larger(self._device):
            self._grow(self._device, mounted.fstype)

    def _await_device(self, device: str) -> None:
        deadline = time.monotonic() + self._conf.device_timeout_seconds
        if not _size_of(device):
            LOG.info('Device %s of the volume is not there yet', device)
        while not _size_of(device):
            if time.monotonic() > deadline:
                seconds = self._conf.device_timeout_seconds
                reason = f'device {device} of the volume did not appear within {seconds:.0f} seconds'
                raise exception.GuestError(reason=reason)
            if self._pause(0.5):
                raise exception.GuestError(reason=f'the wait for device {device} was broken off')

    def _format(self, device: str) -> str:
        fstype: str = self._conf.volume_fstype
        LOG.info('Nothing is on device %s; a file system of type %s is made', device, fstype)
        _run([f'mkfs.{fstype}', '-q', *shlex.split(self._conf.format_options), device])
        return fstype

    def _mount(self, device: str, fstype: str) -> None:
        files.make_folder(self._mount_point, mode=0o755)
        if os.listdir(self._mount_point):
            LOG.warning('What lies in %s is hidden by the volume', self._mount_point)
        _run(['mount', '-t', fstype, '-o', self._conf.mount_options, device, self._mount_point])
        LOG.info('Device %s was mounted at %s', device, self._mount_point)

    def _grow(self, device: str, fstype: str) -> None:
        _rescan(device)
        program = ['xfs_growfs', self._mount_point] if fstype == 'xfs' else ['resize2fs', device]
        _run(program)
        LOG.info('The file system of %s was grown to its device', device)

    def _becomes_larger(self, device: str) -> bool:
        size, deadline = _size_of(device), time.monotonic() + LARGER_SECONDS
        while time.monotonic() < deadline and not self._pause(0.5):
            _rescan(device)
            if _size_of(device) > size:
                return True
        LOG.warning('Device %s did not become larger', device)
        return False


def find_mount(folder: str, table: str = MOUNT_TABLE) -> Mount | None:
    """Return what is mounted exactly here, the last one if several are."""
    found = None
    with open(table, encoding='utf-8', errors='surrogateescape') as stream:
        for line in stream:
            fields, _, source = line.partition(' - ')
            number, _root, place = fields.split(' ')[2:5]
            if re.sub(r'\\([0-7]{3})', lambda match: chr(int(match[1], 8)), place) == os.path.realpath(folder):
                major, minor = number.split(':')
                found = Mount(os.makedev(int(major), int(minor)), source.split(' ')[0])
    return found


def find_file_system(device: str) -> str | None:
    """Return the type of the file system on a device, None when there is nothing; ``GuestError`` for all else."""
    code, output = shell.attempt(['blkid', '-p', '-o', 'export', device])
    found = dict(line.split('=', 1) for line in output.splitlines() if '=' in line)
    if code == BLKID_FOUND and found.get('TYPE') in FILE_SYSTEMS:
        return found['TYPE']
    # blkid finds nothing on a device that it cannot read, either.
    if code == BLKID_NOTHING and _is_readable(device):
        return None
    what = found.get('TYPE') or found.get('PTTYPE') or f'something that blkid does not know (code {code})'
    raise exception.GuestError(reason=f'device {device} holds {what} and is not touched; attach an empty volume')


def _is_readable(device: str) -> bool:
    try:
        with open(device, 'rb', buffering=0) as stream:
            start = stream.read(4096)
            stream.seek(-4096, os.SEEK_END)
            return len(start) == len(stream.read(4096)) == 4096
    except OSError as error:
        LOG.error('Device %s cannot be read: %s', device, error.strerror)
        return False


def _size_of(device: str) -> int:
    """Return how many bytes a block device has; 0 when it is not there, or has no medium yet."""
    try:
        if not stat.S_ISBLK(os.stat(device).st_mode):
            raise exception.GuestError(reason=f'device_path {device} is no block device')
        with open(device, 'rb', buffering=0) as stream:
            return stream.seek(0, os.SEEK_END)
    except OSError:
        return 0


def _rescan(device: str) -> None:
    """Have a SCSI disk ask for its size; others are told of it by the hypervisor."""
    path = f'/sys/class/block/{os.path.basename(os.path.realpath(device))}/device/rescan'
    if os.path.exists(path):
        with open(path, 'w', encoding='ascii') as stream:
            stream.write('1')


def _run(argv: list[str]) -> None:
    """Run a tool of the system; unlike an engine it knows no secrets, so what it said is told."""
    code, output = shell.attempt(argv)
    if code:
        said = '; '.join(output.split('\n')[-5:]).strip('; ') or 'it said nothing'
        raise exception.GuestError(reason=f'{argv[0]} ended with code {code}: {said}')
