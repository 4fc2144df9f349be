"""Keeps who was held up from acting on a right that has passed to somebody else.

Who gives the right says how it is checked, and what acts outside asks right before it acts, under its own lock if it
has one. In between stand layers that know of neither.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator


@dataclasses.dataclass
class Guard:
    """The right to act. ``check`` raises when it was lost; ``was_passed`` tells that something may have been done."""

    check: Callable[[], None]
    was_passed: bool = False


_guard: contextvars.ContextVar[Guard | None] = contextvars.ContextVar('trove_fence', default=None)


@contextlib.contextmanager
def guarded(check: Callable[[], None]) -> Iterator[Guard]:
    """Have the present thread's acts outside checked as long as the block lasts."""
    guard = Guard(check)
    token = _guard.set(guard)
    try:
        yield guard
    finally:
        _guard.reset(token)


def check() -> None:
    """Raise what the giver of the right raises when it was lost; nothing where nobody guards."""
    guard = _guard.get()
    if guard is not None:
        guard.check()
        guard.was_passed = True
