"""The clients of the cloud's services, all on one session of the service user."""

import threading
import types
from typing import Any, Self

import novaclient.client
import urllib3
import urllib3.exceptions
from keystoneauth1 import session as keystone_session
from oslo_config import cfg

from trove.common import cloud, exception, keystone
from trove.compute.nova import errors, options

READING = '2.46'
"""The last version of Nova's interface that tells the id of a server's flavor."""
WRITING = '2.67'
"""Tags and volume types at create, user data at rebuild, a host to migrate to; no injected files any more."""
REBUILDING_VOLUMES = '2.93'
"""The first version in which a root volume can be made anew."""
_VERSIONS = {'block_storage_api_version': '3', 'image_api_version': '2'}
_READING_METHODS = ('GET', 'HEAD')
_RETRIED_STATUS = (502, 503, 504)
_MARGIN_SECONDS = 5.0


class _ReadingRetry(urllib3.Retry):
    """Sends again what only reads.

    urllib3 minds the method when a reply is lost, but not when a proxy is on the way.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: types.TracebackType | None = None,
    ) -> Self:
        if method not in _READING_METHODS and error is not None:
            raise urllib3.exceptions.MaxRetryError(_pool, url, error) from error
        return super().increment(method, url, response, error, _pool, _stacktrace)


class Clients:
    """Makes each client when it is first needed. It may be used by many threads."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        keystone.register(conf)
        self._conf = conf
        self._lock = threading.Lock()
        self._session: keystone_session.Session | None = None
        self._connection: Any = None
        self._novas: dict[str, Any] = {}
        settings = conf[options.GROUP]
        if settings.slot_seconds < self.timeout_seconds + _MARGIN_SECONDS:
            raise exception.ConfigurationError(
                reason=f'[nova] slot_seconds must be {self.timeout_seconds + _MARGIN_SECONDS:g} at least, which is '
                f'[{keystone.GROUP}] timeout and {_MARGIN_SECONDS:g} more'
            )

    @property
    def timeout_seconds(self) -> float:
        """How long one request may take."""
        return float(self._conf[keystone.GROUP].timeout)

    def nova(self, version: str = READING) -> Any:
        """Return the client of Nova that speaks a version of its interface."""
        session = self.session()
        with self._lock:
            if version not in self._novas:
                settings = self._conf[keystone.GROUP]
                self._novas[version] = novaclient.client.Client(
                    version, session=session, region_name=settings.region_name, endpoint_type=settings.interface
                )
            return self._novas[version]

    @property
    def network(self) -> Any:
        """The client of Neutron."""
        return self._service('network')

    @property
    def volume(self) -> Any:
        """The client of Cinder."""
        return self._service('block_storage')

    @property
    def image(self) -> Any:
        """The client of Glance."""
        return self._service('image')

    def project_id(self) -> str:
        """Return the id of the service project, which owns all that is made."""
        with errors.told('Logging in'):
            return str(self.session().get_project_id())

    def session(self) -> keystone_session.Session:
        """Return the session; its token is renewed when it expires or is refused."""
        with self._lock:
            if self._session is None:
                self._session = self._made_session()
            return self._session

    def _service(self, name: str) -> Any:
        session = self.session()
        # The first look asks the service for its versions; a failure is not kept.
        with self._lock, errors.told(f'Looking for the {name.replace("_", " ")} service'):
            if self._connection is None:
                self._connection = cloud.connection(self._conf, session, **_VERSIONS)
            return getattr(self._connection, name)

    def _made_session(self) -> keystone_session.Session:
        session = keystone.session(self._conf)
        retries = _ReadingRetry(
            total=self._conf[options.GROUP].safe_retries,
            status_forcelist=_RETRIED_STATUS,
            allowed_methods=_READING_METHODS,
            raise_on_status=False,
            backoff_factor=0.5,
            redirect=0,
        )
        for adapter in session.session.adapters.values():
            carrier: Any = adapter
            carrier.max_retries = retries
        return session
