import pytest
from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from trove.common import context, exception, policy

RULES = [
    *policy.BASE_RULES,
    policy.rule('anyone', policy.ANYONE, 'Anyone.', ('GET', '/')),
    policy.rule('owner', policy.ADMIN_OR_OWNER, 'Owner.', ('GET', '/')),
    policy.rule('writing', policy.ADMIN_OR_WRITER, 'Writing.', ('POST', '/')),
    policy.rule('admin_only', policy.ADMIN, 'Admin.', ('GET', '/')),
]


@pytest.fixture(autouse=True)
def enforcer():
    conf = cfg.ConfigOpts()
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    policy.start(conf, RULES)


def caller(*roles, is_admin=False):
    return context.TroveContext(user_id='u', project_id='p', roles=list(roles), is_admin=is_admin)


def test_administrators_are_told_by_their_role():
    assert policy.is_admin(caller('admin'), [])
    assert not policy.is_admin(caller('member'), [])
    assert policy.is_admin(caller('operator'), ['operator'])


def test_owners_may():
    policy.authorize(caller('member'), 'owner')
    policy.authorize(caller('member'), 'owner', 'p')


@pytest.mark.parametrize('roles', [('member', 'reader'), ('member',), ('operator-of-databases',), ()])
def test_whoever_is_more_than_a_reader_writes(roles):
    policy.authorize(caller(*roles), 'writing', 'p')
    with pytest.raises(exception.PolicyNotAuthorized):
        policy.authorize(caller(*roles), 'writing', 'another')


@pytest.mark.parametrize('roles', [('reader',), ('reader', 'operator-of-databases')])
def test_a_reader_reads(roles):
    policy.authorize(caller(*roles), 'owner', 'p')
    with pytest.raises(exception.PolicyNotAuthorized):
        policy.authorize(caller(*roles), 'writing', 'p')


def test_strangers_may_not():
    with pytest.raises(exception.PolicyNotAuthorized, match="Policy doesn't allow owner to be performed"):
        policy.authorize(caller('member'), 'owner', 'another')


def test_administrators_may():
    policy.authorize(caller('admin', is_admin=True), 'owner', 'another')
    policy.authorize(caller('admin', is_admin=True), 'admin_only')
    policy.authorize(caller('admin', 'reader', is_admin=True), 'writing', 'another')


def test_only_administrators_may():
    with pytest.raises(exception.PolicyNotAuthorized):
        policy.authorize(caller('member'), 'admin_only')


def test_anyone_may():
    policy.authorize(caller(), 'anyone', 'another')


def test_an_unknown_rule_allows_nothing():
    with pytest.raises(exception.PolicyNotAuthorized):
        policy.authorize(caller('admin', is_admin=True), 'unheard_of')


def test_management_answers_401():
    policy.require_admin(caller(is_admin=True))
    with pytest.raises(exception.Unauthorized):
        policy.require_admin(caller())


def test_extensions_add_rules():
    policy.register([RULES[-1], policy.rule('added', policy.ANYONE, 'Added.', ('GET', '/'))])
    policy.authorize(caller(), 'added')


def test_every_rule_is_named_once_and_documented():
    rules = policy.list_rules()
    names = [rule.name for rule in rules]
    assert len(names) == len(set(names))
    assert {'instance:create', 'datastore:index', 'flavor:show', 'limits:index'} <= set(names)
    assert all(rule.description for rule in rules)


def test_what_changes_something_is_not_for_readers():
    checks = {
        (rule.check_str, operation['method'])
        for rule in policy.list_rules()
        if isinstance(rule, oslo_policy.DocumentedRuleDefault)
        for operation in rule.operations
    }
    assert {check for check, method in checks if method != 'GET'} <= {policy.ADMIN_OR_WRITER, policy.ADMIN}
    assert {check for check, method in checks if method == 'GET'} <= {
        policy.ADMIN_OR_OWNER,
        policy.ADMIN,
        policy.ANYONE,
    }
