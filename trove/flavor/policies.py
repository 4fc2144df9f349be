"""Who may see flavors."""

from oslo_policy import policy as oslo_policy

from trove.common import policy

PATH = '/v1.0/{project_id}/flavors'


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [
        policy.rule('flavor:index', policy.ANYONE, 'List flavors.', ('GET', PATH)),
        policy.rule('flavor:show', policy.ANYONE, 'Show a flavor.', ('GET', PATH + '/{flavor_id}')),
    ]
