"""Copies of messages: new to the bus library, the same to who reads them; calls are left alone."""

import json

from tests.chaos import messages


def envelope(**inner):
    return json.dumps({'oslo.version': '2.0', messages.ENVELOPE: json.dumps(inner)})


def test_a_copy_differs_in_its_id_only():
    one, other = (
        json.loads(json.loads(messages.copy_of(envelope(method='heartbeat', _unique_id='a')))[messages.ENVELOPE])
        for _ in range(2)
    )
    assert one.pop('_unique_id') != other.pop('_unique_id')
    assert one == other == {'method': 'heartbeat'}


def test_a_call_is_not_copied():
    assert messages.copy_of(envelope(method='list_databases', _unique_id='a', _msg_id='b')) is None
