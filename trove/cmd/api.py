"""trove-api: the REST API behind its paste pipeline."""

from trove.cmd import patch  # noqa: F401

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import eventlet
import eventlet.wsgi
from eventlet.support import greenlets
from oslo_config import cfg
from oslo_log import log as logging

from trove.cmd import application, common, daemon
from trove.common import cfg as trove_cfg
from trove.common import exception

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.HostAddressOpt('bind_host', default='0.0.0.0', help='Address that the API listens on.'),
    cfg.PortOpt('bind_port', default=8779, help='Port that the API listens on.'),
    cfg.IntOpt(
        'trove_api_workers',
        min=1,
        default=os.cpu_count() or 1,
        sample_default='the number of cores',
        help='Processes that serve the API.',
    ),
    cfg.IntOpt('backlog', default=1024, min=1, help='Connections that wait for a worker.'),
    cfg.IntOpt('max_header_line', default=16384, min=1024, help='Bytes that one line of a header may have.'),
    cfg.IntOpt('client_socket_timeout', default=60, min=1, help='Seconds after which an idle connection is closed.'),
]


class WebServer:
    """A part that serves a WSGI application on a socket; it stops after the requests that run."""

    def __init__(self, socket: Any, application: Any, conf: cfg.ConfigOpts) -> None:
        self._socket = socket
        self._application = application
        self._conf = conf
        self._thread: Any = None

    def start(self) -> None:
        eventlet.wsgi.MAX_HEADER_LINE = self._conf.max_header_line
        self._thread = eventlet.spawn(
            eventlet.wsgi.server,
            self._socket.dup(),
            self._application,
            log=logging.getLogger('eventlet.wsgi.server'),
            log_output=False,
            socket_timeout=self._conf.client_socket_timeout,
            debug=False,
        )

    def stop(self) -> None:
        # The server's loop ends by this and then waits for the requests that run.
        self._thread.kill()
        with contextlib.suppress(greenlets.GreenletExit):
            self._thread.wait()


def listen(conf: cfg.ConfigOpts) -> Any:
    """Bind the API's socket; ``ConfigurationError`` says what stands in the way."""
    try:
        return eventlet.listen((str(conf.bind_host), conf.bind_port), backlog=conf.backlog, reuse_port=False)
    except OSError as error:
        where = f'{conf.bind_host}:{conf.bind_port}'
        raise exception.ConfigurationError(reason=f'{where} cannot be listened on: {error.strerror}') from error


def build(conf: cfg.ConfigOpts, socket: Any) -> Sequence[daemon.Part]:
    """Return the parts of one worker process."""
    return [WebServer(socket, application.load(conf), conf)]


def start() -> None:
    conf = common.configure('trove-api')
    trove_cfg.register(conf, OPTS)
    application.check(conf)
    socket = listen(conf)
    daemon.serve(conf, lambda: build(conf, socket), conf.trove_api_workers)


def main() -> None:
    """Console entry point."""
    daemon.run(start)


if __name__ == '__main__':
    main()
