"""Claims on addresses; no socket is opened, because no port is asked for."""

import errno

import pytest

from trove.common import exception
from trove.compute.local import addresses


def test_address_follows_from_the_id(tmp_path):
    first = addresses.AddressBook(str(tmp_path / 'a'), '127.77.0.0/16').claim('one', [], [])
    again = addresses.AddressBook(str(tmp_path / 'b'), '127.77.0.0/16').claim('one', [], [])
    other = addresses.AddressBook(str(tmp_path / 'b'), '127.77.0.0/16').claim('two', [], [])
    assert first == again != other
    assert first.startswith('127.77.')


def test_claim_is_found_and_released(tmp_path):
    book = addresses.AddressBook(str(tmp_path), '127.77.0.0/16')
    assert book.find('one') is None
    address = book.claim('one', [], [])
    assert book.claim('one', [], []) == book.find('one') == address
    assert book.holders() == {'one'}
    book.release('one')
    book.release('one')
    assert book.holders() == set()


def test_everybody_gets_another_one_until_none_is_left(tmp_path):
    book = addresses.AddressBook(str(tmp_path), '127.77.0.0/29')
    claimed = {book.claim(str(number), [], []) for number in range(7)}
    assert claimed == {f'127.77.0.{number}' for number in range(1, 8)}
    with pytest.raises(exception.ComputeError, match='no address is free'):
        book.claim('8', [], [])


@pytest.mark.parametrize('text', ['10.0.0.0/8', '127.0.0.0/7', 'x', '127.0.0.1/16'])
def test_range_must_be_loopback(tmp_path, text):
    with pytest.raises(exception.ConfigurationError, match='address_range'):
        addresses.AddressBook(str(tmp_path), text)


@pytest.mark.parametrize(
    ('error', 'text'), [(errno.EACCES, 'above 1023'), (errno.EADDRNOTAVAIL, 'does not have 127.77.0.1')]
)
def test_what_no_other_address_would_cure_is_an_error(error, text):
    with pytest.raises(exception.ComputeError, match=text):
        addresses.check_host('127.77.0.1', ('tcp', 1, error))


def test_what_another_address_would_cure_is_none():
    addresses.check_host('127.77.0.1', ('tcp', 1, errno.EADDRINUSE))
