"""The clients of the cloud's smaller services, as the service user, and what their refusals mean to us."""

import contextlib
from collections.abc import Iterator
from typing import Any

import openstack.connection
import openstack.exceptions
from keystoneauth1 import exceptions as keystone_exceptions
from openstack.config import cloud_region
from oslo_config import cfg

from trove.common import exception, keystone

MISSING = 404
CONFLICT = 409
_PASSING = (401, 408, CONFLICT, 423, 429)
_FAULTY = 500
_LONGEST_TEXT = 300


def connection(conf: cfg.ConfigOpts) -> Any:
    """Return a new connection of openstacksdk on a session of the service user; nothing is called yet."""
    session = keystone.session(conf)
    settings = conf[keystone.GROUP]
    region = cloud_region.from_session(
        session, region_name=settings.region_name, app_name='trove', interface=settings.interface
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
    """Return the HTTP status that an error of the client libraries carries, or None."""
    for name in ('status_code', 'http_status'):
        status = getattr(error, name, None)
        if isinstance(status, int) and status:
            return status
    return None


def _translated(
    deed: str, error: BaseException, final: type[exception.ComputeError], passing: type[exception.ComputeBusy]
) -> exception.ComputeError:
    status, text = status_of(error), _text_of(error)
    if isinstance(error, keystone_exceptions.EndpointNotFound | openstack.exceptions.ServiceDisabledException):
        advice = f'correct the catalogue of Keystone, or region_name and interface in [{keystone.GROUP}]'
        return final(reason=f'{deed}: the service was not found ({text}); {advice}')
    if status is None or status >= _FAULTY or status in _PASSING:
        return passing(reason=f'{deed}: {text}')
    return final(reason=f'{deed}: {text}; ask the operator to look into it')


def _text_of(error: BaseException) -> str:
    said = getattr(error, 'details', None) or getattr(error, 'message', None) or str(error)
    return ' '.join(str(said or type(error).__name__).split())[:_LONGEST_TEXT].rstrip('.')
