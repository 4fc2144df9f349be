"""Rules of instances: what may be asked for, and when."""

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

CREATE_KIND = 'create_instance'
DELETE_KIND = 'delete_instance'
RESTART_KIND = 'restart_instance'
DEADLINE_OPTIONS = {DELETE_KIND: 'server_delete_time_out', RESTART_KIND: 'restart_time_out'}
"""Options with the seconds an operation may take; a build has its datastore's ``usage_timeout``."""
ACTIONABLE_TASKS = (states.Tasks.NONE.code, states.Tasks.RESTART_REQUIRED.code)


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
class Created:
    """A new instance and the password of its root, which is shown this once."""

    instance: Instance
    root_password: str | None


class Instances:
    """The instances of a caller's project; the doors and the configuration are the process's own."""

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
            sealed=wanted.sealed,
            project_id=context.project_id,
            request_id=context.request_id,
        )
        operation = self._taskmanager.submit(session, submission)
        if wanted.has_root:
            _write_root_history(session, record, context)
        return record.id, operation.id

    # -- changing ---------------------------------------------------------------------------

    def rename(self, context: trove_context.TroveContext, instance_id: str, name: str) -> None:
        """Give an instance another name."""
        with get_db_api().transaction() as session:
            found = find(session, context, instance_id)
            found.record.name = name
            found.record.updated = trove_clock.utcnow()

    def restart(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Restart the database service; ``InstanceNotReady`` unless the instance is idle and its server active."""

        def work(session: orm.Session) -> str:
            found = find(session, context, instance_id)
            self._check_actionable(found)
            begin_task(session, instance_id, states.Tasks.REBOOTING, ACTIONABLE_TASKS)
            if found.service is not None:
                found.service.description = states.RESTARTING.description
            return self._submit(session, context, found, RESTART_KIND, 'restart_service').id

        self._taskmanager.run_operation(context, get_db_api().run(work))

    def delete(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Delete an instance in whatever state it is; a second request changes nothing."""

        def work(session: orm.Session) -> str:
            found = find(session, context, instance_id)
            if found.operation is not None and found.operation.kind == DELETE_KIND:
                return found.operation.id
            self._taskmanager.cancel(session, instance_id)
            begin_task(session, instance_id, states.Tasks.DELETING, None)
            return self._submit(session, context, found, DELETE_KIND, 'delete_server').id

        self._taskmanager.run_operation(context, get_db_api().run(work))

    def reset_status(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Forget the task of an instance and cancel its operation; a deletion goes on."""

        def work(session: orm.Session) -> None:
            found = find(session, context, instance_id)
            if found.operation is not None and found.operation.kind == DELETE_KIND:
                return
            self._taskmanager.cancel(session, instance_id)
            begin_task(session, instance_id, states.Tasks.NONE, None)
            if found.service is not None:
                found.service.description = states.UNKNOWN.description

        get_db_api().run(work)

    def _submit(
        self, session: orm.Session, context: trove_context.TroveContext, found: Instance, kind: str, first_step: str
    ) -> models.Operation:
        submission = ledger.Submission(
            kind=kind,
            subject_id=found.record.id,
            first_step=first_step,
            deadline_seconds=self._conf[DEADLINE_OPTIONS[kind]],
            project_id=found.record.project_id,
            request_id=context.request_id,
        )
        return self._taskmanager.submit(session, submission)

    def _check_actionable(self, found: Instance) -> None:
        record = found.record
        service = self.service_of(found)
        reasons = []
        if record.server_status != states.ServerStatus.ACTIVE:
            reasons.append(f'the instance status is {status.status_of(record)}')
        if record.task_code not in ACTIONABLE_TASKS:
            reasons.append(f'its task status is {states.TaskStatus.find(record.task_code).action}')
        if service not in states.ACTION_ALLOWED:
            reasons.append(f'its service status is {service.api_status}')
        if reasons:
            raise exception.InstanceNotReady(id=record.id, reason=', '.join(reasons))

    def service_of(self, found: Instance) -> states.ServiceStatus:
        """Return the state of an instance's database service as of now."""
        now: datetime.datetime = trove_clock.utcnow()
        return status.service_of(found.record, found.service, now, self._conf.agent_heartbeat_expiry)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A checked request for an instance, ready to be written."""

    spec: instance_spec.InstanceSpec
    version: models.DatastoreVersion
    flavor: models.Flavor
    sealed: str
    has_root: bool


def find(session: orm.Session, context: trove_context.TroveContext, instance_id: str) -> Instance:
    """Return an instance that the caller may see; ``InstanceNotFound`` else."""
    row = session.execute(_query().where(tables.instances.c.id == instance_id)).one_or_none()
    if row is None or row.Instance.is_deleted:
        raise exception.InstanceNotFound(id=instance_id)
    if not context.is_admin and row.Instance.project_id != context.project_id:
        raise exception.InstanceNotFound(id=instance_id)
    return _instance(row)


def begin_task(
    session: orm.Session, instance_id: str, task: states.TaskStatus, from_codes: tuple[int, ...] | None
) -> None:
    """Set the task of an instance; ``InstanceNotReady`` when it is in none of the tasks it may come from."""
    table = tables.instances.c
    conditions: list[Any] = [table.id == instance_id, table.is_deleted.is_(False)]
    if from_codes is not None:
        conditions.append(table.task_code.in_(from_codes))
    changed = session.execute(
        sa.update(tables.instances).where(*conditions).values(task_code=task.code, updated=trove_clock.utcnow())
    )
    if changed.rowcount != 1:
        raise exception.InstanceNotReady(id=instance_id, reason='another task is in progress')


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
