"""Rate limits: how many requests of each kind a project may send in a minute."""

import dataclasses
import datetime
import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import clock, exception, wsgi

LIMITER_KEY = 'trove.limiter'
MINUTE_SECONDS = 60
MAX_PROJECTS = 10_000


def _rate(name: str, what: str) -> cfg.IntOpt:
    return cfg.IntOpt(name, default=200, min=1, help=f'How many {what} a project may send in a minute to one worker.')


OPTS = [
    _rate('http_post_rate', 'POST requests'),
    _rate('http_put_rate', 'PUT and PATCH requests'),
    _rate('http_delete_rate', 'DELETE requests'),
    _rate('http_get_rate', 'GET requests'),
    _rate('http_mgmt_post_rate', 'POST requests to /mgmt'),
]


@dataclasses.dataclass(frozen=True)
class Limit:
    """One rule: so many requests of a method to paths that match."""

    verb: str
    uri: str
    regex: str
    value: int

    def covers(self, method: str, path: str) -> bool:
        """Return whether a request counts; ``path`` is that below the project."""
        is_verb = self.verb == ('PUT' if method == 'PATCH' else method)
        return is_verb and re.match(self.regex, path) is not None

    def describe(self) -> str:
        """Return the rule in words."""
        return f'Only {self.value} {self.verb} request(s) can be made to {self.uri} every minute.'


def limits_of(conf: cfg.ConfigOpts) -> list[Limit]:
    """Return the rules that the options make."""
    return [
        Limit('POST', '*', '.*', conf.http_post_rate),
        Limit('PUT', '*', '.*', conf.http_put_rate),
        Limit('DELETE', '*', '.*', conf.http_delete_rate),
        Limit('GET', '*', '.*', conf.http_get_rate),
        Limit('POST', '*/mgmt', '^/mgmt', conf.http_mgmt_post_rate),
    ]


@dataclasses.dataclass
class _Bucket:
    """Requests that are left, as of a time; it fills up evenly."""

    left: float
    as_of: float


class Limiter:
    """Counts requests in buckets, one for each project and rule."""

    def __init__(self, limits: Iterable[Limit], time: clock.Clock) -> None:
        self._limits = list(limits)
        self._clock = time
        self._projects: dict[str, list[_Bucket]] = {}
        self._lock = threading.Lock()

    def take(self, project_id: str, method: str, path: str) -> None:
        """Count one request; raises ``RateLimited`` when a rule's bucket is empty, and counts nothing then."""
        with self._lock:
            buckets = self._filled(project_id)
            due = [i for i, limit in enumerate(self._limits) if limit.covers(method, path)]
            for i in due:
                if buckets[i].left < 1:
                    raise exception.RateLimited(self._limits[i].describe(), self._wait_seconds(i, buckets[i]))
            for i in due:
                buckets[i].left -= 1

    def describe(self, project_id: str) -> list[dict[str, Any]]:
        """Return all rules with what is left of them, as ``GET /limits`` shows them."""
        with self._lock:
            buckets = self._filled(project_id)
            now = self._clock.time()
            return [
                {
                    'verb': limit.verb,
                    'uri': limit.uri,
                    'regex': limit.regex,
                    'value': limit.value,
                    'unit': 'MINUTE',
                    'remaining': int(buckets[i].left),
                    'nextAvailable': _iso(now + self._wait_seconds(i, buckets[i])),
                }
                for i, limit in enumerate(self._limits)
            ]

    def _filled(self, project_id: str) -> list[_Bucket]:
        now = self._clock.time()
        if project_id not in self._projects:
            if len(self._projects) >= MAX_PROJECTS:
                # The one that was seen first goes; at worst it gets a full bucket again.
                del self._projects[next(iter(self._projects))]
            self._projects[project_id] = [_Bucket(limit.value, now) for limit in self._limits]
        buckets = self._projects[project_id]
        for limit, bucket in zip(self._limits, buckets, strict=True):
            gained = max(0.0, now - bucket.as_of) * limit.value / MINUTE_SECONDS
            bucket.left = min(float(limit.value), bucket.left + gained)
            bucket.as_of = now
        return buckets

    def _wait_seconds(self, index: int, bucket: _Bucket) -> int:
        missing = max(0.0, 1 - bucket.left)
        return math.ceil(missing * MINUTE_SECONDS / self._limits[index].value)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')


class RateLimitFilter:
    """Filter: refuses what is over a rate limit."""

    def __init__(self, application: wsgi.Application, limiter: Limiter) -> None:
        self._application = application
        self._limiter = limiter

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'RateLimitFilter']:
        """Paste filter factory."""
        conf = cfg.CONF
        trove_cfg.register(conf, OPTS)
        limiter = Limiter(limits_of(conf), clock.Clock())
        return lambda application: cls(application, limiter)

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        project_id = environ[wsgi.CONTEXT_KEY].project_id
        path = environ['PATH_INFO'].removeprefix(f'/{project_id}')
        self._limiter.take(project_id, environ['REQUEST_METHOD'], path)
        environ[LIMITER_KEY] = self._limiter
        return self._application(environ, start_response)
