"""Rules of what may be done with an instance, and when; each change submits its operation in one transaction."""

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import exception, states
from trove.datastore import descriptions
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.flavor import models as flavor_models
from trove.instance import models as instance_models
from trove.instance import status
from trove.quota import models as quota_models
from trove.taskmanager import api as taskmanager_api
from trove.taskmanager import events


@dataclasses.dataclass(frozen=True)
class Plan:
    """An operation that a change asks for: its kind, its first step and the option with its deadline in seconds."""

    kind: str
    first_step: str
    deadline_option: str


DELETE = Plan('delete_instance', 'delete_server', 'server_delete_time_out')
RESTART = Plan('restart_instance', 'restart_service', 'restart_time_out')
RESIZE = Plan('resize_instance', 'stop_database', 'resize_time_out')
GROW = Plan('grow_instance', 'grow_volume', 'volume_time_out')
ACCESS = Plan('update_access', 'change_access', 'access_time_out')
RENAME = Plan('rename_instance', 'rename_server', 'rename_time_out')
STOP = Plan('stop_instance', 'stop_database', 'stop_time_out')
REBOOT = Plan('reboot_instance', 'stop_database', 'reboot_time_out')
MIGRATE = Plan('migrate_instance', 'stop_database', 'resize_time_out')
ROTATE_KEY = Plan('rotate_guest_key', 'make_next_key', 'rotate_key_time_out')
REBUILD = Plan('rebuild_instance', 'find_image', 'rebuild_time_out')

IDLE = (states.Tasks.NONE, states.Tasks.RESTART_REQUIRED)
"""Tasks in which an instance is free for another one."""


class Base:
    """What changes share: the doors and the configuration of the process, and how an operation is submitted."""

    def __init__(self, conf: cfg.ConfigOpts, taskmanager: taskmanager_api.API) -> None:
        self._conf = conf
        self._taskmanager = taskmanager

    def _carry_out(self, context: trove_context.TroveContext, work: Callable[[orm.Session], str | None]) -> None:
        """Run the work in a transaction and wake somebody for the operation whose id it returned."""
        operation_id = get_db_api().run(work)
        if operation_id is not None:
            self._taskmanager.run_operation(context, operation_id)

    def _submit(
        self,
        session: orm.Session,
        context: trove_context.TroveContext,
        record: models.Instance,
        plan: Plan,
        spec: Mapping[str, Any] | None = None,
    ) -> str:
        submission = ledger.Submission(
            kind=plan.kind,
            subject_id=record.id,
            first_step=plan.first_step,
            deadline_seconds=self._conf[plan.deadline_option],
            spec=dict(spec or {}),
            memo=events.origin(context),
            project_id=record.project_id,
            request_id=context.request_id,
        )
        return self._taskmanager.submit(session, submission).id

    def _check_actionable(self, found: instance_models.Instance) -> None:
        record = found.record
        service = instance_models.service_of(self._conf, found)
        reasons = []
        if record.server_status != states.ServerStatus.ACTIVE:
            reasons.append(f'the instance status is {status.status_of(record)}')
        if record.task_code not in [task.code for task in IDLE]:
            reasons.append(f'its task status is {states.TaskStatus.find(record.task_code).action}')
        if service not in states.ACTION_ALLOWED:
            reasons.append(f'its service status is {service.api_status}')
        if reasons:
            raise exception.InstanceNotReady(id=record.id, reason=', '.join(reasons))


class Changes(Base):
    """What tenants may do with their instances."""

    def update(
        self,
        context: trove_context.TroveContext,
        instance_id: str,
        name: str | None = None,
        access: Mapping[str, Any] | None = None,
    ) -> None:
        """Give an instance another name and another access, or one of them; all of it or nothing.

        The name is shown at once. The server gets it by an operation of its own, beside whatever
        else is done to the instance.
        """
        operations: list[str] = []

        def work(session: orm.Session) -> None:
            operations.clear()
            found = instance_models.find(session, context, instance_id)
            if access is not None:
                operations.append(self._change_access(session, context, found.record, access))
            if name is not None and name != found.record.name:
                operations.append(self._rename(session, context, found.record, name))

        get_db_api().run(work)
        for operation_id in operations:
            self._taskmanager.run_operation(context, operation_id)

    def _rename(
        self, session: orm.Session, context: trove_context.TroveContext, record: models.Instance, name: str
    ) -> str:
        record.name = name
        record.updated = trove_clock.utcnow()
        submission = ledger.Submission(
            kind=RENAME.kind,
            # Not the instance's id: a rename waits for nothing, and nothing waits for it.
            subject_id=str(uuid.uuid4()),
            first_step=RENAME.first_step,
            deadline_seconds=self._conf[RENAME.deadline_option],
            spec={'instance_id': record.id},
            memo=events.origin(context),
            project_id=record.project_id,
            request_id=context.request_id,
        )
        return self._taskmanager.submit(session, submission).id

    def _change_access(
        self,
        session: orm.Session,
        context: trove_context.TroveContext,
        record: models.Instance,
        access: Mapping[str, Any],
    ) -> str:
        has_server(record)
        # One whose change failed may be asked for another one; its task before that was an idle one.
        from_tasks = (*IDLE, states.Tasks.UPDATING_ERROR_ACCESS)
        is_idle = record.task_code in [task.code for task in IDLE]
        spec = {
            'access': {
                'is_public': bool(access.get('is_public', False)),
                'allowed_cidrs': list(access.get('allowed_cidrs', [])),
            },
            'task_code': record.task_code if is_idle else states.Tasks.NONE.code,
        }
        begin_task(session, record.id, states.Tasks.UPDATING, from_tasks)
        return self._submit(session, context, record, ACCESS, spec)

    def restart(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Restart the database service; ``InstanceNotReady`` unless the instance is idle and its server active."""

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            self._check_actionable(found)
            begin_task(session, instance_id, states.Tasks.REBOOTING, IDLE)
            expect_restart(found)
            return self._submit(session, context, found.record, RESTART)

        self._carry_out(context, work)

    def resize_flavor(self, context: trove_context.TroveContext, instance_id: str, flavor_id: str) -> None:
        """Give an instance another flavor, and charge for the larger one of both until it has one of them.

        Raises ``InstanceNotReady``, ``FlavorNotFound``, ``BadRequest`` for the flavor it
        has, and ``QuotaExceeded``.
        """

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            record = found.record
            self._check_actionable(found)
            if flavor_id == record.flavor_id:
                raise exception.BadRequest(f"The instance has flavor '{flavor_id}' already.")
            flavor = flavor_models.find(session, flavor_id)
            self._check_disk(session, found, flavor)
            begin_task(session, instance_id, states.Tasks.RESIZING, IDLE)
            expect_restart(found)
            quota_models.charge_more(session, record, {'ram': flavor.ram}, self._conf)
            spec = {'flavor_id': flavor.id, 'old_flavor_id': record.flavor_id}
            return self._submit(session, context, record, RESIZE, spec)

        self._carry_out(context, work)

    def _check_disk(self, session: orm.Session, found: instance_models.Instance, flavor: models.Flavor) -> None:
        """Refuse to move data between a volume and a disk that comes with the flavor."""
        if self._has_volumes(found):
            if flavor.ephemeral:
                raise exception.NotImplementedHere(f"Flavor '{flavor.id}' brings a disk, but the data are on a volume.")
            return
        old = session.get(models.Flavor, found.record.flavor_id)
        if old is not None and old.ephemeral and not flavor.ephemeral:
            raise exception.BadRequest(f"Flavor '{flavor.id}' brings no disk, and the data are on that of the flavor.")

    def _has_volumes(self, found: instance_models.Instance) -> bool:
        description = descriptions.find(self._conf, found.manager)
        return bool(self._conf[description.name].volume_support)

    def resize_volume(self, context: trove_context.TroveContext, instance_id: str, size: int) -> None:
        """Make the volume of an instance larger, and charge for that.

        Raises ``InstanceNotReady``, ``BadRequest`` when it has no volume or is not to get
        larger, ``VolumeTooLarge`` and ``QuotaExceeded``.
        """

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            record = found.record
            self._check_actionable(found)
            self._check_size(record, size)
            spec = {'size': size, 'old_size': record.volume_size, 'task_code': record.task_code}
            begin_task(session, instance_id, states.Tasks.RESIZING, IDLE)
            quota_models.charge_more(session, record, {'volumes': size}, self._conf)
            return self._submit(session, context, record, GROW, spec)

        self._carry_out(context, work)

    def _check_size(self, record: models.Instance, size: int) -> None:
        if record.volume_size is None:
            raise exception.BadRequest(f'Instance {record.id} has no volume.')
        if size <= record.volume_size:
            raise exception.BadRequest(f'The volume has {record.volume_size} GB already; it can only become larger.')
        if size > self._conf.max_accepted_volume_size:
            raise exception.VolumeTooLarge(size=size, limit=self._conf.max_accepted_volume_size)

    def delete(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Delete an instance in whatever state it is; a second request changes nothing."""

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            if found.operation is not None and found.operation.kind == DELETE.kind:
                return found.operation.id
            self._taskmanager.cancel(session, instance_id)
            begin_task(session, instance_id, states.Tasks.DELETING, None)
            return self._submit(session, context, found.record, DELETE)

        self._carry_out(context, work)

    def reset_status(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Forget the task of an instance and cancel its operation, and know nothing of its service."""

        def work(session: orm.Session) -> None:
            found = instance_models.find(session, context, instance_id)
            if reset(session, self._taskmanager, found) and found.service is not None:
                found.service.description = states.UNKNOWN.description

        get_db_api().run(work)


class AdminChanges(Base):
    """What administrators may do with every instance, beside what tenants may."""

    def stop(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Stop the database, which stays down until it is restarted; the server must be active."""

        def work(session: orm.Session) -> str:
            record = instance_models.find(session, context, instance_id).record
            has_server(record)
            if record.server_status != states.ServerStatus.ACTIVE:
                raise exception.InstanceNotReady(id=record.id, reason=f'its server is {record.server_status}')
            return self._submit(session, context, record, STOP)

        self._carry_out(context, work)

    def reboot(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Reboot the server, in whatever state it is."""

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            has_server(found.record)
            begin_task(session, instance_id, states.Tasks.REBOOTING, IDLE)
            expect_restart(found)
            return self._submit(session, context, found.record, REBOOT)

        self._carry_out(context, work)

    def migrate(self, context: trove_context.TroveContext, instance_id: str, host: str | None) -> None:
        """Move the server to a host, or to any other; ``InstanceNotReady`` unless the instance is idle."""

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            self._check_actionable(found)
            begin_task(session, instance_id, states.Tasks.MIGRATING, IDLE)
            expect_restart(found)
            spec = {'host': host, 'old_host': found.record.server_host}
            return self._submit(session, context, found.record, MIGRATE, spec)

        self._carry_out(context, work)

    def rebuild(self, context: trove_context.TroveContext, instance_id: str, image_id: str) -> None:
        """Make the server anew from an image; ``BadRequest`` for one without a volume, whose data would be lost."""

        def work(session: orm.Session) -> str:
            found = instance_models.find(session, context, instance_id)
            record = found.record
            has_server(record)
            if record.volume_size is None:
                raise exception.BadRequest(f'Instance {record.id} has no volume; a rebuild would lose its data.')
            begin_task(session, instance_id, states.Tasks.BUILDING, (*IDLE, states.Tasks.BUILDING_ERROR_SERVER))
            expect_restart(found)
            return self._submit(session, context, record, REBUILD, {'image_id': image_id})

        self._carry_out(context, work)

    def rotate_guest_key(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Give the guest another key; the database serves meanwhile."""

        def work(session: orm.Session) -> str:
            record = instance_models.find(session, context, instance_id).record
            has_server(record)
            return self._submit(session, context, record, ROTATE_KEY)

        self._carry_out(context, work)

    def reset_task(self, context: trove_context.TroveContext, instance_id: str) -> None:
        """Forget the task of an instance and cancel its operation."""

        def work(session: orm.Session) -> None:
            reset(session, self._taskmanager, instance_models.find(session, context, instance_id))

        get_db_api().run(work)


def has_server(record: models.Instance) -> None:
    """Raise ``InstanceNotReady`` unless there is a server to act on."""
    if record.server_id is None or record.server_status == states.ServerStatus.DELETED:
        raise exception.InstanceNotReady(id=record.id, reason='it has no server')


def expect_restart(found: instance_models.Instance) -> None:
    """Forget how the service was, because it is restarted: the next heartbeat tells how it is then.

    Else a service that needs a restart would be shown so for ever; its heartbeats are not listened to.
    """
    if found.service is not None:
        found.service.description = states.RESTARTING.description


def reset(session: orm.Session, taskmanager: taskmanager_api.API, found: instance_models.Instance) -> bool:
    """Forget the task of an instance and cancel its operation; False when it is being deleted, which goes on."""
    if found.operation is not None and found.operation.kind == DELETE.kind:
        return False
    taskmanager.cancel(session, found.record.id)
    begin_task(session, found.record.id, states.Tasks.NONE, None)
    return True


def begin_task(
    session: orm.Session, instance_id: str, task: states.TaskStatus, from_tasks: tuple[states.TaskStatus, ...] | None
) -> None:
    """Set the task of an instance; ``InstanceNotReady`` when it is in none of the tasks it may come from."""
    table = tables.instances.c
    conditions: list[Any] = [table.id == instance_id, table.is_deleted.is_(False)]
    if from_tasks is not None:
        conditions.append(table.task_code.in_([task.code for task in from_tasks]))
    changed = session.execute(
        sa.update(tables.instances).where(*conditions).values(task_code=task.code, updated=trove_clock.utcnow())
    )
    if changed.rowcount != 1:
        raise exception.InstanceNotReady(id=instance_id, reason='another task is in progress')
