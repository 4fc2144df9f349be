import pytest

from trove.common import exception, schema

GOOD_UUID = '6f1a2b3c-0000-4000-8000-0123456789AB'


@pytest.mark.parametrize(
    ('kind', 'value'),
    [
        ('STRING255', 'a'),
        ('STRING255', '-1-'),
        ('NAME', 'x' * 1000),
        ('UUID', GOOD_UUID),
        ('UUID_OR_NULL', None),
        ('FLAVOR_REF', 7),
        ('FLAVOR_REF', 'http://host/flavors/7'),
        ('VOLUME', {'size': 1, 'type': None}),
        ('VOLUME', {'size': '010', 'more': []}),
        ('HOST', '%'),
        ('HOST', '10.0.%'),
        ('FLAG', 1),
        ('CIDR', '10.0.0.0/8'),
        ('CIDR', '255.255.255.255'),
        ('IPV4', '999.1.1.1'),
        ('NICS', [{'net-id': GOOD_UUID, 'ip_address': '10.0.0.1'}]),
        ('PARAMETER_NAME', 'max_connections'),
        ('TAGS', ['a', 'b']),
        ('DATABASES', [{'name': 'a', 'character_set': 'utf8', 'more': 1}]),
        ('USERS', [{'name': 'a', 'password': 'b', 'host': '%', 'databases': [{'name': 'c'}]}]),
    ],
)
def test_good_values(kind, value):
    schema.validate(schema.root('v', getattr(schema, kind)), {'v': value})


@pytest.mark.parametrize(
    ('kind', 'value'),
    [
        ('STRING255', ''),
        ('STRING255', '---'),
        ('STRING255', 'x' * 256),
        ('STRING255', None),
        ('NAME', ' '),
        ('UUID', 'x' + GOOD_UUID),
        ('UUID', GOOD_UUID + '\n'),
        ('FLAVOR_REF', True),
        ('FLAVOR_REF', None),
        ('FLAVOR_REF', 1.5),
        ('VOLUME', {}),
        ('VOLUME', {'size': 0}),
        ('VOLUME', {'size': True}),
        ('VOLUME', {'size': '000'}),
        ('VOLUME', {'size': '1' * 41}),
        ('VOLUME', {'size': 1, 'type': ''}),
        ('HOST', ''),
        ('HOST', '10.0.0.0/8'),
        ('FLAG', True),
        ('FLAG', 2),
        ('CIDR', '10.0.0.0/33'),
        ('CIDR', '256.0.0.0'),
        ('IPV4', '1.1.1'),
        ('NICS', [{}, {}]),
        ('NICS', [{'port-id': GOOD_UUID}]),
        ('PARAMETER_NAME', 'x' * 129),
        ('TAGS', ['a', 'a']),
        ('TAGS', list('abcdef')),
        ('DATABASES', [{}]),
        ('DATABASES', {'name': 'a'}),
        ('DATABASE_NAMES', [{'name': 'a'}, {'name': 'a'}]),
        ('USERS', [{'name': 'a'}]),
        ('USERS', [None]),
    ],
)
def test_bad_values(kind, value):
    with pytest.raises(exception.BadRequest, match=r"^Validation error: instance\['v'\]"):
        schema.validate(schema.root('v', getattr(schema, kind)), {'v': value})


@pytest.mark.parametrize('body', [None, [], 3, 'text', {}])
def test_the_root_must_be_there(body):
    with pytest.raises(exception.BadRequest, match=r'^Validation error: instance must'):
        schema.validate(schema.root('users', schema.USERS), body)


def test_a_closed_root_takes_no_other_key():
    schema.validate(schema.root('users', schema.USERS), {'users': [], 'more': 1})
    with pytest.raises(exception.BadRequest):
        schema.validate(schema.root('users', schema.USERS, is_closed=True), {'users': [], 'more': 1})


def test_the_text_names_the_place_and_never_the_value():
    with pytest.raises(exception.BadRequest) as caught:
        schema.validate(schema.root('users', schema.USERS), {'users': [{'name': 'a', 'password': ['canary']}]})
    assert str(caught.value) == "Validation error: instance['users'][0]['password'] must be string."


@pytest.mark.parametrize(
    ('reference', 'expected'), [(7, '7'), ('7', '7'), ('http://h/v1/flavors/7', '7'), ('flavors/7/', '7')]
)
def test_last_part(reference, expected):
    assert schema.last_part(reference) == expected
