"""Rules of databases, users and root inside an instance. The guest carries out what passes them."""

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from oslo_log import log as logging
from sqlalchemy import exc, orm

from trove.common import clock, exception, pagination, states
from trove.common import context as trove_context
from trove.common import schema as common_schema
from trove.datastore import descriptions
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables
from trove.extensions.mysql import schema
from trove.guestagent import api as guest_api
from trove.guestagent.datastore import description as datastore_description
from trove.instance import models as instance_models
from trove.instance import status

LOG = logging.getLogger(__name__)

ANY_HOST = '%'
READY = (states.RUNNING, states.HEALTHY)

GuestDoor = Callable[[str, cfg.ConfigOpts], guest_api.API]


@dataclasses.dataclass(frozen=True)
class Ready:
    """An instance whose database can be worked on."""

    context: trove_context.TroveContext
    instance_id: str
    datastore: datastore_description.Description
    guest: guest_api.API


class Gate:
    """Lets requests through to the databases that are ready for them."""

    def __init__(self, conf: cfg.ConfigOpts, guest_door: GuestDoor) -> None:
        self._conf = conf
        self._guest_door = guest_door

    def enter(self, context: trove_context.TroveContext, instance_id: str, wanted: str) -> Ready:
        """Return the instance when its datastore has what is wanted: ``databases``, ``users`` or ``root``.

        Raises ``InstanceNotFound``, ``DatastoreManagerUnsupported`` and ``InstanceNotReady``.
        """
        with get_db_api().reading() as session:
            found = instance_models.find(session, context, instance_id)
        datastore = descriptions.find(self._conf, found.manager)
        if not getattr(datastore, f'has_{wanted}'):
            raise exception.DatastoreManagerUnsupported(datastore=datastore.name, operation=wanted)
        expiry_seconds = self._conf.agent_heartbeat_expiry
        service = status.service_of(found.record, found.service, clock.utcnow(), expiry_seconds)
        if service not in READY:
            reason = f'its database service is {service.description}, not running'
            raise exception.InstanceNotReady(id=instance_id, reason=reason)
        return Ready(context, instance_id, datastore, self._guest_door(instance_id, self._conf))


# -- databases ----------------------------------------------------------------------------


def list_databases(ready: Ready, page: pagination.Page) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of databases and the marker of the next one."""
    answer = ready.guest.list_databases(ready.context, limit=page.limit, marker=page.marker)
    found = _trusted(ready, answer, schema.DATABASE_PAGE_ANSWER)
    return found['items'], found['next_marker']


def create_databases(ready: Ready, wanted: Iterable[dict[str, Any]]) -> None:
    """Create databases; ``BadRequest`` for names that the datastore does not take, ``DatabaseExists``."""
    databases = [_only(database, 'name', 'character_set', 'collate') for database in wanted]
    for database in databases:
        ready.datastore.validate_database(database)
    _refuse_twice([database['name'] for database in databases], exception.DatabaseExists)
    if databases:
        ready.guest.create_database(ready.context, databases)


def delete_database(ready: Ready, name: str) -> None:
    """Drop a database; ``DatabaseNotFound``, ``ReservedName``."""
    _refuse_reserved(ready.datastore.validate_database, {'name': name})
    ready.guest.delete_database(ready.context, {'name': name})


# -- users --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class UserId:
    """A user is known by its name and the host it may come from."""

    name: str
    host: str

    @classmethod
    def parse(cls, text: str) -> 'UserId':
        """Return the user of ``name`` or ``name@host``; the last ``@`` counts, one at the end is part of the name."""
        name, at, host = text.rpartition('@')
        return cls(name, host) if at and host else cls(text, ANY_HOST)

    def __str__(self) -> str:
        return f'{self.name}@{self.host}'


def list_users(ready: Ready, page: pagination.Page) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of users and the marker of the next one, ``name@host``."""
    answer = ready.guest.list_users(ready.context, limit=page.limit, marker=page.marker)
    found = _trusted(ready, answer, schema.USER_PAGE_ANSWER)
    return found['items'], found['next_marker']


def get_user(ready: Ready, user: UserId) -> dict[str, Any]:
    """Return a user; ``UserNotFound``, ``ReservedName``."""
    _refuse_reserved_user(ready, user)
    found = ready.guest.get_user(ready.context, user.name, user.host)
    if found is None:
        raise exception.UserNotFound(name=user)
    return dict(_trusted(ready, found, schema.USER_ANSWER))


def create_users(ready: Ready, wanted: Iterable[dict[str, Any]]) -> None:
    """Create users with access to databases, which need not exist; ``UserExists``."""
    users = [
        {
            **_only(user, 'name', 'password'),
            'host': _host(ready, user),
            'databases': [_only(database, 'name') for database in user.get('databases') or ()],
        }
        for user in wanted
    ]
    _check_users(ready, users)
    if users:
        ready.guest.create_user(ready.context, users)


def change_passwords(ready: Ready, wanted: Iterable[dict[str, Any]]) -> None:
    """Give several users other passwords; ``UserNotFound`` when one is missing, and none is changed then."""
    users = [{**_only(user, 'name', 'password'), 'host': _host(ready, user)} for user in wanted]
    _check_users(ready, users)
    if users:
        ready.guest.change_passwords(ready.context, users)


def update_user(ready: Ready, user: UserId, attributes: dict[str, Any]) -> None:
    """Change name, password or host of a user; ``UserNotFound``, ``UserExists``."""
    _refuse_reserved_user(ready, user)
    ready.datastore.validate_user(attributes)
    ready.guest.update_attributes(ready.context, user.name, user.host, attributes)


def delete_user(ready: Ready, user: UserId) -> None:
    """Drop a user; ``UserNotFound``."""
    _refuse_reserved_user(ready, user)
    ready.guest.delete_user(ready.context, {'name': user.name, 'host': user.host})


def _host(ready: Ready, user: dict[str, Any]) -> str:
    return user.get('host', ANY_HOST) if ready.datastore.has_user_hosts else ANY_HOST


def _check_users(ready: Ready, users: list[dict[str, Any]]) -> None:
    for user in users:
        ready.datastore.validate_user(user)
    _refuse_twice([str(UserId(user['name'], user['host'])) for user in users], exception.UserExists)


# -- access -------------------------------------------------------------------------------


def list_access(ready: Ready, user: UserId) -> list[dict[str, Any]]:
    """Return the databases that a user may use; ``UserNotFound``."""
    _refuse_reserved_user(ready, user)
    answer = ready.guest.list_access(ready.context, user.name, user.host)
    return list(_trusted(ready, answer, schema.DATABASES_ANSWER))


def grant_access(ready: Ready, user: UserId, databases: Iterable[dict[str, Any]]) -> None:
    """Let a user use databases, which need not exist; ``UserNotFound``."""
    _refuse_reserved_user(ready, user)
    wanted = [_only(database, 'name') for database in databases]
    for database in wanted:
        ready.datastore.validate_database(database)
    if wanted:
        ready.guest.grant_access(ready.context, user.name, user.host, [database['name'] for database in wanted])


def revoke_access(ready: Ready, user: UserId, database: str) -> None:
    """Take a database from a user; ``DatabaseNotFound`` when the user may not use it anyway."""
    _refuse_reserved(ready.datastore.validate_database, {'name': database})
    _refuse_reserved_user(ready, user)
    ready.guest.revoke_access(ready.context, user.name, user.host, database)


# -- root ---------------------------------------------------------------------------------


def is_root_enabled(instance_id: str) -> bool:
    """Return whether root was enabled and not disabled since; the guest is not asked."""
    with get_db_api().reading() as session:
        return _active_root(session, instance_id) is not None


def enable_root(ready: Ready, password: str | None) -> dict[str, Any]:
    """Give root the password or a new one, and remember who did it first; return ``{"name", "password"}``."""
    if password is not None:
        _check_root_password(ready.datastore, password)
    user = _trusted(ready, ready.guest.enable_root(ready.context, password), schema.ROOT_ANSWER)
    get_db_api().run(lambda session: _remember_root(session, ready))
    return {'name': user['name'], 'password': user['password']}


def disable_root(ready: Ready) -> None:
    """Take root away; ``RootHistoryNotFound`` when it is not enabled."""
    if not is_root_enabled(ready.instance_id):
        raise exception.RootHistoryNotFound(id=ready.instance_id)
    ready.guest.disable_root(ready.context)
    table = tables.root_histories.c
    get_db_api().run(
        lambda session: session.execute(
            sa.update(tables.root_histories)
            .where(table.active_key == ready.instance_id)
            .values(active_key=None, disabled_at=clock.utcnow())
        )
    )


def last_enabled(context: trove_context.TroveContext, instance_id: str) -> tuple[datetime.datetime, str | None] | None:
    """Return when root of an instance was enabled last and by whom, or None when it never was."""
    table = tables.root_histories.c
    with get_db_api().reading() as session:
        instance_models.find(session, context, instance_id)
        row = session.execute(
            sa.select(table.enabled_at, table.user_id)
            .where(table.instance_id == instance_id)
            .order_by(table.enabled_at.desc())
            .limit(1)
        ).one_or_none()
    return None if row is None else (row.enabled_at, row.user_id)


def enabled_root(instance_id: str) -> models.RootHistory | None:
    """Return who enabled root of an instance and when, or None while it is not enabled."""
    with get_db_api().reading() as session:
        return _active_root(session, instance_id)


def _active_root(session: orm.Session, instance_id: str) -> models.RootHistory | None:
    query = sa.select(models.RootHistory).where(tables.root_histories.c.active_key == instance_id)
    found: models.RootHistory | None = session.scalars(query).one_or_none()
    return found


def _remember_root(session: orm.Session, ready: Ready) -> None:
    if _active_root(session, ready.instance_id) is not None:
        return
    record = models.RootHistory(
        id=str(uuid.uuid4()),
        instance_id=ready.instance_id,
        active_key=ready.instance_id,
        user_id=ready.context.user_id,
        enabled_at=clock.utcnow(),
    )
    try:
        with session.begin_nested():
            session.add(record)
            session.flush()
    except exc.IntegrityError:
        # Another request enabled root at the same time and stands in the history now.
        return


def _check_root_password(datastore: datastore_description.Description, password: str) -> None:
    if datastore.has_users:
        datastore.validate_user({'password': password})
    elif not password.isprintable() or password != password.strip():
        raise exception.BadRequest('The password cannot be used: no control characters and no blanks at the ends.')


# -- what all of them share ---------------------------------------------------------------


def _trusted(ready: Ready, answer: Any, wanted: common_schema.Schema) -> Any:
    # A guest belongs to its tenant: whatever it answers must not get further than it would if it were well-behaved.
    if not common_schema.is_valid(wanted, answer):
        LOG.error('The guest of instance %s answered in a form that is not known', ready.instance_id)
        raise exception.GuestError(reason='it answered in a form that is not known')
    return answer


def _only(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _refuse_twice(names: list[str], error: type[exception.TroveError]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise error(name=name)


def _refuse_reserved(validate: Callable[[dict[str, Any]], None], values: dict[str, Any]) -> None:
    """What exists may have a name that we would not give it, made by root; only reserved names are out of reach."""
    try:
        validate(values)
    except exception.ReservedName:
        raise
    except exception.BadRequest:
        return


def _refuse_reserved_user(ready: Ready, user: UserId) -> None:
    _refuse_reserved(ready.datastore.validate_user, {'name': user.name})
