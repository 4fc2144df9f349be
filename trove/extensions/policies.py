"""Who may do what inside an instance: databases, users, their access, root."""

from oslo_policy import policy as oslo_policy

from trove.common import policy

INSTANCE = '/v1.0/{project_id}/instances/{instance_id}'
DATABASES = INSTANCE + '/databases'
USERS = INSTANCE + '/users'
USER = USERS + '/{user}'
ACCESS = USER + '/databases'
ROOT = INSTANCE + '/root'

RULES = (
    ('database:create', policy.ADMIN_OR_WRITER, 'Create databases.', ('POST', DATABASES)),
    ('database:delete', policy.ADMIN_OR_WRITER, 'Drop a database.', ('DELETE', DATABASES + '/{database}')),
    ('database:index', policy.ADMIN_OR_OWNER, 'List databases.', ('GET', DATABASES)),
    ('database:show', policy.ADMIN_OR_OWNER, 'Show a database.', ('GET', DATABASES + '/{database}')),
    ('user:create', policy.ADMIN_OR_WRITER, 'Create users.', ('POST', USERS)),
    ('user:delete', policy.ADMIN_OR_WRITER, 'Drop a user.', ('DELETE', USER)),
    ('user:index', policy.ADMIN_OR_OWNER, 'List users.', ('GET', USERS)),
    ('user:show', policy.ADMIN_OR_OWNER, 'Show a user.', ('GET', USER)),
    ('user:update', policy.ADMIN_OR_WRITER, 'Change name, password or host of a user.', ('PUT', USER)),
    ('user:update_all', policy.ADMIN_OR_WRITER, 'Change passwords of users.', ('PUT', USERS)),
    ('user_access:index', policy.ADMIN_OR_OWNER, 'List the databases that a user may use.', ('GET', ACCESS)),
    ('user_access:update', policy.ADMIN_OR_WRITER, 'Let a user use databases.', ('PUT', ACCESS)),
    ('user_access:delete', policy.ADMIN_OR_WRITER, 'Take a database from a user.', ('DELETE', ACCESS + '/{database}')),
    ('root:create', policy.ADMIN_OR_WRITER, 'Enable root.', ('POST', ROOT)),
    ('root:delete', policy.ADMIN_OR_WRITER, 'Disable root.', ('DELETE', ROOT)),
    ('root:index', policy.ADMIN_OR_OWNER, 'See whether root is enabled.', ('GET', ROOT)),
)


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [policy.rule(f'instance:extension:{name}', check, text, where) for name, check, text, where in RULES]
