"""One call at a time for each instance, also among processes; a killed caller holds nothing."""

import contextlib
import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from trove.common import exception, fence
from trove.compute.local import folders, processes

FOLDER = '.locks'
WAIT_SECONDS = 10.0

Method = TypeVar('Method', bound=Callable[..., Any])


class Locks:
    """Locks by instance id. They are files, which are there only while they are held."""

    def __init__(self, instances_path: str, wait_seconds: float = WAIT_SECONDS) -> None:
        self._folder = os.path.join(instances_path, FOLDER)
        self._wait_seconds = wait_seconds

    @contextlib.contextmanager
    def held(self, instance_id: str) -> Iterator[None]:
        """Hold the lock of an instance; ``ComputeBusy`` when another one does not let it go in time."""
        if not folders.is_instance_id(instance_id):
            raise exception.ComputeError(reason=f"'{instance_id}' is no instance id")
        folders.make_public(self._folder)
        path = os.path.join(self._folder, instance_id)
        handles: list[int] = []
        # Asking again and again instead of waiting in the kernel: callers may be green threads.
        if not processes.wait_until(lambda: _try(path, handles), self._wait_seconds):
            raise exception.ComputeBusy(reason=f'another call works on instance {instance_id}')
        try:
            yield
        finally:
            os.unlink(path)
            os.close(handles[0])


def exclusive(method: Method) -> Method:
    """Make a method of a provider that is given an instance id or a request hold the instance's lock in ``locks``.

    Whether its caller may still act is asked under the lock: while a worker stands still behind
    that question, nobody else can do what would make it wrong.
    """

    @functools.wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        subject = args[0] if args else kwargs.get('instance_id') or kwargs['request']
        instance_id = subject if isinstance(subject, str) else subject.instance_id
        with self.locks.held(instance_id):
            fence.check()
            return method(self, *args, **kwargs)

    return cast(Method, locked)


def _try(path: str, handles: list[int]) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = os.fstat(handle).st_ino == os.stat(path).st_ino
    except (BlockingIOError, FileNotFoundError):
        is_ours = False
    if is_ours:
        handles.append(handle)
    else:
        # Held by another one, or deleted by its last holder between our two calls.
        os.close(handle)
    return is_ours
