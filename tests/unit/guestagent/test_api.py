"""The door to the guest: what comes back of an error."""

import sys

import pytest
from oslo_messaging._drivers import common as drivers

from trove.common import context as trove_context
from trove.common import exception
from trove.guestagent import api


class FailingClient:
    """A client whose calls fail as they do when the guest raised something."""

    def __init__(self, error):
        try:
            raise error
        except type(error):
            self._failure = drivers.serialize_remote_exception(sys.exc_info())

    def call(self, context, method, **arguments):
        raise drivers.deserialize_remote_exception(self._failure, ['trove.common.exception'])


class Unknown(Exception):
    """An error of a class that the control plane does not take from a guest."""


class Conf:
    agent_call_low_timeout = 1
    agent_call_high_timeout = 2


def test_error_of_the_guest_keeps_its_class_and_its_text_alone():
    door = api.API('some-id', Conf(), client=FailingClient(exception.UserNotFound(name='joe')))
    with pytest.raises(exception.UserNotFound) as caught:
        door.list_access(trove_context.TroveContext(), 'joe', '%')
    assert type(caught.value) is exception.UserNotFound
    assert str(caught.value) == str(exception.UserNotFound(name='joe'))


def test_unexpected_error_of_the_guest_is_a_guest_error():
    door = api.API('some-id', Conf(), client=FailingClient(Unknown('canary')))
    with pytest.raises(exception.GuestError) as caught:
        door.rpc_ping(trove_context.TroveContext())
    assert 'canary' not in str(caught.value)
