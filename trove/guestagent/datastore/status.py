"""What the agent says of its database: how far prepare came, and the engine's health after that."""

import contextlib
from collections.abc import Callable, Iterator

from trove.common import states
from trove.guestagent.system import files

BUILDING = 'building'
FAILED = 'failed'
PREPARED = 'prepared'

_UNPREPARED = {None: states.NEW, BUILDING: states.BUILDING, FAILED: states.FAILED}


class Status:
    """Keeps the phase of prepare in a file; asks the engine once that is over."""

    def __init__(self, path: str, probe: Callable[[], states.ServiceStatus]) -> None:
        self._path = path
        self._probe = probe
        self._transient: states.ServiceStatus | None = None

    @property
    def is_prepared(self) -> bool:
        """Whether prepare ended well once."""
        return self._phase() == PREPARED

    @contextlib.contextmanager
    def preparing(self) -> Iterator[None]:
        """Say ``building`` while prepare runs; prepared or failed is what remains."""
        if not self.is_prepared:
            files.write(self._path, BUILDING)
        phase = FAILED
        try:
            yield
            phase = PREPARED
        finally:
            if phase == PREPARED or not self.is_prepared:
                files.write(self._path, phase)

    @contextlib.contextmanager
    def saying(self, status: states.ServiceStatus) -> Iterator[None]:
        """Say one thing whatever the engine does, as while it is restarted."""
        self._transient = status
        try:
            yield
        finally:
            self._transient = None

    def current(self) -> states.ServiceStatus:
        """Return the status of this moment."""
        phase = self._phase()
        if phase != PREPARED:
            return _UNPREPARED[phase]
        return self._transient or self._probe()

    def _phase(self) -> str | None:
        return files.read(self._path)
