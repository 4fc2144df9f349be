"""Who may read and write notes."""

from oslo_policy import policy as oslo_policy
from trove.common import policy

PATH = '/v1.0/{project_id}/acme-notes'
NOTE = f'{PATH}/{{note_id}}'
ACTION = '/v1.0/{project_id}/instances/{instance_id}/action'


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules."""
    return [
        policy.rule('acme:note:index', policy.ADMIN_OR_OWNER, 'See notes.', ('GET', PATH), ('GET', NOTE)),
        policy.rule('acme:note:create', policy.ADMIN_OR_WRITER, 'Write a note.', ('POST', PATH)),
        policy.rule('acme:note:update', policy.ADMIN_OR_WRITER, 'Change a note.', ('PUT', NOTE)),
        policy.rule('acme:note:delete', policy.ADMIN_OR_WRITER, 'Delete a note.', ('DELETE', NOTE)),
        policy.rule('acme:touch', policy.ADMIN_OR_WRITER, 'Touch an instance.', ('POST', ACTION)),
    ]
