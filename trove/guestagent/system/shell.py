"""Programs that are run to their end."""

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from oslo_log import log as logging

from trove.common import exception

LOG = logging.getLogger(__name__)


def run(argv: Sequence[str], **options: Any) -> str:
    """Run a program as ``attempt`` does and return what it printed; ``GuestError`` when it fails, too."""
    code, output = attempt(argv, **options)
    program = os.path.basename(argv[0])
    if code:
        raise exception.GuestError(reason=f'{program} ended with code {code}')
    LOG.debug('%s ended well', program)
    return output


def attempt(
    argv: Sequence[str],
    *,
    input_text: str | None = None,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    timeout_seconds: float = 300,
) -> tuple[int, str]:
    """Run a program and return its code and what it printed; ``GuestError`` when it cannot be run or takes too long.

    Secrets go in by ``input_text`` or by files, never by ``argv``: that is
    logged, and any user of the host can read it. What the program printed is
    logged by nobody, because engines quote the statements that failed.
    """
    program = os.path.basename(argv[0])
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if input_text is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            **identity(user),
        )
    except OSError as error:
        raise exception.GuestError(reason=f'{program} cannot be started: {error.strerror}') from error
    with process:
        try:
            output, _ = process.communicate(input_text, timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise exception.GuestError(reason=f'{program} took longer than {timeout_seconds:.0f} seconds') from error
    return process.returncode, output


def identity(user: str | None) -> dict[str, Any]:
    """Return the ``Popen`` arguments that make a program run as ``user``; none for the caller's own."""
    if user is None:
        return {}
    return {'user': user, 'group': _group_of(user), 'extra_groups': []}


def _group_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError as error:
        raise exception.GuestError(reason=f"there is no user '{user}' on this host") from error
