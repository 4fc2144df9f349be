"""What refusals of the cloud mean: a table."""

import openstack.exceptions
import pytest
import requests
from keystoneauth1 import exceptions as keystone_exceptions
from novaclient import exceptions as nova_exceptions

from trove.common import cloud, exception
from trove.compute.nova import errors


def nova(status, message):
    """Return the error of novaclient for an answer."""
    classes = {
        one.http_status: one for one in nova_exceptions.ClientException.__subclasses__() if hasattr(one, 'http_status')
    }
    return classes.get(status, nova_exceptions.ClientException)(status, message)


def service(status, message, key='NeutronError'):
    """Return the error of openstacksdk for an answer."""
    response = requests.Response()
    response.status_code = status
    response.url = 'http://cloud/v2.0/ports'
    response.headers['content-type'] = 'application/json'
    response._content = f'{{"{key}": {{"message": "{message}"}}}}'.encode()
    with pytest.raises(openstack.exceptions.HttpException) as caught:
        openstack.exceptions.raise_from_response(response)
    return caught.value


BUSY = [
    keystone_exceptions.ConnectFailure('no route'),
    keystone_exceptions.ConnectTimeout('too slow'),
    keystone_exceptions.Unauthorized('wrong password'),
    nova(401, 'unauthorized'),
    nova(400, 'Networking client is experiencing an unauthorized exception.'),
    nova(408, 'timeout'),
    nova(409, "Cannot 'start' instance while it is in task_state deleting"),
    nova(429, 'too many'),
    nova(500, 'unexpected'),
    nova(503, 'unavailable'),
    service(409, 'The port is in use'),
    service(412, 'Constrained to 1, but current revision is 2'),
    service(503, 'unavailable'),
    service(404, 'Security group 1 does not exist'),
]
ERRORS = [
    (nova(403, 'Quota exceeded for cores: Requested 1, but already used 20 of 20 cores'), 'more quota'),
    (nova(403, 'Quota exceeded, too many servers in group.'), 'more quota'),
    (nova(403, "Policy doesn't allow os_compute_api:servers:create to be performed."), 'role'),
    (nova(400, 'Can not find requested image'), 'image'),
    (nova(400, 'Image 1 is unacceptable: not active'), 'active'),
    (nova(400, "Flavor's disk is too small for requested image."), 'larger flavor'),
    (nova(400, 'Invalid flavorRef provided.'), 'another flavor'),
    (nova(400, 'Invalid key_name provided.'), 'nova_keypair'),
    (nova(400, 'The requested availability zone is not available'), 'availability zone'),
    (nova(400, 'Port 1 requires a FixedIP in order to be used.'), 'another network'),
    (service(409, "Quota exceeded for resources: ['port']."), 'more quota'),
    (service(409, 'No more IP addresses available on network 1.'), 'another network'),
    (service(409, 'IP address 10.0.0.1 already allocated in subnet 2'), 'another ip_address'),
    (service(400, 'IP address 10.0.0.1 is not a valid IP for the specified subnet.'), 'of the subnet'),
    (service(404, 'External network 1 is not reachable from subnet 2.'), 'router'),
    (service(413, 'VolumeSizeExceedsAvailableQuota: exceeds allowed gigabytes quota', 'overLimit'), 'more quota'),
    (service(400, 'Volume type with name x could not be found.', 'badRequest'), 'another volume type'),
    (service(418, 'a teapot'), 'ask the operator'),
    (keystone_exceptions.EndpointNotFound('no volume service'), 'region_name'),
]


@pytest.mark.parametrize('error', BUSY, ids=repr)
def test_what_passes(error):
    with pytest.raises(exception.ComputeBusy, match='Making it: ') as caught, errors.told('Making it'):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(('error', 'advice'), ERRORS, ids=lambda value: value if isinstance(value, str) else '')
def test_what_needs_somebody(error, advice):
    with pytest.raises(exception.ComputeError, match=advice) as caught, errors.told('Making it'):
        raise error
    assert not isinstance(caught.value, exception.ComputeBusy)


def test_service_that_says_when():
    limited = nova_exceptions.RateLimit(429, 'slow down', retry_after='7')
    assert errors.translate('Making it', limited).delay_seconds == 7


def test_missing_is_fine():
    for error in (nova(404, 'gone'), service(404, 'gone')):
        with errors.missing_is_fine():
            raise error
    with pytest.raises(nova_exceptions.ClientException), errors.missing_is_fine():
        raise nova(403, 'no')


def test_what_is_over():
    assert errors.is_final(nova(400, 'no'))
    assert errors.is_final(service(409, 'no'))
    for error in (nova(500, 'what'), nova(408, 'slow'), keystone_exceptions.ConnectFailure('lost'), KeyError('x')):
        assert not errors.is_final(error)


def test_other_errors_pass_through():
    with pytest.raises(KeyError), errors.told('Making it'):
        raise KeyError('a bug')


def test_texts_are_one_short_line():
    text = cloud.text_of(nova(400, 'a\n b' + 'x' * 1000))
    assert '\n' not in text
    assert len(text) <= 400
    assert cloud.text_of(KeyError()) == 'KeyError'
