"""Folders and files of instances: made with their owner and mode, and deleted whole.

The service user owns what is inside some of these folders and is not to be
trusted: nothing here follows a link that it may have put there.
"""

import contextlib
import json
import os
import re
import shutil
import stat
import threading
from typing import Any

from trove.common import exception

_INSTANCE_ID = re.compile(r'[A-Za-z0-9][A-Za-z0-9_-]{0,63}')


def is_instance_id(name: str) -> bool:
    """Return whether a name can be that of an instance, and of nothing else in the file system."""
    return _INSTANCE_ID.fullmatch(name) is not None


def make_public(path: str) -> None:
    """Make a folder with all above it that others may enter, whatever our umask; one that is there stays as it is."""
    if os.path.isdir(path):
        return
    make_public(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)


def make(path: str, uid: int, gid: int, mode: int) -> None:
    """Make a folder or correct the owner and mode of the one that is there."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(folder)
        if (found.st_uid, found.st_gid) != (uid, gid):
            refuse_stranger(path, found.st_uid, uid)
            os.fchown(folder, uid, gid)
        if stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(folder, mode)
    finally:
        os.close(folder)


def write(path: str, content: str, uid: int, gid: int, mode: int = 0o600) -> None:
    """Write a file so that it appears whole, with its owner and mode, or not at all."""
    fresh = f'{path}.{os.getpid()}-{threading.get_ident()}.new'
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(handle, 'w', encoding='utf-8') as stream:
        stream.write(content)
        stream.flush()
        if uid != os.geteuid():
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
    os.replace(fresh, path)


def write_json(path: str, values: dict[str, Any]) -> None:
    """Write a file of our own as JSON."""
    write(path, json.dumps(values, indent=1, sort_keys=True) + '\n', os.geteuid(), os.getegid())


def read_json(path: str) -> dict[str, Any] | None:
    """Return what ``write_json`` wrote, or None when there is no such file."""
    try:
        with open(path, encoding='utf-8') as stream:
            values: dict[str, Any] = json.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return values


def remove(path: str) -> None:
    """Delete a file or a folder with all that is in it; it may be gone already."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        # A twin of this call was faster at some entry; what is left goes with the next call.
        return
    except OSError as error:
        raise exception.ComputeBusy(reason=f'{path} cannot be deleted: {error.strerror}') from error


def remove_if_empty(path: str) -> None:
    """Delete a folder unless something is left in it."""
    with contextlib.suppress(OSError):
        os.rmdir(path)


def refuse_stranger(path: str, owner: int, wanted: int) -> None:
    """Raise ``ComputeError`` unless a folder is ours: others can guess names in public places and make them first."""
    if owner not in (os.geteuid(), wanted):
        raise exception.ComputeError(reason=f'{path} belongs to user number {owner}; delete it')
