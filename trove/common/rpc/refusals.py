"""What was refused on the bus: counted, and logged so that a flood of it fills no log."""

import threading
import time
from collections.abc import Callable

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

LOG_SECONDS = 10.0
MOST_SENDERS = 1000


class Refusals:
    """Counts by sender and reason, and logs each pair every few seconds at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._logged: dict[tuple[str, str], float] = {}

    def note(self, sender: str, reason: str) -> None:
        """Count a refused message; ``sender`` is who it came from as far as that is known."""
        key = (sender, reason)
        now = self._now()
        with self._lock:
            if key not in self._counts and len(self._counts) >= MOST_SENDERS:
                # Senders may be made up; what was counted of them is in the log.
                self._counts.clear()
                self._logged.clear()
            count = self._counts[key] = self._counts.get(key, 0) + 1
            is_due = now - self._logged.get(key, -LOG_SECONDS) >= LOG_SECONDS
            if is_due:
                self._logged[key] = now
        if is_due:
            LOG.warning('Messages of %s were refused (%s), %d so far', sender, reason, count)

    def count(self, reason: str | None = None) -> int:
        """Return how many messages were refused, for one reason or for any."""
        with self._lock:
            return sum(count for (_sender, why), count in self._counts.items() if reason in (None, why))


found = Refusals()
"""What this process refused."""
