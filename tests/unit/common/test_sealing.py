"""Sealed messages: opened by the key that sealed them, in their direction, once."""

import json

import pytest

from trove.common import exception, sealing

INSTANCE = '00000000-0000-4000-8000-000000000001'
NOW = 1_700_000_000.0
PLAIN = {'method': 'heartbeat', 'arguments': {'a': [1, None]}, 'sent': NOW, 'sequence': 1}


def make_key(instance_id=INSTANCE):
    return sealing.Key(sealing.make_secret(), instance_id)


def message(**fields):
    return sealing.Message(
        **{'method': 'heartbeat', 'arguments': {'a': [1, None]}, 'sent': NOW, 'sequence': 1, **fields}
    )


def opened(text, *keys, direction=sealing.TO_CONTROL):
    return sealing.Sealed.read(text).open(keys, direction)


def refused(reason):
    return pytest.raises(sealing.Refused, match=f'refused: {reason}$')


def test_message_comes_back_as_it_was():
    key = make_key()
    said = message(request_id='req-1', call_id='c', answer_topic='t')
    text = key.seal(sealing.TO_CONTROL, said)
    assert opened(text, make_key(), key) == said
    assert 'heartbeat' not in text
    assert key.seal(sealing.TO_CONTROL, said) != text


def test_message_does_not_open_in_the_other_direction():
    key = make_key()
    with refused('seal'):
        opened(key.seal(sealing.TO_CONTROL, message()), key, direction=sealing.TO_GUEST)


def test_message_opens_with_no_other_key():
    key, other = make_key(), make_key()
    with refused('key'):
        opened(key.seal(sealing.TO_CONTROL, message()), other)
    # Whatever it calls itself.
    text = other.seal(sealing.TO_CONTROL, message()).replace(other.id, key.id)
    with refused('seal'):
        opened(text, key)


def test_one_secret_is_another_key_for_another_instance():
    key = make_key()
    other = sealing.Key(key.secret, INSTANCE[:-1] + '2')
    assert key.id != other.id
    assert key.broker_password != other.broker_password
    with refused('key'):
        opened(key.seal(sealing.TO_CONTROL, message()).replace(INSTANCE, other.instance_id), key)


def test_message_that_was_changed_anywhere_is_refused():
    key = make_key()
    text = key.seal(sealing.TO_CONTROL, message())
    # The last letters of base64 hold bits that nobody reads.
    for place in range(len(text) - 4):
        changed = 'B' if text[place] == 'A' else 'A'
        with pytest.raises(sealing.Refused):
            opened(text[:place] + changed + text[place + 1 :], key)


def test_text_is_measured_before_it_is_looked_at():
    with refused('size'):
        sealing.Sealed.read('x' * 11, most_bytes=10)


@pytest.mark.parametrize(
    'fields',
    [
        {'method': 5},
        {'method': 'x' * 200},
        {'method': 'line\nbreak'},
        {'arguments': []},
        {'sent': 'now'},
        {'sequence': -1},
        {'sequence': 2**63},
        {'sequence': 1.5},
        {'request_id': 5},
        {'call_id': '\x1b[31m'},
    ],
)
def test_sealed_nonsense_is_refused(fields):
    key = make_key()
    with refused('malformed'):
        opened(key.seal(sealing.TO_CONTROL, message(**fields)), key)


@pytest.mark.parametrize('plain', ['[]', '5', 'x', '[' * 100_000])
def test_sealed_text_that_is_no_message_is_refused(plain, monkeypatch):
    key = make_key()
    monkeypatch.setattr(json, 'dumps', lambda *_, **__: plain)
    text = key.seal(sealing.TO_CONTROL, message())
    with refused('malformed'):
        opened(text, key)


def test_key_travels_as_text():
    key = make_key()
    assert sealing.Key.decode(key.encode(), INSTANCE).id == key.id
    for text in ('', 'x', 'AAAA'):
        with pytest.raises(exception.ConfigurationError):
            sealing.Key.decode(text, INSTANCE)


def test_key_is_not_shown():
    key = make_key()
    assert key.encode() not in repr(key)
    assert key.broker_password not in repr(key)
    assert 'canary' not in repr(message(arguments={'password': 'canary'}))


# -- what came -------------------------------------------------------------------------


def test_message_is_admitted_once():
    seen = sealing.admit([], message(), NOW, 300)
    with refused('replay'):
        sealing.admit(seen, message(), NOW, 300)
    assert sealing.admit(seen, message(sequence=2), NOW, 300) == [[NOW, 1], [NOW, 2]]


@pytest.mark.parametrize('sent', [NOW - 301, NOW + 301, float('nan'), float('inf')])
def test_message_of_another_time_is_refused(sent):
    with refused('time'):
        sealing.admit([], message(sent=sent), NOW, 300)


def test_what_is_too_old_to_come_again_is_forgotten():
    seen = sealing.admit([], message(), NOW, 300)
    assert sealing.admit(seen, message(sent=NOW + 301, sequence=2), NOW + 301, 300) == [[NOW + 301, 2]]


def test_what_may_have_been_forgotten_is_refused():
    seen = []
    for number in range(10):
        seen = sealing.admit(seen, message(sent=NOW + number, sequence=number), NOW + 10, 300, limit=5)
    assert [entry[1] for entry in seen] == [5, 6, 7, 8, 9]
    for number in range(5):
        with refused('time'):
            sealing.admit(seen, message(sent=NOW + number, sequence=number), NOW + 10, 300, limit=5)
    with refused('replay'):
        sealing.admit(seen, message(sent=NOW + 5, sequence=5), NOW + 10, 300, limit=5)
