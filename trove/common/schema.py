"""The validation primitives of the API as JSON schemas, and the check of a body against one."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import fastjsonschema

from trove.common import exception

Schema = Mapping[str, Any]

DRAFT = 'http://json-schema.org/draft-04/schema#'
_ALPHANUMERIC = '[0-9A-Za-z]'

STRING255: Schema = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': _ALPHANUMERIC}
NAME: Schema = {'type': 'string', 'minLength': 1, 'pattern': _ALPHANUMERIC}
UUID: Schema = {
    'type': 'string',
    'maxLength': 64,
    'pattern': '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$',
}
UUID_OR_NULL: Schema = {'anyOf': [UUID, {'type': 'null'}]}
FLAVOR_REF: Schema = {'anyOf': [STRING255, {'type': 'integer'}]}
"""A flavor's id, or a URL that ends in it; see ``last_part``."""
VOLUME_SIZE: Schema = {
    'anyOf': [
        {'type': 'integer', 'minimum': 1},
        {'type': 'string', 'minLength': 1, 'maxLength': 40, 'pattern': '^[0-9]*[1-9][0-9]*$'},
    ]
}
VOLUME: Schema = {
    'type': 'object',
    'required': ['size'],
    'properties': {'size': VOLUME_SIZE, 'type': {'anyOf': [STRING255, {'type': 'null'}]}},
}
HOST: Schema = {'type': 'string', 'minLength': 1, 'pattern': r'^[%]?[\w(-).]*[%]?$'}
FLAG: Schema = {'type': 'integer', 'minimum': 0, 'maximum': 1}
_OCTET = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
CIDR: Schema = {'type': 'string', 'pattern': rf'^({_OCTET}\.){{3}}{_OCTET}(/(3[0-2]|[12]?[0-9]))?$'}
IPV4: Schema = {
    'type': 'string',
    'minLength': 7,
    'maxLength': 15,
    'pattern': r'^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$',
}
NICS: Schema = {
    'type': 'array',
    'maxItems': 1,
    'items': {
        'type': 'object',
        'additionalProperties': False,
        'properties': {'net-id': UUID, 'network_id': UUID, 'subnet_id': UUID, 'ip_address': IPV4},
    },
}
PARAMETER_NAME: Schema = {'type': 'string', 'minLength': 1, 'maxLength': 128, 'pattern': _ALPHANUMERIC}
TAGS: Schema = {
    'type': 'array',
    'uniqueItems': True,
    'maxItems': 5,
    'items': {'type': 'string', 'minLength': 1, 'maxLength': 20},
}
DATABASE: Schema = {
    'type': 'object',
    'required': ['name'],
    'properties': {'name': STRING255, 'character_set': STRING255, 'collate': STRING255},
}
DATABASES: Schema = {'type': 'array', 'items': DATABASE}
DATABASE_NAMES: Schema = {
    'type': 'array',
    'uniqueItems': True,
    'items': {'type': 'object', 'required': ['name'], 'properties': {'name': STRING255}},
}
"""The databases that a user may use."""
USER: Schema = {
    'type': 'object',
    'required': ['name', 'password'],
    'properties': {'name': NAME, 'password': STRING255, 'host': HOST, 'databases': DATABASE_NAMES},
}
USERS: Schema = {'type': 'array', 'items': USER}


def root(key: str, value: Schema, is_closed: bool = False) -> Schema:
    """Return the schema of a body ``{key: value}``; ``is_closed`` allows no other key beside it."""
    return {'type': 'object', 'required': [key], 'properties': {key: value}, 'additionalProperties': not is_closed}


def last_part(reference: str | int) -> str:
    """Return the id that a reference such as ``flavorRef`` names: the last part of its path."""
    return str(reference).rstrip('/').rpartition('/')[2]


def validate(schema: Schema, body: Any) -> None:
    """Raise ``BadRequest`` unless the body fulfils the schema. The text names the place, never the value."""
    try:
        _check_of(json.dumps(schema))(body)
    except fastjsonschema.JsonSchemaValueException as error:
        raise exception.BadRequest(f'Validation error: {_describe(error)}') from error


def is_valid(schema: Schema, value: Any) -> bool:
    """Return whether a value fulfils the schema, for values that do not come from a tenant."""
    try:
        _check_of(json.dumps(schema))(value)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


@functools.lru_cache(maxsize=512)
def _check_of(text: str) -> Callable[[Any], Any]:
    # Compiling takes milliseconds, so each schema is compiled once, by the first request that needs it.
    check: Callable[[Any], Any] = fastjsonschema.compile({'$schema': DRAFT, **json.loads(text)}, use_default=False)
    return check


def _describe(error: fastjsonschema.JsonSchemaValueException) -> str:
    place = 'instance' + ''.join(f'[{_key(part)}]' for part in error.path[1:])
    return f'{place} {error.message.removeprefix(error.name or "").strip()}.'


def _key(part: str) -> str:
    return part if part.isdigit() else repr(part)
