"""Errors that a guest answers with."""

import pytest

from trove.common import exception
from trove.common.rpc import errors


@pytest.mark.parametrize('kind', errors.KINDS.values())
def test_error_keeps_class_and_text(kind):
    found = errors.unpack(errors.pack(kind('what went wrong')))
    assert type(found) is kind
    assert str(found) == 'what went wrong'


def test_error_of_a_kind_of_its_own_is_the_nearest_that_is_known():
    class Special(exception.UserExists):
        pass

    assert type(errors.unpack(errors.pack(Special(name='ann')))) is exception.UserExists
    assert type(errors.unpack(errors.pack(exception.Unauthorized()))) is exception.GuestError


@pytest.mark.parametrize('name', ['SystemExit', 'Unauthorized', 'os.system', None, 5, ['UserExists'], '__class__'])
def test_names_beyond_the_table_are_guest_errors(name):
    assert type(errors.unpack({'error': name, 'message': 'x'})) is exception.GuestError


def test_texts_have_an_end():
    assert len(str(errors.unpack({'error': 'UserExists', 'message': 'x' * 100_000}))) == errors.MOST_TEXT
    assert str(errors.unpack({})) == 'None'
