"""JSON schemas of databases, users, access and root."""

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
