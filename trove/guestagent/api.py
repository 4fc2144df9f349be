"""Door to the guest of one instance: jobs that are cast, questions that are called."""

from typing import Any

import oslo_messaging
from oslo_config import cfg

from trove.common import context as trove_context
from trove.common import exception, rpc
from trove.common.rpc import sealed

VERSION = '2.0'
OPTS = [
    cfg.IntOpt(
        'agent_call_low_timeout', default=15, min=1, help='Seconds to wait for a guest to answer a quick question.'
    ),
    cfg.IntOpt(
        'agent_call_high_timeout', default=180, min=1, help='Seconds to wait for a guest to carry out a slow request.'
    ),
]


def client_of(instance_id: str, keys: rpc.Keys) -> rpc.GuestClient:
    """Return what a door to the guest of an instance sends by; ``keys()`` gives the keys of the instance."""
    return rpc.GuestClient(instance_id, sealed.topic_of(instance_id), VERSION, keys)


class Door:
    """How a door to one guest sends."""

    def __init__(self, instance_id: str, conf: cfg.ConfigOpts, client: rpc.GuestClient) -> None:
        self._instance_id = instance_id
        self._conf = conf
        self._client = client

    def _call(self, context: trove_context.TroveContext, method: str, is_slow: bool = False, **arguments: Any) -> Any:
        seconds = self._conf.agent_call_high_timeout if is_slow else self._conf.agent_call_low_timeout
        try:
            return self._client.call(context, method, timeout_seconds=seconds, **arguments)
        except oslo_messaging.MessagingTimeout as error:
            raise exception.GuestTimeout(id=self._instance_id, seconds=seconds) from error
        except rpc.BusError as error:
            raise exception.ServiceUnavailable('The message bus is not available; try again.') from error


class JobDoor(Door):
    """Jobs: named by the operation; a repeated cast starts nothing twice."""

    def prepare(self, context: trove_context.TroveContext, job_id: str, request: dict[str, Any]) -> None:
        """Make the database from nothing; ``request`` is a packed ``PrepareRequest``."""
        self._client.cast(context, 'prepare', job_id=job_id, request=request)

    def restart(self, context: trove_context.TroveContext, job_id: str) -> None:
        """Restart the database service."""
        self._client.cast(context, 'restart', job_id=job_id)

    def stop_db(self, context: trove_context.TroveContext, job_id: str) -> None:
        """End the engine; it stays down until it is started, also over restarts of agent and server."""
        self._client.cast(context, 'stop_db', job_id=job_id)

    def start_db_with_conf_changes(
        self, context: trove_context.TroveContext, job_id: str, request: dict[str, Any]
    ) -> None:
        """Start the engine with a template written anew; ``request`` is a packed ``StartRequest``."""
        self._client.cast(context, 'start_db_with_conf_changes', job_id=job_id, request=request)

    def resize_fs(self, context: trove_context.TroveContext, job_id: str) -> None:
        """Grow the file system of the volume to the size of its device, while the engine serves."""
        self._client.cast(context, 'resize_fs', job_id=job_id)

    def rebuild(self, context: trove_context.TroveContext, job_id: str, request: dict[str, Any]) -> None:
        """Serve what lies on the volume after the server was made anew; ``request`` is a packed ``RebuildRequest``."""
        self._client.cast(context, 'rebuild', job_id=job_id, request=request)

    def rekey(self, context: trove_context.TroveContext, job_id: str, request: dict[str, Any]) -> None:
        """Take another key from now on; ``request`` is a packed ``RekeyRequest``."""
        self._client.cast(context, 'rekey', job_id=job_id, request=request)


class API(JobDoor):
    """Speaks to one guest. Questions raise ``GuestTimeout``, ``GuestError`` or what the guest raised."""

    # -- the agent ------------------------------------------------------------------------

    def rpc_ping(self, context: trove_context.TroveContext) -> bool:
        """Return whether the agent answers."""
        return bool(self._call(context, 'rpc_ping'))

    # -- databases ------------------------------------------------------------------------

    def create_database(self, context: trove_context.TroveContext, databases: list[dict[str, Any]]) -> None:
        """Create databases."""
        self._call(context, 'create_database', is_slow=True, databases=databases)

    def delete_database(self, context: trove_context.TroveContext, database: dict[str, Any]) -> None:
        """Drop one database."""
        self._call(context, 'delete_database', is_slow=True, database=database)

    def list_databases(
        self,
        context: trove_context.TroveContext,
        limit: int | None = None,
        marker: str | None = None,
        include_marker: bool = False,
    ) -> dict[str, Any]:
        """Return ``{"items": [{"name"}], "next_marker": str | None}``."""
        page: dict[str, Any] = self._call(
            context, 'list_databases', limit=limit, marker=marker, include_marker=include_marker
        )
        return page

    # -- users ----------------------------------------------------------------------------

    def create_user(self, context: trove_context.TroveContext, users: list[dict[str, Any]]) -> None:
        """Create users with their grants."""
        self._call(context, 'create_user', is_slow=True, users=users)

    def delete_user(self, context: trove_context.TroveContext, user: dict[str, Any]) -> None:
        """Drop one user, ``{"name", "host"}``."""
        self._call(context, 'delete_user', is_slow=True, user=user)

    def get_user(self, context: trove_context.TroveContext, username: str, hostname: str) -> dict[str, Any] | None:
        """Return ``{"name", "host", "databases"}`` or None."""
        user: dict[str, Any] | None = self._call(context, 'get_user', username=username, hostname=hostname)
        return user

    def list_users(
        self,
        context: trove_context.TroveContext,
        limit: int | None = None,
        marker: str | None = None,
        include_marker: bool = False,
    ) -> dict[str, Any]:
        """Return ``{"items": [user], "next_marker": str | None}``; the marker is ``name@host``."""
        page: dict[str, Any] = self._call(
            context, 'list_users', limit=limit, marker=marker, include_marker=include_marker
        )
        return page

    def update_attributes(
        self, context: trove_context.TroveContext, username: str, hostname: str, user_attrs: dict[str, Any]
    ) -> None:
        """Change name, password or host of one user."""
        self._call(
            context, 'update_attributes', is_slow=True, username=username, hostname=hostname, user_attrs=user_attrs
        )

    def change_passwords(self, context: trove_context.TroveContext, users: list[dict[str, Any]]) -> None:
        """Change passwords, ``[{"name", "host", "password"}]``."""
        self._call(context, 'change_passwords', is_slow=True, users=users)

    def list_access(self, context: trove_context.TroveContext, username: str, hostname: str) -> list[dict[str, Any]]:
        """Return the databases a user may use."""
        databases: list[dict[str, Any]] = self._call(context, 'list_access', username=username, hostname=hostname)
        return databases

    def grant_access(
        self, context: trove_context.TroveContext, username: str, hostname: str, databases: list[str]
    ) -> None:
        """Let a user use databases."""
        self._call(context, 'grant_access', username=username, hostname=hostname, databases=databases)

    def revoke_access(self, context: trove_context.TroveContext, username: str, hostname: str, database: str) -> None:
        """Take one database from a user."""
        self._call(context, 'revoke_access', username=username, hostname=hostname, database=database)

    # -- root -----------------------------------------------------------------------------

    def enable_root(self, context: trove_context.TroveContext, root_password: str | None = None) -> dict[str, Any]:
        """Enable root with the given or a new password; return ``{"name", "password"}``."""
        user: dict[str, Any] = self._call(context, 'enable_root', is_slow=True, root_password=root_password)
        return user

    def disable_root(self, context: trove_context.TroveContext) -> None:
        """Take root away."""
        self._call(context, 'disable_root', is_slow=True)

    def is_root_enabled(self, context: trove_context.TroveContext) -> bool:
        """Return whether root exists in the engine."""
        return bool(self._call(context, 'is_root_enabled'))
