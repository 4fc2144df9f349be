"""The taskmanager's endpoint, and the work that it does from time to time."""

import threading
from collections.abc import Callable, Sequence

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common import exception, rpc
from trove.common.rpc import notifications
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
    cfg.ListOpt(
        'provider_notification_topics',
        default=[],
        help='Topics on which the provider tells of its servers, as Nova does on "notifications" and '
        '"versioned_notifications". With any, the provider is looked at as soon as it tells of a change, too. '
        'A queue "trove" is made for them; delete it when you take the topics away, or it fills.',
    ),
    cfg.StrOpt(
        'provider_notification_exchange', default='nova', help='Exchange of the topics, the control_exchange of Nova.'
    ),
    cfg.StrOpt(
        'provider_notification_url',
        secret=True,
        help='Bus of the topics, written like transport_url; without it, the one of [oslo_messaging_notifications], '
        'or our own.',
    ),
]

SHORTEST_PAUSE_SECONDS = 2.0
SERVER_EVENTS = r'^(compute\.)?instance\.'
"""The types of events that tell of servers: Nova's old ones and its versioned ones."""


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
    """Runs pieces of work one after the other, again and again, and at once when it is woken.

    However often it is woken, there is a short pause after each turn.
    """

    def __init__(
        self,
        works: Sequence[Callable[[], object]],
        interval_seconds: float,
        shortest_pause_seconds: float = SHORTEST_PAUSE_SECONDS,
    ) -> None:
        self._works = works
        self._shortest_pause_seconds = min(shortest_pause_seconds, interval_seconds)
        self._further_pause_seconds = interval_seconds - self._shortest_pause_seconds
        self._nudge = threading.Event()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='periodic', daemon=True)

    def start(self) -> None:
        """Begin with a first turn at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present piece of work."""
        self._is_stopping.set()
        self._nudge.set()
        self._thread.join()

    def wake(self) -> None:
        """Come to the next turn soon; one that runs now may have missed the reason, so that another follows it."""
        self._nudge.set()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._nudge.clear()
            self.turn()
            self._is_stopping.wait(self._shortest_pause_seconds)
            self._nudge.wait(self._further_pause_seconds)

    def turn(self) -> None:
        """Run every piece once; what one raises is logged and it comes again with the next turn."""
        for work in self._works:
            if self._is_stopping.is_set():
                return
            try:
                work()
            except exception.ComputeBusy as busy:
                # A cloud that is away for an hour would fill the log with tracebacks that say the same.
                LOG.warning('Periodic work is repeated: %s', busy)
            except exception.ServiceUnavailable as away:
                LOG.warning('Periodic work waits for the database: %s', away)
            except Exception:
                LOG.exception('Periodic work %r failed and is repeated', work)


def listen(
    conf: cfg.ConfigOpts, source: notifications.Source, looking: Periodic, executor: str
) -> notifications.Listener:
    """Return what wakes a look whenever the provider tells of a server; what exactly it tells does not matter."""

    def hear(event_type: str) -> None:
        LOG.debug('Woken by %s', event_type)
        looking.wake()

    return notifications.Listener(conf, source, SERVER_EVENTS, hear, executor)
