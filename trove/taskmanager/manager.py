"""The taskmanager's endpoint, and the work that it does from time to time."""

import threading
from collections.abc import Callable, Sequence

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common import rpc
from trove.taskmanager import engine as taskmanager_engine

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.IntOpt(
        'provider_refresh_seconds',
        default=30,
        min=1,
        help='Seconds between two looks at the provider: flavors and the state of servers. '
        'Reads of the API show what was seen last.',
    ),
]


class Manager:
    """Takes wake-ups; everything else comes from the ledger."""

    def __init__(self, engine: taskmanager_engine.Engine) -> None:
        self._engine = engine

    @rpc.expose
    def run_operation(self, context: trove_context.TroveContext, operation_id: str) -> None:
        """Look at the ledger now."""
        LOG.debug('Woken for operation %s', operation_id)
        self._engine.wake()


class Periodic:
    """Runs pieces of work one after the other, again and again."""

    def __init__(self, works: Sequence[Callable[[], None]], interval_seconds: float) -> None:
        self._works = works
        self._interval_seconds = interval_seconds
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='periodic', daemon=True)

    def start(self) -> None:
        """Begin with a first turn at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present piece of work."""
        self._is_stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self.turn()
            self._is_stopping.wait(self._interval_seconds)

    def turn(self) -> None:
        """Run every piece once; what one raises is logged and it comes again with the next turn."""
        for work in self._works:
            if self._is_stopping.is_set():
                return
            try:
                work()
            except Exception:
                LOG.exception('Periodic work %r failed and is repeated', work)
