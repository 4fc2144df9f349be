"""The door to the taskmanager sends what its methods say, and what a vendor's methods say."""

import pytest

from trove.common import context as trove_context
from trove.taskmanager import api

CONTEXT = trove_context.service_context('req-1')


class Bus:
    """Remembers what was sent, and answers calls."""

    def __init__(self):
        self.sent = []

    def send(self, context, method, **arguments):
        self.sent.append((context.request_id, method, arguments))

    def call(self, context, method, timeout_seconds, **arguments):
        self.sent.append((context.request_id, method, arguments, timeout_seconds))
        return 42


class VendorDoor(api.API):
    """Adds a verb that waits for its answer."""

    def count(self, context, what):
        return self._call(context, 'count', 5.0, what=what)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def door(bus):
    door = VendorDoor('taskmanager')
    door._client = door._waker = bus
    return door


def test_wake_up_names_the_operation(door, bus):
    door.run_operation(CONTEXT, 'operation')
    assert bus.sent == [('req-1', 'run_operation', {'operation_id': 'operation'})]


def test_vendors_call_waits_for_its_answer(door, bus):
    assert door.count(CONTEXT, 'sheep') == 42
    assert bus.sent == [('req-1', 'count', {'what': 'sheep'}, 5.0)]
