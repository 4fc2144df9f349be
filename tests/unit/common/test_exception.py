"""The tree of errors."""

import pytest

from trove.common import exception


def classes(base: type[exception.TroveError]) -> list[type[exception.TroveError]]:
    return [base, *[found for child in base.__subclasses__() for found in classes(child)]]


@pytest.mark.parametrize('cls', classes(exception.TroveError))
def test_every_error_has_a_fault_name(cls: type[exception.TroveError]) -> None:
    assert cls.code in exception.FAULT_NAMES


def test_message() -> None:
    assert str(exception.InstanceNotFound(id='i1')) == 'Instance i1 could not be found.'
    assert str(exception.NotFound('Nothing here: 100 %')) == 'Nothing here: 100 %'
    assert exception.QuotaExceeded(overs='ram').fault_name == 'overLimit'
