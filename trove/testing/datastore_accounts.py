"""The contract of datastores, as tests: root, databases and users, as far as they are declared."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trove.common import exception
from trove.testing import guests

Guest = guests.Guest
CONTEXT = guests.CONTEXT
ROOT_PASSWORD, USER_PASSWORD = guests.ROOT_PASSWORD, guests.USER_PASSWORD


def _names(page: Any) -> list[str]:
    return [item['name'] for item in page['items']]


def _databases(guest: Guest) -> list[str]:
    return _names(guest.manager.list_databases(CONTEXT, None, None, False))


class RootContract(guests.Guests):
    """Held against datastores with an account for the tenant's administrator."""

    def test_root_is_enabled_and_disabled(self, served: Guest) -> None:
        if not served.description.has_root:
            pytest.skip(f'{served.name} has no root')
        manager = served.manager
        assert manager.is_root_enabled(CONTEXT)
        given = manager.enable_root(CONTEXT)
        assert given['name'] == served.description.root_user_name
        assert len(given['password']) >= 20
        with pytest.raises(guests.Refused):
            served.enter()
        served.enter(given['password'])
        manager.disable_root(CONTEXT)
        manager.disable_root(CONTEXT)
        assert not manager.is_root_enabled(CONTEXT)
        with pytest.raises(guests.Refused):
            served.enter(given['password'])
        manager.restart(CONTEXT)
        with pytest.raises(guests.Refused):
            served.enter(given['password'])
        assert manager.enable_root(CONTEXT, ROOT_PASSWORD)['password'] == ROOT_PASSWORD
        assert manager.is_root_enabled(CONTEXT)
        manager.restart(CONTEXT)
        served.enter()


class DatabasesContract(guests.Guests):
    """Held against datastores with databases."""

    @pytest.fixture
    def databases(self, served: Guest) -> Guest:
        """The shared guest, of a datastore with databases."""
        if not served.description.has_databases:
            pytest.skip(f'{served.name} has no databases')
        return served

    def test_databases_are_paged_by_name(self, databases: Guest) -> None:
        manager = databases.manager
        made = [f'page_{number}' for number in range(5)] + ['Page_0']
        manager.create_database(CONTEXT, [{'name': name} for name in made])
        try:
            everything = _databases(databases)
            assert everything == sorted(['first_db', 'second-db', *made])
            assert self.turn_pages(databases, 3) == everything
            assert _names(manager.list_databases(CONTEXT, 1, 'page_2', True)) == ['page_2']
            assert _names(manager.list_databases(CONTEXT, 1, 'page_2', False)) == ['page_3']
            assert manager.list_databases(CONTEXT, 2, 'zzz', False) == {'items': [], 'next_marker': None}
            assert not set(everything) & databases.description.reserved_databases
        finally:
            for name in made:
                manager.delete_database(CONTEXT, {'name': name})

    @staticmethod
    def turn_pages(guest: Guest, size: int) -> list[str]:
        """Return the names of all databases, read page by page; each page but the last is full."""
        marker, seen = None, []
        while True:
            page = guest.manager.list_databases(CONTEXT, size, marker, False)
            seen += _names(page)
            marker = page['next_marker']
            if marker is None:
                return seen
            assert len(page['items']) == size

    def test_database_that_exists_is_refused_and_none_is_made(self, databases: Guest) -> None:
        with pytest.raises(exception.DatabaseExists):
            databases.manager.create_database(CONTEXT, [{'name': 'other'}, {'name': 'first_db'}])
        assert 'other' not in _databases(databases)

    def test_missing_or_reserved_database_is_not_found(self, databases: Guest) -> None:
        for name in ('missing', *databases.description.reserved_databases):
            with pytest.raises(exception.NotFound):
                databases.manager.delete_database(CONTEXT, {'name': name})

    def test_database_in_use_is_dropped(self, databases: Guest) -> None:
        databases.manager.create_database(CONTEXT, [{'name': 'in-use'}])
        if databases.description.has_root:
            databases.login(databases.description.root_user_name, ROOT_PASSWORD, 'in-use')
        databases.manager.delete_database(CONTEXT, {'name': 'in-use'})
        assert 'in-use' not in _databases(databases)

    def test_character_set_and_collation(self, databases: Guest) -> None:
        if self.world.character_set is None:
            pytest.skip(f'databases of {databases.name} have no character set')
        known, collate = self.world.character_set
        created = {'name': 'charset', 'character_set': known, 'collate': collate}
        databases.manager.create_database(CONTEXT, [created])
        databases.manager.delete_database(CONTEXT, {'name': 'charset'})
        with pytest.raises(exception.TroveError) as caught:
            databases.manager.create_database(CONTEXT, [{'name': 'charset', 'character_set': 'nonsense'}])
        assert caught.value.code == 400


class UsersContract(guests.Guests):
    """Held against datastores with users; what is about grants, against those that have databases, too."""

    @pytest.fixture
    def users(self, served: Guest) -> Guest:
        """The shared guest, of a datastore with users."""
        if not served.description.has_users:
            pytest.skip(f'{served.name} has no users')
        return served

    @pytest.fixture
    def granting(self, users: Guest) -> Guest:
        """The shared guest, of a datastore whose users are granted databases."""
        if not users.description.has_databases:
            pytest.skip(f'{users.name} has no databases to grant')
        return users

    @pytest.fixture
    def ann(self, granting: Guest) -> Iterator[Guest]:
        """A user of two databases."""
        user = {'name': 'ann', 'host': '%', 'password': USER_PASSWORD}
        granted = [{'name': 'first_db'}, {'name': 'second-db'}]
        granting.manager.create_user(CONTEXT, [{**user, 'databases': granted}])
        yield granting
        for name in ('ann', 'bea'):
            if granting.manager.get_user(CONTEXT, name, '%') is not None:
                granting.manager.delete_user(CONTEXT, {'name': name, 'host': '%'})

    def test_user_works_in_its_databases_only(self, ann: Guest) -> None:
        ann.manager.create_database(CONTEXT, [{'name': 'firstXdb'}])
        try:
            query = ann.login('ann', USER_PASSWORD, 'first_db')
            for statement in self.world.work:
                query(statement)
            with pytest.raises(guests.Refused):
                ann.login('ann', USER_PASSWORD, 'firstXdb')
        finally:
            ann.manager.delete_database(CONTEXT, {'name': 'firstXdb'})

    def test_user_is_shown_and_listed(self, ann: Guest) -> None:
        granted = [{'name': 'first_db'}, {'name': 'second-db'}]
        assert ann.manager.get_user(CONTEXT, 'ann', '%') == {'name': 'ann', 'host': '%', 'databases': granted}
        assert ann.manager.list_access(CONTEXT, 'ann', '%') == granted
        page = ann.manager.list_users(CONTEXT, 1, None, False)
        assert (_names(page), page['next_marker']) == (['ann'], 'ann@%')
        page = ann.manager.list_users(CONTEXT, 1, page['next_marker'], False)
        assert (_names(page), page['next_marker']) == (['joe'], None)
        assert _names(ann.manager.list_users(CONTEXT, 1, 'joe@%', True)) == ['joe']
        for name in ann.description.reserved_users:
            assert ann.manager.get_user(CONTEXT, name, '%') is None

    def test_user_that_exists_is_refused_and_none_is_made(self, ann: Guest) -> None:
        wanted = [{'name': name, 'host': '%', 'password': USER_PASSWORD} for name in ('zoe', 'ann')]
        with pytest.raises(exception.UserExists):
            ann.manager.create_user(CONTEXT, wanted)
        assert ann.manager.get_user(CONTEXT, 'zoe', '%') is None

    def test_missing_or_reserved_user_is_not_found(self, users: Guest) -> None:
        for name in ('missing', *users.description.reserved_users):
            for call in self.calls_about(users, name):
                with pytest.raises(exception.UserNotFound):
                    call()

    @staticmethod
    def calls_about(guest: Guest, name: str) -> list[Callable[[], object]]:
        """Return all calls that need a user of this name."""
        manager = guest.manager
        calls: list[Callable[[], object]] = [
            lambda: manager.delete_user(CONTEXT, {'name': name, 'host': '%'}),
            lambda: manager.update_attributes(CONTEXT, name, '%', {'password': USER_PASSWORD}),
            lambda: manager.change_passwords(CONTEXT, [{'name': name, 'password': USER_PASSWORD}]),
        ]
        if guest.description.has_databases:
            calls += [
                lambda: manager.grant_access(CONTEXT, name, '%', ['first_db']),
                lambda: manager.revoke_access(CONTEXT, name, '%', 'first_db'),
                lambda: manager.list_access(CONTEXT, name, '%'),
            ]
        return calls

    def test_grants_are_given_and_taken(self, ann: Guest) -> None:
        manager = ann.manager
        manager.revoke_access(CONTEXT, 'ann', '%', 'first_db')
        assert manager.list_access(CONTEXT, 'ann', '%') == [{'name': 'second-db'}]
        with pytest.raises(guests.Refused):
            ann.login('ann', USER_PASSWORD, 'first_db')
        with pytest.raises(exception.DatabaseNotFound):
            manager.revoke_access(CONTEXT, 'ann', '%', 'first_db')
        manager.grant_access(CONTEXT, 'ann', '%', ['first_db'])
        manager.grant_access(CONTEXT, 'ann', '%', ['first_db'])
        ann.login('ann', USER_PASSWORD, 'first_db')

    def test_name_and_password_change_and_grants_stay(self, ann: Guest) -> None:
        ann.manager.update_attributes(CONTEXT, 'ann', '%', {'name': 'bea', 'password': 'An0therCanary'})
        assert ann.manager.get_user(CONTEXT, 'ann', '%') is None
        ann.login('bea', 'An0therCanary', 'first_db')
        ann.manager.change_passwords(CONTEXT, [{'name': 'bea', 'host': '%', 'password': USER_PASSWORD}])
        ann.login('bea', USER_PASSWORD, 'second-db')
        with pytest.raises(exception.UserExists):
            ann.manager.update_attributes(CONTEXT, 'bea', '%', {'name': 'joe'})

    def test_user_that_owns_things_and_is_logged_in_is_deleted(self, ann: Guest) -> None:
        make, drop = self.world.owned
        ann.login('ann', USER_PASSWORD, 'first_db')(make)
        ann.manager.delete_user(CONTEXT, {'name': 'ann', 'host': '%'})
        assert ann.manager.get_user(CONTEXT, 'ann', '%') is None
        with pytest.raises(guests.Refused):
            ann.login('ann', USER_PASSWORD, 'first_db')
        ann.enter()(drop)

    def test_names_and_passwords_are_never_read_as_statements(self, granting: Guest) -> None:
        manager = granting.manager
        odd = {'name': 'o\'dd"`; --', 'host': '%', 'password': 'p\'w"\\;%s:x'}
        manager.create_user(CONTEXT, [{**odd, 'databases': [{'name': 'first_db'}]}])
        granting.login(odd['name'], odd['password'], 'first_db')
        manager.change_passwords(CONTEXT, [{**odd, 'password': 'é%s\'"'}])
        manager.revoke_access(CONTEXT, odd['name'], '%', 'first_db')
        manager.delete_user(CONTEXT, odd)
        strange = 'd\'b"`%s; --'
        manager.create_database(CONTEXT, [{'name': strange}])
        manager.grant_access(CONTEXT, 'joe', '%', [strange])
        assert {'name': strange} in manager.list_access(CONTEXT, 'joe', '%')
        manager.revoke_access(CONTEXT, 'joe', '%', strange)
        manager.delete_database(CONTEXT, {'name': strange})
