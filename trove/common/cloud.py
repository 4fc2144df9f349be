"""The service user's connection to a cloud, how errors of its client libraries are read, and what refusals mean.

What the smaller services refuse means the same for all of them; the compute provider has a table of its own.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import openstack.connection
import openstack.exceptions
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import session as keystone_session
from openstack.config import cloud_region
from oslo_config import cfg

from trove.common import exception, keystone

MISSING = 404
CONFLICT = 409
_PASSING = (401, 408, CONFLICT, 423, 429)
_FAULTY = 500
_LONGEST_TEXT = 400
CATALOGUE_ADVICE = f'correct the catalogue of Keystone, or region_name and interface in [{keystone.GROUP}]'


def connection(conf: cfg.ConfigOpts, session: keystone_session.Session | None = None, **versions: Any) -> Any:
    """Return a new connection of openstacksdk; nothing is called yet.

    It works on a session of the service user, a new one if none is given. ``versions`` are those of the
    services' interfaces, ``{service}_api_version``.
    """
    session = session or keystone.session(conf)
    settings = conf[keystone.GROUP]
    region = cloud_region.from_session(
        session, region_name=settings.region_name, app_name='trove', interface=settings.interface, **versions
    )
    return openstack.connection.Connection(config=region)


@contextlib.contextmanager
def told(deed: str, final: type[exception.ComputeError], passing: type[exception.ComputeBusy]) -> Iterator[None]:
    """Turn what the client libraries raise into our errors; the deed says what was attempted.

    ``passing`` stands for what a repetition may cure: no answer, an error of the service, a conflict, a login
    that is refused at the moment. ``final`` stands for the rest.
    """
    try:
        yield
    except (openstack.exceptions.SDKException, keystone_exceptions.ClientException) as error:
        raise _translated(deed, error, final, passing) from error


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error of any of the libraries carries, or None."""
    for name in ('status_code', 'http_status', 'code'):
        status = getattr(error, name, None)
        if isinstance(status, int) and status:
            return status
    return None


def text_of(error: BaseException) -> str:
    """Return what the cloud said, in one line and without addresses of the cloud's own requests."""
    said = getattr(error, 'details', None) if isinstance(error, openstack.exceptions.HttpException) else None
    said = said or getattr(error, 'message', None) or str(error) or type(error).__name__
    line = ' '.join(str(said).split())
    line = re.sub(r'HTTPConnectionPool\(.*', 'no connection', line)
    return line[:_LONGEST_TEXT]


def lacks_service(error: BaseException) -> bool:
    """Return whether the catalogue of Keystone has no such service."""
    return isinstance(error, keystone_exceptions.EndpointNotFound | openstack.exceptions.ServiceDisabledException)


def _translated(
    deed: str, error: BaseException, final: type[exception.ComputeError], passing: type[exception.ComputeBusy]
) -> exception.ComputeError:
    status, text = status_of(error), text_of(error).rstrip('.')
    if lacks_service(error):
        return final(reason=f'{deed}: the service was not found ({text}); {CATALOGUE_ADVICE}')
    if status is None or status >= _FAULTY or status in _PASSING:
        return passing(reason=f'{deed}: {text}')
    return final(reason=f'{deed}: {text}; ask the operator to look into it')
