"""How full the volume of an instance is."""

import os

from trove.common import exception

GIGABYTE = 1024**3


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
