"""What load balancers and operators ask: does the process live, may it be sent requests, and what is away.

Nobody has to say who asks, so that the answers name no host, no user and no error text, and asking often costs
nothing: each thing is looked at by one caller at a time and once a second at most.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
import webob
from oslo_log import log as logging

from trove.common import clock as trove_clock
from trove.common import wsgi
from trove.common.rpc import transport
from trove.db.sqlalchemy import session, tables

LOG = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
WAIT_SECONDS = 2.0
OK = 'OK'
LIVE, READY, ALL = '/live', '/ready', ''
DISABLED = 'This host was taken out of service by its operator.'


class Probe:
    """Looks at one thing in a thread of its own, which may hang without anybody hanging with it."""

    def __init__(self, name: str, look: Callable[[], object], away: str, clock: trove_clock.Clock) -> None:
        self.name = name
        self._look = look
        self._away = away
        self._clock = clock
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._answer = away
        self._looked_at = float('-inf')

    def answer(self, wait_seconds: float = WAIT_SECONDS) -> str:
        """Return ``OK`` or what is wrong, as it is or was a moment ago."""
        looking = self._begin()
        if looking is not None:
            looking.join(wait_seconds)
            if looking.is_alive():
                # It was well a moment ago, maybe; a thing that is asked and says nothing is away all the same.
                return self._away
        return self._answer

    def _begin(self) -> threading.Thread | None:
        """Return the look that is to be waited for, or None when the last one is fresh."""
        with self._lock:
            if self._looking is not None and self._looking.is_alive():
                return self._looking
            if 0 <= self._clock.time() - self._looked_at < FRESH_SECONDS:
                return None
            self._looking = threading.Thread(target=self._run, name=f'probe {self.name}', daemon=True)
            self._looking.start()
            return self._looking

    def _run(self) -> None:
        try:
            self._look()
        except Exception as error:
            answer = self._away
            if self._answer == OK:
                LOG.warning('%s (%s)', self._away, type(error).__name__)
        else:
            answer = OK
        self._answer, self._looked_at = answer, self._clock.time()


class Healthcheck:
    """Answers ``/healthcheck``, ``/healthcheck/ready`` and ``/healthcheck/live``.

    An API is ready while its database is: without the bus it takes requests, which are carried out later.
    """

    def __init__(self, database: Probe, bus: Probe, disabling_file: str = '') -> None:
        self._probes: dict[str, tuple[Probe, ...]] = {LIVE: (), READY: (database,), ALL: (database, bus)}
        self._disabling_file = disabling_file

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        path = environ['PATH_INFO'].rstrip('/')
        if path not in self._probes:
            response = webob.Response('Not Found', 404, content_type='text/plain')
        else:
            response = self._respond(webob.Request(environ), self._checks(path))
        return response(environ, start_response)

    def _checks(self, path: str) -> dict[str, str]:
        checks = {probe.name: probe.answer() for probe in self._probes[path]}
        if path != LIVE and self._disabling_file:
            checks['service'] = DISABLED if os.path.exists(self._disabling_file) else OK
        return checks

    def _respond(self, request: webob.Request, checks: Mapping[str, str]) -> webob.Response:
        reasons = [answer for answer in checks.values() if answer != OK]
        status = 503 if reasons else 200
        if request.method == 'HEAD':
            return webob.Response(status=503 if reasons else 204, content_type='text/plain')
        offers = request.accept.acceptable_offers(['text/plain', wsgi.JSON_TYPE])
        if offers and offers[0][0] == wsgi.JSON_TYPE:
            return wsgi.respond({'detailed': False, 'reasons': reasons or [OK], 'checks': dict(checks)}, status)
        return webob.Response('\n'.join(reasons or [OK]), status, content_type='text/plain')


def look_at_database() -> None:
    """Ask the database for something that only ours can tell, on a connection of the probe's own."""
    with session.probing() as connection:
        connection.execute(sa.select(tables.operations.c.id).limit(1)).first()


def app_factory(_global_conf: Mapping[str, str], disable_by_file_path: str = '', **_unused: str) -> Healthcheck:
    """Paste application factory; while the file ``disable_by_file_path`` is there, the host is out of service."""
    clock = trove_clock.Clock()
    database = Probe('database', look_at_database, 'The database does not answer.', clock)
    bus = Probe('bus', transport.check_reachable, 'The message bus does not answer.', clock)
    return Healthcheck(database, bus, disable_by_file_path)
