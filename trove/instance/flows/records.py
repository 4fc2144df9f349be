"""What the flows of an instance read and write of its records."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import states
from trove.compute import base as compute
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables

MESSAGE_LENGTH = 1000
NO_FAULT = {'fault_message': None, 'fault_details': None, 'fault_created': None}
"""Columns of an instance with nothing wrong any more."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """An instance with what a flow needs to know of it."""

    record: models.Instance
    version: models.DatastoreVersion
    flavor: models.Flavor
    service: models.ServiceStatus
    key: models.GuestKey | None
    """None until the instance has one."""


def read(instance_id: str) -> Subject:
    """Return the instance of an operation; it is there as long as an operation works on it."""
    query = (
        sa.select(models.Instance, models.DatastoreVersion, models.Flavor, models.ServiceStatus, models.GuestKey)
        .join(models.DatastoreVersion, tables.datastore_versions.c.id == tables.instances.c.datastore_version_id)
        .join(models.Flavor, tables.flavors.c.id == tables.instances.c.flavor_id)
        .join(models.ServiceStatus, tables.service_statuses.c.instance_id == tables.instances.c.id)
        .outerjoin(models.GuestKey, tables.guest_keys.c.instance_id == tables.instances.c.id)
        .where(tables.instances.c.id == instance_id)
    )
    with get_db_api().reading() as session:
        return Subject(*session.execute(query).one())


def read_record(instance_id: str) -> models.Instance:
    """Return the record alone, whatever became of its datastore or flavor."""
    with get_db_api().reading() as session:
        return session.execute(sa.select(models.Instance).where(tables.instances.c.id == instance_id)).scalar_one()


def read_flavor(flavor_id: str) -> models.Flavor | None:
    """Return what we know of a flavor, or None."""
    with get_db_api().reading() as session:
        flavor: models.Flavor | None = session.get(models.Flavor, flavor_id)
        return flavor


def find_job(job_id: str) -> models.GuestJob | None:
    """Return the end of a guest's job, if it was reported."""
    with get_db_api().reading() as session:
        job: models.GuestJob | None = session.get(models.GuestJob, job_id)
        return job


def change(session: orm.Session, instance_id: str, **values: Any) -> None:
    """Change columns of an instance."""
    session.execute(
        sa.update(tables.instances)
        .where(tables.instances.c.id == instance_id)
        .values(updated=trove_clock.utcnow(), **values)
    )


def write_server(session: orm.Session, instance_id: str, server: compute.Server | None) -> None:
    """Write down how the server is; one that is gone is SHUTDOWN, as the API shows it."""
    if server is None:
        change(session, instance_id, server_status=states.ServerStatus.SHUTDOWN)
        return
    values = {'server_id': server.id, 'server_status': server.status}
    if server.host:
        values['server_host'] = server.host
    change(session, instance_id, **values)


def write_fault(session: orm.Session, instance_id: str, task: states.TaskStatus | None, message: str) -> None:
    """Set the fault that the tenant is shown, and a task status; None leaves the task as it is."""
    change(
        session,
        instance_id,
        **({'task_code': task.code} if task is not None else {}),
        fault_message=message[:MESSAGE_LENGTH],
        fault_details=message,
        fault_created=trove_clock.utcnow(),
    )
