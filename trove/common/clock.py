"""The clock: the real one, and one that tests can turn."""

import datetime
import time


class Clock:
    """Tells the time as UTC seconds since the epoch."""

    def time(self) -> float:
        """Return the present time in seconds."""
        return time.time()


class ManualClock(Clock):
    """A clock that stands still until it is turned."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds


def utcnow() -> datetime.datetime:
    """Return the present time as a naive UTC datetime without fraction, as records store it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
