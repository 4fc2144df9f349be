"""What suites do with the processes of this host: children that are killed, and what an ordinary user may do."""

import contextlib
import functools
import os
import pwd
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from trove.common import processes as table
from trove.guestagent.system import processes

UNPRIVILEGED = 'nobody'
"""An ordinary user that every host has; engines run as this one when the tests run as root."""
POLL_SECONDS = 0.02


def await_true(question: Callable[[], Any], seconds: float = 120) -> None:
    """Wait until a question about real processes is answered with yes."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, 'it did not come true in time'
        time.sleep(POLL_SECONDS)


def kill(process: processes.Process) -> None:
    """Kill an engine; reap it when an agent of this test process had started it, as init does for a dead agent."""
    os.kill(process.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, 0)
    await_true(lambda: not process.is_alive())


def freeze(process: processes.Process) -> None:
    """Stop a process by SIGSTOP. One of its threads takes the signal; until that has run, the others still answer."""
    process.send(signal.SIGSTOP)
    await_true(lambda: (entry := table.look(process.pid)) is not None and entry.state == 'T')


def run_in_child(work: Callable[[], object], user: str | None = None) -> int:
    """Fork; the child may become another user, does the work and ends. Return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        if user is not None:
            account = pwd.getpwnam(user)
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        work()
        code = 0
    finally:
        # Whatever was raised ends here: the child must not go on with the tests of its parent.
        if code:
            traceback.print_exc(file=sys.__stderr__)
        os._exit(code)


def kill_child_after(seconds: float, work: Callable[[], object]) -> None:
    """Let a child begin a work and kill it after a while, wherever it is then."""
    child = run_in_child(work)
    time.sleep(seconds)
    end_child(child)


def end_child(pid: int) -> None:
    """Kill a child and reap it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@functools.cache
def can_import(user: str, *modules: str) -> bool:
    """Return whether a user can load modules as they are installed here; below /root nobody else can."""
    account = pwd.getpwnam(user)
    try:
        done = subprocess.run(
            [sys.executable, '-c', f'import {", ".join(modules)}'],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd='/',
            env={'PATH': os.environ['PATH']},
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0
