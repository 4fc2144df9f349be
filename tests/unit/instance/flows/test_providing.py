"""What the provider's errors mean to a flow, and in which order things are given back."""

import pytest

from trove.common import exception
from trove.instance.flows import providing
from trove.taskmanager import operation

PARTS = ['server', 'volume', 'address']


def raising(error):
    def call():
        raise error

    return call


class Leaving:
    """A provider whose parts go when they are told to, but for those that stay."""

    def __init__(self, *staying):
        self.staying = staying
        self.asked = []

    def _delete(self, part, instance_id):
        self.asked.append((part, instance_id))
        return part not in self.staying

    def delete_server(self, instance_id):
        return self._delete('server', instance_id)

    def delete_volume(self, instance_id):
        return self._delete('volume', instance_id)

    def delete_address(self, instance_id):
        return self._delete('address', instance_id)


def test_answer_of_the_provider_goes_through():
    assert providing.attempt(lambda: 42) == 42


def test_busy_provider_is_tried_again():
    with pytest.raises(operation.Retry, match='so full') as caught:
        providing.attempt(raising(exception.ComputeBusy(reason='so full')))
    assert caught.value.delay_seconds is None


@pytest.mark.parametrize('error', [exception.ComputeError(reason='so full'), exception.ImageNotFound(image='so full')])
def test_error_that_needs_somebody_fails(error):
    with pytest.raises(operation.Fail, match='so full'):
        providing.attempt(raising(error))


def test_image_that_is_gone_is_a_matter_for_the_operator():
    with pytest.raises(operation.Fail, match="Image 'gone' could not be found; ask the operator to bring it back"):
        providing.attempt(raising(exception.ImageNotFound(image='gone')))


def test_error_of_another_kind_is_the_engines():
    with pytest.raises(KeyError):
        providing.attempt(raising(KeyError('x')))


def test_everything_is_given_back_server_first():
    provider = Leaving()
    assert providing.remove(provider, 'instance')
    assert provider.asked == [(part, 'instance') for part in PARTS]


@pytest.mark.parametrize(('staying', 'asked'), [('server', 1), ('volume', 2), ('address', 3)])
def test_nothing_is_given_back_before_what_uses_it(staying, asked):
    provider = Leaving(staying)
    assert not providing.remove(provider, 'instance')
    assert [part for part, _ in provider.asked] == PARTS[:asked]
