"""Faults of servers: what Nova says and what is told."""

import types

import pytest

from trove.compute.nova import faults


def server(status, message=None):
    made = types.SimpleNamespace(status=status)
    if message is not None:
        made.fault = {'message': message, 'code': 500}
    return made


@pytest.mark.parametrize(
    ('message', 'advice'),
    [
        ('No valid host was found. There are not enough hosts available.', 'smaller flavor'),
        ('Exceeded maximum number of retries. Exhausted all hosts available for retrying.', 'look at the image'),
        ('No valid host was found. Exceeded max scheduling attempts 3 for instance 1.', 'look at the image'),
        ('Insufficient compute resources: Free memory 1.00 MB < requested 512 MB.', 'too little room'),
        ('Quota exceeded for instances', 'quota'),
        ("Build of instance 1 aborted: Flavor's disk is too small for requested image.", 'larger disk'),
        ('Image 1 could not be found.', 'look at the image'),
        ('Binding failed for port 1, please check neutron logs', 'another network'),
        ('Build of instance 1 aborted: Volume 2 did not finish being created', 'Cinder'),
        ('the process of the server ended at once: ', 'does not boot'),
        ('Timed out waiting for a reply', 'too slow'),
        ('something new', 'Ask the operator (Nova said: something new)'),
        ('', 'no reason'),
    ],
)
def test_fault_says_what_to_do(message, advice):
    told = faults.fault_of(server('ERROR', message))
    assert advice in told
    assert message.rstrip('.')[:40] in told


def test_nothing_is_wrong():
    assert faults.fault_of(server('ACTIVE')) == ''
    assert faults.fault_of(server('ACTIVE', 'an old fault')) == ''


def test_error_without_a_fault():
    assert 'no reason' in faults.fault_of(server('ERROR'))


@pytest.mark.parametrize('status', ['PAUSED', 'SUSPENDED', 'RESCUE', 'SHELVED', 'SHELVED_OFFLOADED'])
def test_what_an_operator_did(status):
    assert 'Ask the operator to' in faults.fault_of(server(status))


def test_move_that_came_to_nothing():
    assert 'smaller flavor' in faults.move_fault(['', 'raise exception.NoValidHost(reason=msg)'])
    assert 'the move failed' in faults.move_fault([])
