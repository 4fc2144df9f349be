"""What bodies look like."""

from trove.common import schema

TEXT = {'type': 'string', 'minLength': 1, 'maxLength': 255}
CREATE = schema.root(
    'note',
    {
        'type': 'object',
        'required': ['instance_id', 'text'],
        'additionalProperties': False,
        'properties': {'instance_id': schema.UUID, 'text': TEXT},
    },
)
UPDATE = schema.root(
    'note',
    {'type': 'object', 'required': ['text'], 'additionalProperties': False, 'properties': {'text': TEXT}},
)
TOUCH = {'type': 'object', 'required': ['text'], 'additionalProperties': False, 'properties': {'text': TEXT}}
"""The value of the action, without its name."""
