"""The file of parameters: what is taken, and how a bad one is refused."""

import json

import pytest

from trove.common import exception, plugs
from trove.datastore import descriptions, registration

NUMBER = {'name': 'max_connections', 'type': 'integer', 'restart_required': False, 'min': 1, 'max': 100000}


def parse(*entries):
    return registration.parse_parameters(json.dumps({'configuration-parameters': entries}))


def test_object_and_list_are_the_same():
    expected = [{**NUMBER, 'min': '1', 'max': '100000'}]
    assert parse(NUMBER) == expected
    assert registration.parse_parameters(json.dumps([NUMBER])) == expected


@pytest.mark.parametrize(
    ('entry', 'low', 'high'),
    [
        ({'type': 'integer', 'min_size': '0', 'max_size': 18446744073709551615}, '0', '18446744073709551615'),
        ({'type': 'integer', 'min': -1}, '-1', None),
        ({'type': 'float', 'min': 0.5, 'max': 2}, '0.5', '2.0'),
        ({'type': 'string', 'min': 1, 'max': 5}, None, None),
        ({'type': 'boolean', 'min': 0, 'max': 1}, None, None),
        ({'type': 'integer'}, None, None),
    ],
)
def test_bounds(entry, low, high):
    (parsed,) = parse({'name': 'x', 'restart_required': True, **entry})
    assert (parsed['min'], parsed['max'], parsed['restart_required']) == (low, high, True)


def test_datastores_are_kept():
    (parsed,) = parse({**NUMBER, 'datastores': ['mysql']})
    assert parsed['datastores'] == ['mysql']


@pytest.mark.parametrize(
    ('entry', 'text'),
    [
        (7, 'Parameter 1 must be an object'),
        ({}, 'Parameter 1 needs a "name"'),
        ({**NUMBER, 'name': 'x' * 129}, 'Parameter 1 needs a "name"'),
        ({**NUMBER, 'name': 5}, 'Parameter 1 needs a "name"'),
        ({**NUMBER, 'type': 'integerx'}, '\'max_connections\' needs a "type": string, integer'),
        ({**NUMBER, 'type': ['integer']}, 'needs a "type"'),
        ({**NUMBER, 'restart_required': 'no'}, 'needs "restart_required": true or false'),
        ({**NUMBER, 'min': 'low'}, "The min of parameter 'max_connections' is no integer"),
        ({**NUMBER, 'max': 1.5}, "The max of parameter 'max_connections' is no integer"),
        ({**NUMBER, 'max': True}, 'is no integer'),
        ({**NUMBER, 'min': [1]}, 'is no integer'),
        ({**NUMBER, 'min': 5, 'max': 4}, 'has a minimum above its maximum'),
        ({**NUMBER, 'datastores': 'mysql'}, 'must be a list'),
    ],
)
def test_bad_entry_is_named(entry, text):
    with pytest.raises(exception.BadRequest) as caught:
        parse(entry)
    assert text in str(caught.value)


def test_name_that_is_there_twice_is_refused():
    with pytest.raises(exception.BadRequest, match='more than once'):
        parse(NUMBER, NUMBER)


@pytest.mark.parametrize('manager', plugs.names(descriptions.GROUP))
def test_parameters_that_come_with_a_datastore_are_taken(manager):
    described = plugs.load(descriptions.GROUP, manager)().parameters()
    assert [entry['name'] for entry in parse(*described)] == [entry['name'] for entry in described]


@pytest.mark.parametrize(
    ('text', 'answer'),
    [
        ('{', 'are no JSON'),
        ('7', 'must be a list'),
        ('{"parameters": []}', 'must be a list'),
        ('null', 'must be a list'),
    ],
)
def test_text_that_holds_no_parameters_is_refused(text, answer):
    with pytest.raises(exception.BadRequest, match=answer):
        registration.parse_parameters(text)


def test_manager_that_is_not_installed_is_refused():
    registration.check_manager('mysql')
    with pytest.raises(exception.BadRequest, match=r"'acme' is not known \(installed: .*mysql"):
        registration.check_manager('acme')
