"""The user that an instance's processes run as, and what that user can reach."""

import dataclasses
import os
import pwd
import stat
from typing import Any

from trove.common import exception


@dataclasses.dataclass(frozen=True)
class User:
    """A user of this host with its main group."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """Return what makes a child run as this user; nothing when we are that user."""
        if self.uid == os.geteuid():
            return {}
        return {'user': self.uid, 'group': self.gid, 'extra_groups': []}

    def check_reach(self, path: str, advice: str) -> None:
        """Raise ``ComputeError`` unless the user can enter the folders that lead to a path."""
        for real in {os.path.abspath(path), os.path.realpath(path)}:
            for folder in _parents(real):
                if os.path.exists(folder) and not self._may_enter(folder):
                    raise exception.ComputeError(
                        reason=f'user {self.name} cannot enter {folder} and so not reach {real}; {advice}'
                    )

    def _may_enter(self, folder: str) -> bool:
        found = os.stat(folder)
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def find(service_user: str, caller: int | None = None) -> User:
    """Return the service user when the caller is root, otherwise the caller.

    Engines refuse to run as root, and so do we: ``ComputeError``.
    """
    uid = os.geteuid() if caller is None else caller
    if uid != 0:
        return User(str(uid), uid, os.getegid())
    try:
        entry = pwd.getpwnam(service_user)
    except KeyError as error:
        raise exception.ComputeError(
            reason=f'there is no user {service_user}; make it with "useradd --system {service_user}" or name another '
            f'one in [local] service_user'
        ) from error
    if entry.pw_uid == 0:
        raise exception.ComputeError(reason='[local] service_user is root, and engines refuse to run as root')
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _parents(path: str) -> list[str]:
    folders = []
    folder = os.path.dirname(path)
    while folder != os.path.dirname(folder):
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders
