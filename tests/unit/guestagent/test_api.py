"""The door to the guest: what comes back of an error."""

import oslo_messaging
import pytest

from trove.common import context as trove_context
from trove.common import exception
from trove.guestagent import api


class FailingClient:
    """A client whose calls fail."""

    def __init__(self, error):
        self._error = error

    def call(self, context, method, **arguments):
        raise self._error


class Conf:
    agent_call_low_timeout = 1
    agent_call_high_timeout = 2


@pytest.mark.parametrize(
    ('error', 'kind'),
    [
        (exception.UserNotFound(name='joe'), exception.UserNotFound),
        (oslo_messaging.MessagingTimeout('canary'), exception.GuestTimeout),
        (ConnectionRefusedError('canary'), exception.ServiceUnavailable),
    ],
)
def test_error_is_one_that_a_tenant_may_see(error, kind):
    door = api.API('some-id', Conf(), FailingClient(error))
    with pytest.raises(kind) as caught:
        door.list_access(trove_context.TroveContext(), 'joe', '%')
    assert type(caught.value) is kind
    assert 'canary' not in str(caught.value)
