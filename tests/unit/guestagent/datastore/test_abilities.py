"""Calls to what a datastore can and to what it cannot."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import exception
from trove.guestagent.datastore import paging

PAGE = paging.Request(2, 'm', True)
USER = {'name': 'joe'}
CALLS = [
    ('create_database', ([USER],), 'databases', ('create', [USER])),
    ('delete_database', (USER,), 'databases', ('delete', 'joe')),
    ('list_databases', (2, 'm', True), 'databases', ('list_page', PAGE)),
    ('create_user', ([USER],), 'users', ('create', [USER])),
    ('delete_user', (USER,), 'users', ('delete', 'joe', '%')),
    ('delete_user', ({**USER, 'host': '10.%'},), 'users', ('delete', 'joe', '10.%')),
    ('get_user', ('joe', '%'), 'users', ('get', 'joe', '%')),
    ('list_users', (2, 'm', True), 'users', ('list_page', PAGE)),
    ('update_attributes', ('joe', '%', {}), 'users', ('update', 'joe', '%', {})),
    ('change_passwords', ([USER],), 'users', ('change_passwords', [USER])),
    ('grant_access', ('joe', '%', ['db']), 'users', ('grant', 'joe', '%', ['db'])),
    ('revoke_access', ('joe', '%', 'db'), 'users', ('revoke', 'joe', '%', 'db')),
    ('list_access', ('joe', '%'), 'users', ('list_access', 'joe', '%')),
    ('enable_root', ('pw',), 'root', ('enable', 'pw')),
    ('disable_root', (), 'root', ('disable',)),
    ('is_root_enabled', (), 'root', ('is_enabled',)),
]


@pytest.mark.parametrize('method, arguments, store, expected', CALLS)
def test_call_reaches_the_store(tmp_path, method, arguments, store, expected):
    manager = doubles.FullManager(doubles.make_conf(tmp_path), doubles.MemoryServices())
    getattr(manager, method)(None, *arguments)
    assert getattr(manager, store).calls == [expected]


@pytest.mark.parametrize('method, arguments', [call[:2] for call in CALLS])
def test_call_without_a_store_is_not_supported(tmp_path, method, arguments):
    manager = doubles.StubManager(doubles.make_conf(tmp_path), doubles.MemoryServices())
    with pytest.raises(exception.DatastoreOperationNotSupported, match=f"'stub' .* '{method}'"):
        getattr(manager, method)(None, *arguments)


def test_root_gets_a_new_password_when_none_is_given(tmp_path):
    manager = doubles.FullManager(doubles.make_conf(tmp_path), doubles.MemoryServices())
    given = manager.enable_root(None)
    assert given['name'] == 'boss'
    assert manager.root.calls == [('enable', given['password'])]
    assert given['password'] != manager.enable_root(None)['password']
