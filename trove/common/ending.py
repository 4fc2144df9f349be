"""The wish of a signal that this process ends."""

import queue


class Ending:
    """Set by the handlers of signals, waited for by threads.

    An event will not do: a handler may interrupt the very thread that holds the event's lock, such as the handler of
    a signal that was sent twice, and would wait for that lock for ever. ``SimpleQueue.put`` is made for handlers.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self, *_signal: object) -> None:
        """Tell all who wait, now and later; fit to be a signal's handler."""
        self._is_set = True
        self._wishes.put(None)

    def is_set(self) -> bool:
        """Return whether it was told."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Wait so long at most, None is without end; return whether it was told."""
        try:
            self._wishes.get(timeout=seconds)
        except queue.Empty:
            return self._is_set
        # For whoever else waits, and for whoever asks later.
        self._wishes.put(None)
        return True
