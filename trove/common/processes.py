"""Names of processes that tell, on the same host, whether the process still lives."""

import os


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the boot; None when there is no such process."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stream:
            # The name in parentheses may hold anything, so the fields are counted from its end.
            return int(stream.read().rpartition(')')[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def boot_id() -> str:
    """Return what tells this boot of the host from all others."""
    try:
        with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as stream:
            return stream.read().strip()[:8]
    except OSError:
        return 'unknown'


def own_name(host: str) -> str:
    """Return the name of this process: host, boot, pid and start time."""
    pid = os.getpid()
    return f'{host}/{boot_id()}/{pid}/{start_time(pid)}'


def is_dead(name: str, host: str) -> bool:
    """Return whether ``own_name`` of this host names a process that is known to be gone."""
    parts = name.split('/')
    if len(parts) != 4 or parts[0] != host:
        return False
    return parts[1] != boot_id() or str(start_time(int(parts[2]))) != parts[3]
