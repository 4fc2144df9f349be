"""JSON schemas of the instance room."""

from trove.common import schema

ACCESS = {
    'type': 'object',
    'properties': {
        'is_public': {'type': 'boolean'},
        'allowed_cidrs': {'type': 'array', 'uniqueItems': True, 'items': schema.CIDR},
    },
}

CREATE = schema.root(
    'instance',
    {
        'type': 'object',
        'required': ['name'],
        'properties': {
            'name': schema.STRING255,
            'flavorRef': schema.FLAVOR_REF,
            'volume': schema.VOLUME,
            'databases': schema.DATABASES,
            'users': schema.USERS,
            'nics': schema.NICS,
            'access': ACCESS,
            'availability_zone': schema.STRING255,
            'datastore': {
                'type': 'object',
                'properties': {
                    'type': schema.STRING255,
                    'version': schema.STRING255,
                    'version_number': schema.STRING255,
                },
            },
            'replica_of': schema.UUID,
            'replica_count': {'type': 'integer', 'minimum': 1, 'maximum': 3},
            'restorePoint': {'type': 'object', 'required': ['backupRef'], 'properties': {'backupRef': schema.UUID}},
            'modules': {
                'type': 'array',
                'items': {'type': 'object', 'required': ['id'], 'properties': {'id': schema.UUID}},
            },
            'locality': schema.STRING255,
            'region_name': schema.STRING255,
        },
    },
)

UPDATE = schema.root(
    'instance',
    {
        'type': 'object',
        'additionalProperties': False,
        'properties': {
            'name': schema.STRING255,
            'replica_of': {'anyOf': [{'type': 'string'}, {'type': 'null'}]},
            'configuration': schema.UUID_OR_NULL,
            'datastore_version': {'type': 'string', 'minLength': 1},
            'access': {**ACCESS, 'additionalProperties': False},
        },
    },
)

EDIT = schema.root(
    'instance',
    {
        'type': 'object',
        'additionalProperties': False,
        'properties': {
            'name': schema.STRING255,
            'replica_of': {},
            'slave_of': {},
            'configuration': schema.UUID_OR_NULL,
            'datastore_version': {'type': 'string', 'minLength': 1},
        },
    },
)

ACTION = {
    'type': 'object',
    'minProperties': 1,
    'maxProperties': 1,
    'additionalProperties': False,
    'properties': {
        'restart': {'type': 'object'},
        'reset_status': {'type': 'object'},
        'resize': {
            'type': 'object',
            'minProperties': 1,
            'maxProperties': 1,
            'additionalProperties': False,
            'properties': {'volume': schema.VOLUME, 'flavorRef': schema.FLAVOR_REF},
        },
        'promote_to_replica_source': {},
        'eject_replica_source': {},
    },
}
