"""Who may do what with datastores."""

from oslo_policy import policy as oslo_policy

from trove.common import policy

PATH = '/v1.0/{project_id}/datastores'
VERSIONS = PATH + '/{datastore}/versions'

RULES = (
    ('index', policy.ANYONE, 'List datastores.', ('GET', PATH)),
    ('show', policy.ANYONE, 'Show a datastore.', ('GET', PATH + '/{datastore}')),
    ('delete', policy.ADMIN, 'Remove a datastore.', ('DELETE', PATH + '/{datastore}')),
    ('version_index', policy.ANYONE, 'List the versions of a datastore.', ('GET', VERSIONS)),
    ('version_show', policy.ANYONE, 'Show a version of a datastore.', ('GET', VERSIONS + '/{version}')),
    ('version_show_by_uuid', policy.ANYONE, 'Show a version by its id.', ('GET', PATH + '/versions/{version}')),
    ('list_associated_flavors', policy.ANYONE, 'List flavors of a version.', ('GET', VERSIONS + '/{version}/flavors')),
    (
        'list_associated_volume_types',
        policy.ANYONE,
        'List volume types of a version.',
        ('GET', VERSIONS + '/{version}/volume-types'),
    ),
)


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [policy.rule(f'datastore:{name}', check, text, where) for name, check, text, where in RULES]
