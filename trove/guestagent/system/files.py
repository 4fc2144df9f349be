"""Files that are whole or not there, whatever moment the agent is killed at."""

import json
import os
import pwd
import shutil
import stat
from typing import Any

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def write(path: str, text: str, *, owner: str | None = None, mode: int = PRIVATE_FILE) -> None:
    """Replace a file as a whole, readable by its owner alone unless ``mode`` says otherwise."""
    draft = f'{path}.draft'
    remove(draft)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, 'w', encoding='utf-8') as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if owner is not None:
        shutil.chown(draft, owner)
    os.replace(draft, path)
    sync_folder(os.path.dirname(path))


def read(path: str) -> str | None:
    """Return the text of a file, or None when there is none."""
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write_json(path: str, value: Any) -> None:
    """Replace a private JSON file as a whole."""
    write(path, json.dumps(value))


def read_json(path: str) -> Any:
    """Return the value in a JSON file, or None when there is no file."""
    text = read(path)
    return None if text is None else json.loads(text)


def remove(path: str) -> None:
    """Remove a file or a folder with all in it; it may be gone already."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def make_folder(path: str, *, owner: str | int | None = None, mode: int = PRIVATE_FOLDER) -> None:
    """Make a folder, and those above it, unless it is there; its mode and owner are set either way."""
    os.makedirs(path, mode=mode, exist_ok=True)
    if stat.S_IMODE(os.stat(path).st_mode) != mode:
        os.chmod(path, mode)
    if owner is not None:
        shutil.chown(path, owner)


def give(path: str, user: str | None) -> None:
    """Make a user the owner of a file or of a folder with all in it, unless it is; nothing for no user or no path."""
    if user is None or not os.path.lexists(path):
        return
    account = pwd.getpwnam(user)
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) == (account.pw_uid, account.pw_gid):
        return
    for _, folders, names, descriptor in os.fwalk(path, topdown=False):
        for name in (*folders, *names):
            os.chown(name, account.pw_uid, account.pw_gid, dir_fd=descriptor, follow_symlinks=False)
    # Last, so that what was broken off is done again.
    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def sync_folder(path: str) -> None:
    """Make renames in a folder survive a crash of the host."""
    descriptor = os.open(path or '.', os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
