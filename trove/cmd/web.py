"""The HTTP server of trove-api: what a client may take of a worker process, in connections, seconds and bytes.

Each connection is a green thread, which costs little, and is bounded all the same. Time runs for a request as a
whole and not for each of its bytes, so that a client that dribbles gains nothing by it.
"""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import eventlet
import eventlet.wsgi
from eventlet.support import greenlets
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import body, exception

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.IntOpt('backlog', default=1024, min=1, help='Connections that wait for a worker.'),
    cfg.IntOpt('max_header_line', default=16384, min=1024, help='Bytes that one line of a header may have.'),
    cfg.IntOpt(
        'max_connections',
        default=1000,
        min=1,
        help='Connections that one worker process holds. When they are used up, the one that has been idle for longest '
        'is closed in favour of a new one; when none is idle, the new one is answered 503.',
    ),
    cfg.IntOpt('client_socket_timeout', default=60, min=1, help='Seconds after which an idle connection is closed.'),
    cfg.IntOpt(
        'client_header_timeout',
        default=10,
        min=1,
        help='Seconds in which a client has to send the first line and the headers of a request, and its first request '
        'after it connected. The connection is closed then.',
    ),
    cfg.IntOpt(
        'client_body_timeout',
        default=30,
        min=1,
        help='Seconds in which a client has to send the body of a request. The request is refused then.',
    ),
]

REFUSALS = 64
"""Connections beyond ``max_connections`` that are being refused at the same time; more wait in the backlog."""
REFUSAL_SECONDS = 1.0
DISCARDED_BYTES = 16 * body.MAX_BYTES
"""How much of a body that nobody wants is read, so that its client gets to see the answer."""

UNAVAILABLE = json.dumps({'serviceUnavailable': {'code': 503, 'message': exception.Overloaded.message}}).encode()
REFUSAL = (
    b'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n'
    b'Retry-After: %d\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s'
) % (exception.ServiceUnavailable.retry_seconds, len(UNAVAILABLE), UNAVAILABLE)


class Connections:
    """The connections of a process. One that waits for its client may have to go when another one comes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        # In the order in which they began to wait; a dict, because each may leave from anywhere.
        self._waiting: dict[Any, None] = {}

    @contextlib.contextmanager
    def place(self, connection: Any) -> Iterator[bool]:
        """Hold a place as long as the block lasts, if there is one; tell whether there is."""
        if self._count >= self._most and not self._drop():
            yield False
            return
        self._count += 1
        try:
            yield True
        finally:
            self.end_to_wait(connection)
            self._count -= 1

    def begin_to_wait(self, connection: Any) -> None:
        """Say that from now on a connection waits for its client."""
        self._waiting.setdefault(connection)

    def end_to_wait(self, connection: Any) -> None:
        """Say that its client sent what was waited for."""
        self._waiting.pop(connection, None)

    def _drop(self) -> bool:
        idle = next(filter(is_silent, self._waiting), None)
        if idle is None:
            return False
        del self._waiting[idle]
        # Its own green thread wakes by this and gives its place back soon.
        with contextlib.suppress(OSError):
            idle.shutdown(socket.SHUT_RDWR)
        return True


def is_silent(connection: Any) -> bool:
    """Return whether nothing of a connection waits to be read: a server that is slow itself must blame nobody."""
    try:
        connection.fd.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class TimedBody:
    """The file that the body of one request is read from, until its time is over or too much came."""

    def __init__(self, file: Any, seconds: float, protocol: 'Protocol') -> None:
        self._file = file
        self._deadline = time.monotonic() + seconds
        self._protocol = protocol
        self._left = DISCARDED_BYTES

    def read(self, size: int = -1) -> bytes:
        return self._timed(self._file.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._timed(self._file.readline, size)

    def _timed(self, read: Callable[[int], bytes], size: int) -> bytes:
        """Read; ``OSError`` when this may not go on. The connection is closed after the answer then."""
        try:
            if self._left <= 0:
                raise OSError('the body is too long')
            with (
                self._protocol.waiting(),
                eventlet.Timeout(max(0.0, self._deadline - time.monotonic()), TimeoutError('the body is late')),
            ):
                found = read(size)
        except OSError:
            self._protocol.close_connection = True
            raise
        self._left -= len(found)
        return found


class Protocol(eventlet.wsgi.HttpProtocol):
    """One connection: it waits for its client within ``bounds``, which a subclass for each server brings."""

    bounds: ClassVar['Bounds']

    def __init__(self, state: Any, server: Any) -> None:
        self._has_asked = False
        self._patience: Any = None
        with self.bounds.connections.place(state[1]) as has_place:
            if has_place:
                super().__init__(state, server)
            else:
                refuse(state[1])

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Be counted among those that wait for their client as long as the block lasts."""
        self.bounds.connections.begin_to_wait(self.connection)
        try:
            yield
        finally:
            self.bounds.connections.end_to_wait(self.connection)

    def handle_one_request(self) -> None:
        """Wait for a request and answer it; a client that sends none in time is left without a word."""
        self.bounds.connections.begin_to_wait(self.connection)
        if not self._is_asked():
            self.close_connection = True
            return
        # The time of the headers; it ends where they do, in ``get_environ``.
        self._patience = eventlet.Timeout(self.bounds.header_seconds, TimeoutError('the headers are late'))
        try:
            super().handle_one_request()
        finally:
            self._patience.cancel()
        self._has_asked = True

    def _is_asked(self) -> bool:
        """Wait for the first byte of a request; who has just connected is expected to ask at once."""
        self.connection.settimeout(self.bounds.idle_seconds if self._has_asked else self.bounds.header_seconds)
        try:
            return bool(self.rfile.peek(1))
        except OSError:
            return False
        finally:
            self.connection.settimeout(self.server.socket_timeout)

    def get_environ(self) -> dict[str, Any]:
        """Return what the request became; its headers are all there."""
        self._patience.cancel()
        self.bounds.connections.end_to_wait(self.connection)
        environ: dict[str, Any] = super().get_environ()
        received = environ['wsgi.input']
        if received.chunked_input or received.content_length:
            received.rfile = TimedBody(self.rfile, self.bounds.body_seconds, self)
        return environ


class Bounds:
    """What a client may take of this process."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.connections = Connections(conf.max_connections)
        self.header_seconds: float = conf.client_header_timeout
        self.body_seconds: float = conf.client_body_timeout
        self.idle_seconds: float = conf.client_socket_timeout


def refuse(connection: Any) -> None:
    """Answer 503 to a connection without having read anything, and give its client a moment to see that."""
    with contextlib.suppress(OSError):
        connection.settimeout(REFUSAL_SECONDS)
        connection.sendall(REFUSAL)
        connection.shutdown(socket.SHUT_WR)
        # What was sent and not read would make the kernel take the answer back.
        with eventlet.Timeout(REFUSAL_SECONDS, False):
            while connection.recv(body.MAX_BYTES):
                pass


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
            protocol=type('BoundProtocol', (Protocol,), {'bounds': Bounds(self._conf)}),
            max_size=self._conf.max_connections + REFUSALS,
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
