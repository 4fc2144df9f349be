"""Who may do what with instances."""

from oslo_policy import policy as oslo_policy

from trove.common import policy

PATH = '/v1.0/{project_id}/instances'
ONE = PATH + '/{instance_id}'
ACTION = ONE + '/action'

RULES = (
    ('create', policy.ADMIN_OR_WRITER, 'Create an instance.', ('POST', PATH)),
    ('index', policy.ADMIN_OR_OWNER, 'List instances.', ('GET', PATH)),
    ('detail', policy.ADMIN_OR_OWNER, 'List instances with details.', ('GET', PATH + '/detail')),
    ('show', policy.ADMIN_OR_OWNER, 'Show an instance.', ('GET', ONE)),
    ('update', policy.ADMIN_OR_WRITER, 'Change an instance.', ('PUT', ONE)),
    ('edit', policy.ADMIN_OR_WRITER, 'Change parts of an instance.', ('PATCH', ONE)),
    ('delete', policy.ADMIN_OR_WRITER, 'Delete an instance.', ('DELETE', ONE)),
    ('force_delete', policy.ADMIN_OR_WRITER, 'Reset an instance in order to delete it.', ('POST', ACTION)),
    ('restart', policy.ADMIN_OR_WRITER, 'Restart the database service.', ('POST', ACTION)),
    ('resize_flavor', policy.ADMIN_OR_WRITER, 'Give an instance another flavor.', ('POST', ACTION)),
    ('resize_volume', policy.ADMIN_OR_WRITER, 'Make the volume of an instance larger.', ('POST', ACTION)),
    ('reset_status', policy.ADMIN, 'Reset the status of an instance.', ('POST', ACTION)),
)


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [policy.rule(f'instance:{name}', check, text, where) for name, check, text, where in RULES]
