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
