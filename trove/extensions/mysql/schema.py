"""JSON schemas of databases, users, access and root: of what tenants send and of what guests answer."""

from trove.common import schema

DATABASES = schema.root('databases', schema.DATABASES)
USERS = schema.root('users', schema.USERS)
PASSWORDS = schema.root('users', schema.USERS, is_closed=True)
USER_UPDATE = schema.root(
    'user',
    {
        'type': 'object',
        'minProperties': 1,
        'additionalProperties': False,
        'properties': {'name': schema.NAME, 'password': schema.STRING255, 'host': schema.HOST},
    },
)
ACCESS = schema.root('databases', schema.DATABASE_NAMES)
ROOT = {'type': 'object', 'properties': {'password': schema.STRING255}}


def _page_of(item: schema.Schema) -> schema.Schema:
    return {
        'type': 'object',
        'required': ['items', 'next_marker'],
        'properties': {
            'items': {'type': 'array', 'items': item},
            'next_marker': {'anyOf': [{'type': 'string'}, {'type': 'null'}]},
        },
    }


_TEXT = {'type': 'string'}
_DATABASE_ANSWER = {'type': 'object', 'required': ['name'], 'properties': {'name': _TEXT}}
DATABASES_ANSWER = {'type': 'array', 'items': _DATABASE_ANSWER}
USER_ANSWER = {
    'type': 'object',
    'required': ['name', 'host', 'databases'],
    'properties': {'name': _TEXT, 'host': _TEXT, 'databases': DATABASES_ANSWER},
}
DATABASE_PAGE_ANSWER = _page_of(_DATABASE_ANSWER)
USER_PAGE_ANSWER = _page_of(USER_ANSWER)
ROOT_ANSWER = {
    'type': 'object',
    'required': ['name', 'password'],
    'properties': {'name': _TEXT, 'password': _TEXT},
}
