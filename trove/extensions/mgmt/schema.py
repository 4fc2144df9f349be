"""JSON schemas of management."""

from trove.common import schema

PROJECT_ID_LENGTH = 64
MAX_LIMIT = 2**31 - 1
"""What the column of a limit holds."""

QUOTAS = schema.root(
    'quotas',
    {
        'type': 'object',
        'additionalProperties': {
            'anyOf': [{'type': 'integer', 'minimum': -1, 'maximum': MAX_LIMIT}, {'type': 'null'}],
        },
    },
)

INSTANCE_ACTION = {
    'type': 'object',
    'minProperties': 1,
    'maxProperties': 1,
    'additionalProperties': False,
    'properties': {
        'stop': {'type': 'object'},
        'reboot': {'type': 'object'},
        'migrate': {'type': 'object', 'properties': {'host': schema.STRING255}},
        'reset-task-status': {'type': 'object'},
        'rotate-guest-key': {'type': 'object'},
        'rebuild': {
            'type': 'object',
            'required': ['image_id'],
            'additionalProperties': False,
            'properties': {'image_id': schema.UUID},
        },
    },
}
