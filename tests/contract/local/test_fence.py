"""Whose operation was taken over makes and changes nothing, even if that happens while it waits for the lock."""

import os

import pytest

from trove.common import fence


class Lost(Exception):
    pass


class Right:
    """A right that is lost when it is first asked for under the lock of an instance."""

    def __init__(self, provider, instance_id):
        self._path = provider.locks._folder, instance_id
        self.was_asked_under_the_lock = False

    def check(self):
        self.was_asked_under_the_lock = os.path.exists(os.path.join(*self._path))
        raise Lost()


def calls(provider, request):
    return {
        'make_address': lambda: provider.make_address(request),
        'make_volume': lambda: provider.make_volume(request),
        'make_server': lambda: provider.make_server(request, [], None),
    }


@pytest.mark.parametrize('name', ['make_address', 'make_volume', 'make_server'])
def test_f2_who_lost_the_operation_makes_nothing(world, provider, name):
    request = world.request()
    right = Right(provider, request.instance_id)
    with fence.guarded(right.check), pytest.raises(Lost):
        calls(provider, request)[name]()
    assert right.was_asked_under_the_lock
    assert provider.list_instance_ids() == []
