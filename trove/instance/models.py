"""Instances as they are known, and the rules of new ones."""

import dataclasses
import datetime
import uuid
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import crypto, exception, passwords, states, wire
from trove.datastore import descriptions
from trove.datastore import models as datastore_models
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.flavor import models as flavor_models
from trove.guestagent.datastore import description as datastore_description
from trove.instance import spec as instance_spec
from trove.instance import status
from trove.quota import models as quota_models
from trove.taskmanager import api as taskmanager_api
from trove.taskmanager import events

CREATE_KIND = 'create_instance'


@dataclasses.dataclass(frozen=True)
class Instance:
    """An instance with all that a view shows of it; read in one query."""

    record: models.Instance
    service: models.ServiceStatus | None
    operation: models.Operation | None
    datastore: str
    manager: str
    version: str
    version_number: str


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which instances of all projects are wanted; None means that it does not matter."""

    is_deleted: bool | None = None
    project_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Created:
    """A new instance and the password of its root, which is shown this once."""

    instance: Instance
    root_password: str | None


class Instances:
    """The instances of projects; the doors and the configuration are the process's own."""

    def __init__(self, conf: cfg.ConfigOpts, taskmanager: taskmanager_api.API, sealer: crypto.Sealer) -> None:
        self._conf = conf
        self._taskmanager = taskmanager
        self._sealer = sealer

    # -- reading ----------------------------------------------------------------------------

    def get(self, context: trove_context.TroveContext, instance_id: str) -> Instance:
        """Return an instance; ``InstanceNotFound`` for one of another project, unless an administrator asks."""
        with get_db_api().reading() as session:
            return find(session, context, instance_id)

    def page(
        self, context: trove_context.TroveContext, limit: int, marker: str | None
    ) -> tuple[list[Instance], str | None]:
        """Return a page of the project's instances by id, and the marker of the next page."""
        table = tables.instances.c
        query = _query().where(table.project_id == context.project_id, table.is_deleted.is_(False))
        if marker is not None:
            query = query.where(table.id > marker)
        with get_db_api().reading() as session:
            rows = [_instance(row) for row in session.execute(query.order_by(table.id).limit(limit + 1))]
        page = rows[:limit]
        next_marker = page[-1].record.id if len(rows) > limit else None
        return sorted(page, key=lambda found: found.record.created, reverse=True), next_marker

    # -- creating ---------------------------------------------------------------------------

    def create(
        self, context: trove_context.TroveContext, spec: instance_spec.InstanceSpec, user_passwords: list[str]
    ) -> Created:
        """Write down a new instance and the operation that builds it, in one transaction; then wake somebody."""
        if spec.region_name not in (None, self._conf.region):
            raise exception.BadRequest(f"There is no region '{spec.region_name}' here, only '{self._conf.region}'.")
        with get_db_api().reading() as session:
            version = datastore_models.find_version(
                session,
                spec.datastore or self._conf.default_datastore,
                spec.datastore_version,
                spec.version_number,
            )
            found = descriptions.find(self._conf, version.record.manager)
            _check_names(found, spec, user_passwords)
            flavor = flavor_models.find(session, spec.flavor_id)
        self._check_volume(found, spec)
        root_password = self._root_password(found)
        sealed = self._sealer.seal({'users': user_passwords, 'root': root_password})
        wanted = Wanted(spec, version.record, flavor, sealed, root_password is not None)
        instance_id, operation_id = get_db_api().run(
            lambda session: self._write(session, context, wanted, self._conf[found.name].usage_timeout)
        )
        self._taskmanager.run_operation(context, operation_id)
        return Created(self.get(context, instance_id), root_password)

    def _check_volume(self, found: datastore_description.Description, spec: instance_spec.InstanceSpec) -> None:
        if not self._conf[found.name].volume_support:
            if spec.volume_size is not None:
                raise exception.VolumeNotSupported(datastore=found.name)
            return
        if spec.volume_size is None:
            raise exception.VolumeSizeMissing(datastore=found.name)
        limit = self._conf.max_accepted_volume_size
        if spec.volume_size > limit:
            raise exception.VolumeTooLarge(size=spec.volume_size, limit=limit)

    def _root_password(self, found: datastore_description.Description) -> str | None:
        settings = self._conf[found.name]
        return passwords.generate_password(settings.default_password_length) if settings.root_on_create else None

    def _write(
        self, session: orm.Session, context: trove_context.TroveContext, wanted: 'Wanted', deadline_seconds: int
    ) -> tuple[str, str]:
        spec, now = wanted.spec, trove_clock.utcnow()
        charge = {'instances': 1, 'ram': wanted.flavor.ram, 'volumes': spec.volume_size or 0}
        quota_models.charge(session, str(context.project_id), charge, self._conf)
        record = models.Instance(
            id=str(uuid.uuid4()),
            name=spec.name,
            project_id=context.project_id,
            user_id=context.user_id,
            datastore_version_id=wanted.version.id,
            flavor_id=wanted.flavor.id,
            volume_size=spec.volume_size,
            volume_type=spec.volume_type,
            task_code=states.Tasks.BUILDING.code,
            addresses=[],
            access=spec.access,
            locality=spec.locality,
            availability_zone=spec.availability_zone,
            region=self._conf.region,
            quota_charge=charge,
            created=now,
            updated=now,
        )
        session.add(record)
        session.flush()
        session.add(models.ServiceStatus(instance_id=record.id, description=states.NEW.description, updated=now))
        submission = ledger.Submission(
            kind=CREATE_KIND,
            subject_id=record.id,
            first_step='make_address',
            deadline_seconds=deadline_seconds,
            spec=wire.pack(spec),
            memo=events.origin(context, **_chosen(wanted, record)),
            sealed=wanted.sealed,
            project_id=context.project_id,
            request_id=context.request_id,
        )
        operation = self._taskmanager.submit(session, submission)
        if wanted.has_root:
            _write_root_history(session, record, context)
        return record.id, operation.id

    def service_of(self, found: Instance) -> states.ServiceStatus:
        """Return the state of an instance's database service as of now."""
        return service_of(self._conf, found)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A checked request for an instance, ready to be written."""

    spec: instance_spec.InstanceSpec
    version: models.DatastoreVersion
    flavor: models.Flavor
    sealed: str
    has_root: bool


def _chosen(wanted: Wanted, record: models.Instance) -> dict[str, Any]:
    """Return what became of the request where it left a choice."""
    return {
        'datastore_version': wanted.version.name,
        'image_id': wanted.version.image_id,
        'flavor_id': record.flavor_id,
        'region_name': record.region,
    }


def find(session: orm.Session, context: trove_context.TroveContext, instance_id: str) -> Instance:
    """Return an instance that the caller may see; ``InstanceNotFound`` else."""
    row = session.execute(_query().where(tables.instances.c.id == instance_id)).one_or_none()
    if row is None or row.Instance.is_deleted:
        raise exception.InstanceNotFound(id=instance_id)
    if not context.is_admin and row.Instance.project_id != context.project_id:
        raise exception.InstanceNotFound(id=instance_id)
    return _instance(row)


def page_of_all(wanted: Filter, limit: int, offset: int) -> tuple[list[Instance], str | None]:
    """Return a page of the instances of all projects by id, and the marker of the next page."""
    table = tables.instances.c
    query = _query()
    if wanted.is_deleted is not None:
        query = query.where(table.is_deleted.is_(wanted.is_deleted))
    if wanted.project_id is not None:
        query = query.where(table.project_id == wanted.project_id)
    query = query.order_by(table.id).limit(limit + 1).offset(offset)
    with get_db_api().reading() as session:
        rows = [_instance(row) for row in session.execute(query)]
    return rows[:limit], str(offset + limit) if len(rows) > limit else None


def get_any(instance_id: str, with_deleted: bool) -> Instance:
    """Return an instance of whatever project, a deleted one if that is wanted; ``InstanceNotFound`` else."""
    with get_db_api().reading() as session:
        row = session.execute(_query().where(tables.instances.c.id == instance_id)).one_or_none()
    if row is None or (row.Instance.is_deleted and not with_deleted):
        raise exception.InstanceNotFound(id=instance_id)
    return _instance(row)


def service_of(conf: cfg.ConfigOpts, found: Instance) -> states.ServiceStatus:
    """Return the state of an instance's database service as of now."""
    now: datetime.datetime = trove_clock.utcnow()
    return status.service_of(found.record, found.service, now, conf.agent_heartbeat_expiry)


def _query() -> Any:
    datastore, version = tables.datastores.c, tables.datastore_versions.c
    return (
        sa.select(
            models.Instance,
            models.ServiceStatus,
            models.Operation,
            datastore.name.label('datastore'),
            version.manager.label('manager'),
            version.name.label('version'),
            version.version.label('version_number'),
        )
        .join(tables.datastore_versions, version.id == tables.instances.c.datastore_version_id)
        .join(tables.datastores, datastore.id == version.datastore_id)
        .outerjoin(models.ServiceStatus, tables.service_statuses.c.instance_id == tables.instances.c.id)
        .outerjoin(models.Operation, tables.operations.c.active_key == tables.instances.c.id)
    )


def _instance(row: Any) -> Instance:
    return Instance(
        record=row.Instance,
        service=row.ServiceStatus,
        operation=row.Operation,
        datastore=row.datastore,
        manager=row.manager,
        version=row.version,
        version_number=row.version_number,
    )


def _check_names(
    found: datastore_description.Description, spec: instance_spec.InstanceSpec, user_passwords: list[str]
) -> None:
    if spec.databases and not found.has_databases:
        raise exception.DatastoreManagerUnsupported(datastore=found.name, operation='databases')
    if spec.users and not found.has_users:
        raise exception.DatastoreManagerUnsupported(datastore=found.name, operation='users')
    names: set[str] = set()
    for database in spec.databases:
        found.validate_database(database)
        if database['name'] in names:
            raise exception.DatabaseExists(name=database['name'])
        names.add(database['name'])
    for user, password in zip(spec.users, user_passwords, strict=True):
        found.validate_user({**user, 'password': password})
    _check_users(spec.users, names)


def _check_users(users: list[dict[str, Any]], databases: set[str]) -> None:
    accounts: set[tuple[str, str]] = set()
    for user in users:
        account = (user['name'], user['host'])
        if account in accounts:
            raise exception.UserExists(name=user['name'])
        accounts.add(account)
        unknown = {database['name'] for database in user['databases']} - databases
        if unknown:
            reason = f"User '{user['name']}' is to use databases that are not created: {', '.join(sorted(unknown))}."
            raise exception.BadRequest(reason)


def _write_root_history(session: orm.Session, record: models.Instance, context: trove_context.TroveContext) -> None:
    session.add(
        models.RootHistory(
            id=str(uuid.uuid4()),
            instance_id=record.id,
            active_key=record.id,
            user_id=context.user_id,
            enabled_at=trove_clock.utcnow(),
        )
    )
