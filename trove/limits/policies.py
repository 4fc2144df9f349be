"""Who may see limits."""

from oslo_policy import policy as oslo_policy

from trove.common import policy


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [
        policy.rule(
            'limits:index', policy.ADMIN_OR_OWNER, "List the project's limits.", ('GET', '/v1.0/{project_id}/limits')
        )
    ]
