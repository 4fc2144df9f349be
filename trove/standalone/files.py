"""Files that are written whole or not at all."""

import os
import pathlib


def write_private(path: pathlib.Path, text: str) -> None:
    """Write a file that only its owner may read; it is never there half or with wider rights."""
    _write(path, text, 0o600)


def write_public(path: pathlib.Path, text: str, is_program: bool = False) -> None:
    """Write a file that everybody may read, and run when it is a program."""
    _write(path, text, 0o755 if is_program else 0o644)


def _write(path: pathlib.Path, text: str, mode: int) -> None:
    half = path.with_name(f'.{path.name}.{os.getpid()}')
    half.unlink(missing_ok=True)
    with open(half, 'x', opener=lambda name, flags: os.open(name, flags, mode)) as out:
        # The mask of the caller takes rights away when the file is made; this gives back those that were meant.
        os.fchmod(out.fileno(), mode)
        out.write(text)
    half.replace(path)
