"""Who may do what: the rules of all rooms and the question whether one allows a request."""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from trove.common import context as trove_context
from trove.common import exception, plugs

GROUP = 'trove.policies'
"""Entry points of what lists a room's rules, because this floor must not import the rooms above it."""

OPTS = [
    cfg.ListOpt(
        'admin_roles',
        default=[],
        help="More roles that make a user an administrator, beside what the policy rule 'context_is_admin' says.",
    ),
]

ADMIN = 'rule:admin'
ADMIN_OR_OWNER = 'rule:admin_or_owner'
"""For what only reads."""
ADMIN_OR_WRITER = 'rule:admin_or_writer'
"""For what changes something: as above, but for those who are readers and no more."""
ANYONE = ''
IS_ADMIN_RULE = 'context_is_admin'

BASE_RULES = [
    policy.RuleDefault(IS_ADMIN_RULE, 'role:admin', description='Who is an administrator.'),
    policy.RuleDefault('admin', 'is_admin:True', description='An administrator, of whatever project.'),
    policy.RuleDefault(
        'admin_or_owner',
        'rule:admin or project_id:%(tenant)s',
        description='An administrator, or a user of the project that the object belongs to; it is for reading.',
    ),
    policy.RuleDefault(
        'writer',
        'role:member or not role:reader',
        description='Whoever is more than a reader. Members are readers, too; a role of your own, given without '
        'reader, writes.',
    ),
    policy.RuleDefault(
        'admin_or_writer',
        'rule:admin or (rule:admin_or_owner and rule:writer)',
        description='An administrator, or a user of the project that the object belongs to who is more than a '
        'reader; it is for changing.',
    ),
]

_enforcers: dict[str, policy.Enforcer] = {}


def rule(name: str, check: str, description: str, *operations: tuple[str, str]) -> policy.DocumentedRuleDefault:
    """Return a rule for ``(HTTP method, path)`` operations."""
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        description=description,
        operations=[{'method': method, 'path': path} for method, path in operations],
    )


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of all rooms, for the enforcer and for the sample file."""
    found: list[policy.RuleDefault] = list(BASE_RULES)
    for list_of_room in plugs.load_all(GROUP).values():
        found += list_of_room()
    return found


def start(conf: cfg.ConfigOpts, rules: Iterable[policy.RuleDefault] | None = None) -> None:
    """Make the enforcer of this process from the rules' defaults and the operator's policy file."""
    conf.register_opts(OPTS)
    enforcer = policy.Enforcer(conf)
    enforcer.suppress_default_change_warnings = True
    enforcer.register_defaults(list_rules() if rules is None else list(rules))
    _enforcers['web'] = enforcer


def register(rules: Iterable[policy.RuleDefault]) -> list[str]:
    """Add the rules of an extension; known ones do no harm. Return the names of those that are known as other rules."""
    enforcer = _enforcers['web']
    wanted = list(rules)
    known = dict(enforcer.registered_rules)
    enforcer.register_defaults([new for new in wanted if new.name not in known])
    return sorted(new.name for new in wanted if new.name in known and new.check_str != known[new.name].check_str)


def is_admin(context: trove_context.TroveContext, admin_roles: Iterable[str]) -> bool:
    """Return whether the context's roles make an administrator."""
    if set(admin_roles) & set(context.roles):
        return True
    return bool(_enforcers['web'].enforce(IS_ADMIN_RULE, {}, _credentials(context)))


def authorize(context: trove_context.TroveContext, name: str, project_id: str | None = None) -> None:
    """Raise ``PolicyNotAuthorized`` unless the rule allows it on an object of a project (default: the caller's own)."""
    target = {'tenant': context.project_id if project_id is None else project_id}
    if not _enforcers['web'].enforce(name, target, _credentials(context)):
        raise exception.PolicyNotAuthorized(action=name)


def require_admin(context: trove_context.TroveContext) -> None:
    """Raise ``Unauthorized`` unless the caller is an administrator: what management answers, 401 and not 403."""
    if not context.is_admin:
        raise exception.Unauthorized('Only an administrator may do this.')


def _credentials(context: trove_context.TroveContext) -> dict[str, Any]:
    return {
        'user_id': context.user_id,
        'project_id': context.project_id,
        'tenant': context.project_id,
        'roles': context.roles,
        'is_admin': context.is_admin,
    }
