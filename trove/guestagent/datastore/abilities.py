"""What a datastore may be able to do beyond running: databases, users, root.

Three abstract classes say what an engine has to offer for each; three mixins
answer the guest's calls from them, or with "not supported" where there is none.
"""

import abc
from typing import Any, ClassVar, TypeVar

from trove.common import context as trove_context
from trove.common import exception, passwords
from trove.guestagent.datastore import description as datastore_description
from trove.guestagent.datastore import paging

Context = trove_context.TroveContext
Store = TypeVar('Store')

ANY_HOST = '%'


class DatabaseStore(abc.ABC):
    """Databases inside an engine: ``{"name", "character_set"?, "collate"?}``; the reserved ones are never shown."""

    @abc.abstractmethod
    def create(self, databases: list[dict[str, Any]]) -> None:
        """Create databases; ``DatabaseExists`` when one is there, and then none is made."""

    @abc.abstractmethod
    def ensure(self, databases: list[dict[str, Any]]) -> None:
        """Create those that are not there."""

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Drop a database with all in it; ``DatabaseNotFound``."""

    @abc.abstractmethod
    def list_page(self, page: paging.Request) -> paging.Page:
        """Return a page of ``{"name"}`` in the order of the names' bytes."""


class UserStore(abc.ABC):
    """Users of an engine: ``{"name", "host", "password"?, "databases": [{"name"}]}``; reserved ones are never shown."""

    @abc.abstractmethod
    def create(self, users: list[dict[str, Any]]) -> None:
        """Create users with their grants; ``UserExists`` when one is there, and then none is made."""

    @abc.abstractmethod
    def ensure(self, users: list[dict[str, Any]]) -> None:
        """Create users, or give those that are there the password and the grants."""

    @abc.abstractmethod
    def delete(self, name: str, host: str) -> None:
        """Drop a user and end its sessions; ``UserNotFound``."""

    @abc.abstractmethod
    def get(self, name: str, host: str) -> dict[str, Any] | None:
        """Return ``{"name", "host", "databases"}``, or None."""

    @abc.abstractmethod
    def list_page(self, page: paging.Request) -> paging.Page:
        """Return a page of users in the order of the bytes of ``name@host``, which is the marker."""

    @abc.abstractmethod
    def update(self, name: str, host: str, attributes: dict[str, Any]) -> None:
        """Change ``{"name"?, "password"?, "host"?}``, keeping the grants; ``UserNotFound``, ``UserExists``."""

    @abc.abstractmethod
    def change_passwords(self, users: list[dict[str, Any]]) -> None:
        """Set passwords; ``UserNotFound`` when one is missing, and then none is changed."""

    @abc.abstractmethod
    def grant(self, name: str, host: str, databases: list[str]) -> None:
        """Let a user do everything in databases; ``UserNotFound``."""

    @abc.abstractmethod
    def revoke(self, name: str, host: str, database: str) -> None:
        """Take a database from a user; ``UserNotFound``, ``DatabaseNotFound`` when it had no such grant."""

    @abc.abstractmethod
    def list_access(self, name: str, host: str) -> list[dict[str, Any]]:
        """Return the ``{"name"}`` of the databases that a user may use; ``UserNotFound``."""


class RootAccount(abc.ABC):
    """The tenant's own administrator."""

    @abc.abstractmethod
    def enable(self, password: str) -> None:
        """Give root the password, making root if need be."""

    @abc.abstractmethod
    def disable(self) -> None:
        """Let nobody log in as root any more and end its sessions; it may be away already."""

    @abc.abstractmethod
    def is_enabled(self) -> bool:
        """Return whether root can log in."""


class Ability:
    """Base of the calls: what the engine offers."""

    description: ClassVar[datastore_description.Description]
    databases: DatabaseStore | None = None
    users: UserStore | None = None
    root: RootAccount | None = None

    def _have(self, store: Store | None, operation: str) -> Store:
        if store is None:
            raise exception.DatastoreOperationNotSupported(datastore=self.description.name, operation=operation)
        return store


class DatabaseCalls(Ability):
    """The calls about databases, see ``DatabaseStore``."""

    def create_database(self, context: Context, databases: list[dict[str, Any]]) -> None:
        """Create databases."""
        self._have(self.databases, 'create_database').create(databases)

    def delete_database(self, context: Context, database: dict[str, Any]) -> None:
        """Drop one database, ``{"name"}``."""
        self._have(self.databases, 'delete_database').delete(database['name'])

    def list_databases(
        self, context: Context, limit: int | None, marker: str | None, include_marker: bool
    ) -> paging.Page:
        """Return ``{"items": [{"name"}], "next_marker": str | None}``; pages are full."""
        return self._have(self.databases, 'list_databases').list_page(paging.Request(limit, marker, include_marker))


class UserCalls(Ability):
    """The calls about users, see ``UserStore``; a missing host means any."""

    def create_user(self, context: Context, users: list[dict[str, Any]]) -> None:
        """Create users."""
        self._have(self.users, 'create_user').create(users)

    def delete_user(self, context: Context, user: dict[str, Any]) -> None:
        """Drop one user, ``{"name", "host"?}``."""
        self._have(self.users, 'delete_user').delete(user['name'], user.get('host') or ANY_HOST)

    def get_user(self, context: Context, username: str, hostname: str) -> dict[str, Any] | None:
        """Return one user or None."""
        return self._have(self.users, 'get_user').get(username, hostname)

    def list_users(self, context: Context, limit: int | None, marker: str | None, include_marker: bool) -> paging.Page:
        """Return ``{"items": [user], "next_marker": str | None}``; pages are full."""
        return self._have(self.users, 'list_users').list_page(paging.Request(limit, marker, include_marker))

    def update_attributes(self, context: Context, username: str, hostname: str, user_attrs: dict[str, Any]) -> None:
        """Change one user."""
        self._have(self.users, 'update_attributes').update(username, hostname, user_attrs)

    def change_passwords(self, context: Context, users: list[dict[str, Any]]) -> None:
        """Set the passwords of ``{"name", "host"?, "password"}``."""
        self._have(self.users, 'change_passwords').change_passwords(users)

    def grant_access(self, context: Context, username: str, hostname: str, databases: list[str]) -> None:
        """Let a user use databases."""
        self._have(self.users, 'grant_access').grant(username, hostname, databases)

    def revoke_access(self, context: Context, username: str, hostname: str, database: str) -> None:
        """Take one database from a user."""
        self._have(self.users, 'revoke_access').revoke(username, hostname, database)

    def list_access(self, context: Context, username: str, hostname: str) -> list[dict[str, Any]]:
        """Return the databases that a user may use."""
        return self._have(self.users, 'list_access').list_access(username, hostname)


class RootCalls(Ability):
    """The calls about root, see ``RootAccount``."""

    def enable_root(self, context: Context, root_password: str | None = None) -> dict[str, Any]:
        """Give root the password, or a new one, and return ``{"name", "password"}``."""
        password = root_password or passwords.generate_password()
        self._have(self.root, 'enable_root').enable(password)
        return {'name': self.description.root_user_name, 'password': password}

    def disable_root(self, context: Context) -> None:
        """Take root away."""
        self._have(self.root, 'disable_root').disable()

    def is_root_enabled(self, context: Context) -> bool:
        """Return whether root can log in."""
        return self._have(self.root, 'is_root_enabled').is_enabled()
