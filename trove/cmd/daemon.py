"""The loop of a server daemon: its parts, its processes, its signals.

This folder is the only place that names eventlet; a daemon patches first and imports afterwards.
"""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service as oslo_service

from trove.cmd import common
from trove.common.rpc import transport
from trove.db.sqlalchemy import session

LOG = logging.getLogger(__name__)

BUS_SECONDS = 1.0
"""Between two looks for a bus that is not there yet."""


class Part(Protocol):
    """Something that a daemon runs."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Daemon(oslo_service.ServiceBase):
    """Builds its parts where it runs (after a fork) and stops them in the reverse order."""

    def __init__(self, build: Callable[[], Sequence[Part]]) -> None:
        self._build = build
        self._parts: list[Part] = []
        self.failure: str | None = None
        """Why it could not start."""

    def start(self) -> None:
        try:
            for part in self._build():
                part.start()
                self._parts.append(part)
        except common.CANNOT_START as error:
            LOG.error('Cannot start: %s', error)
            self.failure = f'{sys.argv[0]}: {error}'
            raise SystemExit(self.failure) from error
        LOG.info('Started')

    def stop(self) -> None:
        # The launcher also stops the copy in the parent process, which never started.
        while self._parts:
            self._parts.pop().stop()

    def wait(self) -> None:
        return

    def reset(self) -> None:
        return


def serve(conf: cfg.ConfigOpts, build: Callable[[], Sequence[Part]], workers: int = 1) -> None:
    """Run the parts in so many processes until SIGTERM; what runs then is finished first.

    What keeps the database from being used ends the process here, as its workers would be started again for ever.
    """
    common.connect_database(conf)
    # No connection may be shared by processes.
    session.dispose()
    daemon = Daemon(build)
    launcher: Any = oslo_service.launch(conf, daemon, workers=workers, restart_method='mutate')
    launcher.wait()
    if daemon.failure is not None:
        # The launcher tells its status, which is the same for a signal.
        sys.exit(daemon.failure)


def run(main: Callable[[], None]) -> None:
    """Run a daemon's main function; a configuration that cannot work ends in one clear line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except common.CANNOT_START as error:
        sys.exit(f'{sys.argv[0]}: {error}')


class RpcServer:
    """A part that serves an RPC topic as soon as the bus is there; it waits for that in a thread of its own.

    The server is made then, because it declares queues.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._server: Any = None
        self._is_stopping = threading.Event()
        self._beginning = threading.Thread(target=self._begin, name='rpc server', daemon=True)

    def start(self) -> None:
        self._beginning.start()

    def stop(self) -> None:
        self._is_stopping.set()
        if self._server is not None:
            self._server.stop()

    def _begin(self) -> None:
        was_told = False
        while not _is_bus_there():
            if not was_told:
                LOG.warning('The message bus is not available yet; messages are taken as soon as it is')
            was_told = True
            if self._is_stopping.wait(BUS_SECONDS):
                return
        server = self._make()
        server.start()
        self._server = server
        LOG.info('Taking messages')


def _is_bus_there() -> bool:
    try:
        transport.check_reachable()
    except OSError:
        return False
    return True
