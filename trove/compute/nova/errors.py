"""What the cloud's refusals mean: what a repetition may cure, and what somebody has to do."""

import contextlib
import re
from collections.abc import Iterator

import openstack.exceptions
from keystoneauth1 import exceptions as keystone_exceptions
from novaclient import exceptions as nova_exceptions

from trove.common import cloud, exception, fence

OUTDATED = 412

_LIBRARIES = (
    nova_exceptions.ClientException,
    openstack.exceptions.SDKException,
    keystone_exceptions.ClientException,
)

_ADVICE = (
    (r'quota|exceeded.*(allowed|limit)|limit ?exceeded',
     'delete what is not needed or ask the operator for more quota'),
    (r'no more ip addresses|no more free ip', 'choose another network or free addresses in this one'),
    (r'ip ?address.* (in use|already allocated)', 'choose another ip_address'),
    (r'invalid ip|not a valid ip|ip address .* subnet', 'choose an ip_address of the subnet'),
    (r'not reachable from|external.*gateway', 'connect the network to the public one with a router, or be not public'),
    (r'flavor.*(disk|memory|too small|smaller)', 'choose a larger flavor'),
    (r'(image|imageref).*(could not be found|not found|invalid|not active|unacceptable|find)',
     'ask the operator to register an image that is active'),
    (r'(image|imageref)', 'ask the operator to look at the image of this datastore version'),
    (r'flavor', 'choose another flavor'),
    (r'availability.?zone', 'choose another availability zone'),
    (r'volume.?type|type.*volume', 'choose another volume type'),
    (r'key.?(name|pair)', 'ask the operator to correct [nova] nova_keypair'),
    (r'port|network|subnet', 'choose another network'),
)  # fmt: skip
"""What to do about a refusal, by its words; the first that fits."""

_LASTING_CONFLICT = re.compile(r'quota|no more ip|ip ?address.* (in use|already allocated)', re.IGNORECASE)

_REFUSED_FURTHER_ON = re.compile(r'experiencing an unauthori[sz]ed exception', re.IGNORECASE)
"""What Nova says with a 400 when it took our token and the next service did not: it ended just now, the next is new."""


@contextlib.contextmanager
def told(deed: str) -> Iterator[None]:
    """Turn the errors of all client libraries into ours; the deed says what was attempted.

    Raises ``ComputeBusy`` for what may pass (no answer, conflicts, too many requests,
    errors of the service) and ``ComputeError`` for the rest. A worker that lost its
    operation meanwhile is stopped here, before it asks for anything.
    """
    fence.check()
    try:
        yield
    except _LIBRARIES as error:
        raise translate(deed, error) from error


def is_status(error: BaseException, *statuses: int) -> bool:
    """Return whether the cloud answered with one of these."""
    return cloud.status_of(error) in statuses


@contextlib.contextmanager
def missing_is_fine() -> Iterator[None]:
    """Be content when what is acted on is gone already."""
    try:
        yield
    except _LIBRARIES as error:
        if not is_status(error, cloud.MISSING):
            raise


def is_final(error: BaseException) -> bool:
    """Return whether the request that failed is over: the cloud refused it, and nothing of it comes later."""
    status = cloud.status_of(error)
    return status is not None and 400 <= status < 500 and status != 408


def translate(deed: str, error: BaseException) -> exception.ComputeError:
    """Return the error of ours that an error of a client library stands for."""
    status, text = cloud.status_of(error), cloud.text_of(error)
    if cloud.lacks_service(error):
        return exception.ComputeError(reason=f'{deed}: the service was not found ({text}); {cloud.CATALOGUE_ADVICE}')
    passing = _passing(status, text)
    if passing is not None:
        return exception.ComputeBusy(f'{deed}: {passing}', _retry_after(error))
    return exception.ComputeError(reason=f'{deed}: {text.rstrip(".")}; {_advice(status, text)}')


def _passing(status: int | None, text: str) -> str | None:
    """Return why a repetition may help; None when it will not."""
    if status is None or status >= 500 or status == 408:
        return f'the cloud does not answer as it should ({text})'
    if status == 401 or _REFUSED_FURTHER_ON.search(text):
        return f'Keystone or a service refused the service user ({text}); correct [service_credentials]'
    if status == 429:
        return f'too many requests ({text})'
    if status == cloud.MISSING and 'security group' in text.lower():
        return f'another worker changed it meanwhile ({text})'
    if status in (cloud.CONFLICT, OUTDATED) and not _LASTING_CONFLICT.search(text):
        return f'it is in use ({text})'
    return None


def _advice(status: int | None, text: str) -> str:
    if status == 403 and 'olicy' in text and 'uota' not in text:
        return "ask the operator to give Trove's service user the role that this needs"
    for words, advice in _ADVICE:
        if re.search(words, text, re.IGNORECASE):
            return advice
    return 'ask the operator to look into it'


def _retry_after(error: BaseException) -> float | None:
    seconds = getattr(error, 'retry_after', None)
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None
