"""The agent's RPC endpoint: jobs are named and run by themselves, everything else is asked of the datastore."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import oslo_messaging
from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common import exception, rpc, states, wire
from trove.guestagent import jobs as guest_jobs
from trove.guestagent import requests
from trove.guestagent.datastore import manager as datastore_manager
from trove.guestagent.datastore import status as datastore_status

LOG = logging.getLogger(__name__)

VERSION = '2.0'

Context = trove_context.TroveContext
Parameters = ParamSpec('Parameters')
Answer = TypeVar('Answer')
Endpoint = TypeVar('Endpoint')


def answers(
    method: Callable[Concatenate[Endpoint, Parameters], Answer],
) -> Callable[Concatenate[Endpoint, Parameters], Answer]:
    """Expose a method on the bus; an unexpected error becomes a ``GuestError`` without its text.

    That text may quote a statement, and with it a password.
    """

    @functools.wraps(method)
    def guarded(self: Endpoint, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        try:
            return method(self, *args, **kwargs)
        except exception.TroveError:
            # It goes to the caller, who asked for what cannot be; it is no failure of ours to be logged.
            raise
        except Exception as error:
            LOG.exception('Call %s failed unexpectedly', method.__name__)
            reason = f'unexpected {type(error).__name__} in {method.__name__}'
            raise exception.GuestError(reason=reason) from None

    exposed: Callable[Concatenate[Endpoint, Parameters], Answer] = rpc.expose(guarded)
    return exposed


class Asked:
    """Base of the endpoint's parts: what they ask."""

    def __init__(
        self,
        datastore: datastore_manager.Manager,
        status: datastore_status.Status,
        jobs: guest_jobs.Jobs,
        renew_key: Callable[[requests.RekeyRequest], None],
    ) -> None:
        self._datastore = datastore
        self._status = status
        self._jobs = jobs
        self._renew_key = renew_key


class DatabaseCalls(Asked):
    """Databases inside the engine; see ``datastore.abilities`` for what each does."""

    @answers
    def create_database(self, context: Context, databases: list[dict[str, Any]]) -> None:
        self._datastore.create_database(context, databases)

    @answers
    def delete_database(self, context: Context, database: dict[str, Any]) -> None:
        self._datastore.delete_database(context, database)

    @answers
    def list_databases(
        self, context: Context, limit: int | None = None, marker: str | None = None, include_marker: bool = False
    ) -> dict[str, Any]:
        return self._datastore.list_databases(context, limit, marker, include_marker)


class UserCalls(Asked):
    """Users of the engine; see ``datastore.abilities`` for what each does."""

    @answers
    def create_user(self, context: Context, users: list[dict[str, Any]]) -> None:
        self._datastore.create_user(context, users)

    @answers
    def delete_user(self, context: Context, user: dict[str, Any]) -> None:
        self._datastore.delete_user(context, user)

    @answers
    def get_user(self, context: Context, username: str, hostname: str) -> dict[str, Any] | None:
        return self._datastore.get_user(context, username, hostname)

    @answers
    def list_users(
        self, context: Context, limit: int | None = None, marker: str | None = None, include_marker: bool = False
    ) -> dict[str, Any]:
        return self._datastore.list_users(context, limit, marker, include_marker)

    @answers
    def update_attributes(self, context: Context, username: str, hostname: str, user_attrs: dict[str, Any]) -> None:
        self._datastore.update_attributes(context, username, hostname, user_attrs)

    @answers
    def change_passwords(self, context: Context, users: list[dict[str, Any]]) -> None:
        self._datastore.change_passwords(context, users)

    @answers
    def grant_access(self, context: Context, username: str, hostname: str, databases: list[str]) -> None:
        self._datastore.grant_access(context, username, hostname, databases)

    @answers
    def revoke_access(self, context: Context, username: str, hostname: str, database: str) -> None:
        self._datastore.revoke_access(context, username, hostname, database)

    @answers
    def list_access(self, context: Context, username: str, hostname: str) -> list[dict[str, Any]]:
        return self._datastore.list_access(context, username, hostname)


class RootCalls(Asked):
    """The tenant's administrator; see ``datastore.abilities`` for what each does."""

    @answers
    def enable_root(self, context: Context, root_password: str | None = None) -> dict[str, Any]:
        return self._datastore.enable_root(context, root_password)

    @answers
    def disable_root(self, context: Context) -> None:
        self._datastore.disable_root(context)

    @answers
    def is_root_enabled(self, context: Context) -> bool:
        return self._datastore.is_root_enabled(context)


class JobCalls(Asked):
    """Work that takes time: each call starts a named job and returns at once."""

    @answers
    def prepare(self, context: Context, job_id: str, request: dict[str, Any]) -> None:
        """Start the named job that makes the database; ``request`` is a packed ``PrepareRequest``."""
        unpacked = wire.unpack(requests.PrepareRequest, request)

        def work() -> None:
            with self._status.preparing():
                self._datastore.prepare(context, unpacked)

        self._jobs.start(context, job_id, work)

    @answers
    def restart(self, context: Context, job_id: str) -> None:
        """Start the named job that restarts the engine."""

        def work() -> None:
            with self._status.saying(states.RESTARTING):
                self._datastore.restart(context)

        self._jobs.start(context, job_id, work)

    @answers
    def stop_db(self, context: Context, job_id: str) -> None:
        """Start the named job that ends the engine; it stays down until it is started."""
        self._jobs.start(context, job_id, lambda: self._datastore.stop(context))

    @answers
    def start_db_with_conf_changes(self, context: Context, job_id: str, request: dict[str, Any]) -> None:
        """Start the named job that starts the engine with a new template; ``request`` is a packed ``StartRequest``."""
        unpacked = wire.unpack(requests.StartRequest, request)
        self._jobs.start(context, job_id, lambda: self._datastore.start_with_changes(context, unpacked))

    @answers
    def resize_fs(self, context: Context, job_id: str) -> None:
        """Start the named job that grows the file system of the volume to its device."""
        self._jobs.start(context, job_id, lambda: self._datastore.resize_fs(context))

    @answers
    def rebuild(self, context: Context, job_id: str, request: dict[str, Any]) -> None:
        """Start the named job that serves what lies on the volume; ``request`` is a packed ``RebuildRequest``."""
        unpacked = wire.unpack(requests.RebuildRequest, request)

        def work() -> None:
            with self._status.preparing():
                self._datastore.rebuild(context, unpacked)

        self._jobs.start(context, job_id, work)

    @answers
    def rekey(self, context: Context, job_id: str, request: dict[str, Any]) -> None:
        """Start the named job that takes another key; ``request`` is a packed ``RekeyRequest``."""
        unpacked = wire.unpack(requests.RekeyRequest, request)
        self._jobs.start(context, job_id, lambda: self._renew_key(unpacked))


class Manager(DatabaseCalls, UserCalls, RootCalls, JobCalls):
    """All that a guest answers on its topic."""

    target = oslo_messaging.Target(version=VERSION)

    @answers
    def rpc_ping(self, context: Context) -> bool:
        """Say that the agent lives."""
        return True
