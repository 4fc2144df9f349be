"""Admission: how many requests a process works on at the same time; what is beyond that is told to come again.

A request counts while the API works on it. Neither its client's slow body, which is read before, nor its client's
slow reading of the answer counts.
"""

import collections
import contextlib
import io
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import body, clock, exception, wsgi
from trove.common import cfg as trove_cfg

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.IntOpt(
        'max_requests_in_flight',
        default=200,
        min=1,
        help='Requests that one worker process works on at the same time; one more is answered 503 at once. In a WSGI '
        'server with fewer threads than this it is never reached.',
    ),
    cfg.IntOpt(
        'max_project_requests_in_flight',
        default=50,
        min=1,
        help='As many of them may name one project, so that guests of one project that do not answer leave the others '
        'their share.',
    ),
]

CHUNK_BYTES = 64 * 1024
"""A body is read in pieces of this size; one that is longer lies on the disk and not in memory."""
TELLING_SECONDS = 10.0
"""Refusals of so long are told in one line of the log."""


class Admission:
    """Counts the requests in flight, in all and by project."""

    def __init__(self, most: int, most_of_project: int, time_source: clock.Clock) -> None:
        self._most = most
        self._most_of_project = most_of_project
        self._clock = time_source
        self._lock = threading.Lock()
        self._count = 0
        self._by_project: collections.Counter[str] = collections.Counter()
        self._refused = 0
        self._told_at = float('-inf')

    @contextlib.contextmanager
    def admitted(self, project_id: str) -> Iterator[None]:
        """Let one request in as long as the block lasts; ``Overloaded`` when there is no room for it."""
        with self._lock:
            has_room = self._count < self._most and self._by_project[project_id] < self._most_of_project
            if has_room:
                self._count += 1
                self._by_project[project_id] += 1
        if not has_room:
            self._tell()
            raise exception.Overloaded()
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                self._by_project[project_id] -= 1
                if not self._by_project[project_id]:
                    del self._by_project[project_id]

    def _tell(self) -> None:
        self._refused += 1
        now = self._clock.time()
        if now - self._told_at >= TELLING_SECONDS:
            LOG.warning('Too much is asked for: %d more requests were refused, %d run', self._refused, self._count)
            self._refused, self._told_at = 0, now


class AdmissionFilter:
    """Filter: reads the body of a request, and lets in as many requests as there is room for."""

    def __init__(self, application: wsgi.Application, admission: Admission) -> None:
        self._application = application
        self._admission = admission

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'AdmissionFilter']:
        """Paste filter factory."""
        conf = cfg.CONF
        trove_cfg.register(conf, OPTS)
        admission = Admission(conf.max_requests_in_flight, conf.max_project_requests_in_flight, clock.Clock())
        return lambda application: cls(application, admission)

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        length = environ.get('CONTENT_LENGTH')
        received = read_ahead(environ['wsgi.input'], length) if length and length != '0' else None
        with received or contextlib.nullcontext():
            if received is not None:
                environ['wsgi.input'] = received
            with self._admission.admitted(environ['PATH_INFO'].lstrip('/').partition('/')[0]):
                return self._application(environ, start_response)


def read_ahead(stream: Any, length: str) -> IO[bytes]:
    """Return what was read of a body; ``OverLimit`` before anything is read when it is said to be too long."""
    left = number_of(length)
    if left > body.MAX_BYTES:
        raise exception.OverLimit(f'The request body is larger than {body.MAX_BYTES} bytes.')
    received: IO[bytes] = io.BytesIO() if left <= CHUNK_BYTES else tempfile.TemporaryFile()  # noqa: SIM115
    try:
        while left and (piece := stream.read(min(left, CHUNK_BYTES))):
            received.write(piece)
            left -= len(piece)
    except OSError as error:
        received.close()
        raise exception.BadRequest('The request body cannot be read.') from error
    received.seek(0)
    return received


def number_of(length: str) -> int:
    """Return the bytes that a header announces; ``BadRequest`` when that is no number."""
    if not (length.isascii() and length.isdigit()):
        raise exception.BadRequest('The length of the request body is no number.')
    return int(length)
