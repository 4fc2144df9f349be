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
    ('database:create', 'Create databases.', ('POST', DATABASES)),
    ('database:delete', 'Drop a database.', ('DELETE', DATABASES + '/{database}')),
    ('database:index', 'List databases.', ('GET', DATABASES)),
    ('database:show', 'Show a database.', ('GET', DATABASES + '/{database}')),
    ('user:create', 'Create users.', ('POST', USERS)),
    ('user:delete', 'Drop a user.', ('DELETE', USER)),
    ('user:index', 'List users.', ('GET', USERS)),
    ('user:show', 'Show a user.', ('GET', USER)),
    ('user:update', 'Change name, password or host of a user.', ('PUT', USER)),
    ('user:update_all', 'Change passwords of users.', ('PUT', USERS)),
    ('user_access:index', 'List the databases that a user may use.', ('GET', ACCESS)),
    ('user_access:update', 'Let a user use databases.', ('PUT', ACCESS)),
    ('user_access:delete', 'Take a database from a user.', ('DELETE', ACCESS + '/{database}')),
    ('root:create', 'Enable root.', ('POST', ROOT)),
    ('root:delete', 'Disable root.', ('DELETE', ROOT)),
    ('root:index', 'See whether root is enabled.', ('GET', ROOT)),
)


def list_rules() -> list[oslo_policy.RuleDefault]:
    """Return the rules of this room."""
    return [
        policy.rule(f'instance:extension:{name}', policy.ADMIN_OR_OWNER, text, where) for name, text, where in RULES
    ]
