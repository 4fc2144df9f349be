"""What is told of operations: that they were accepted, how they ended, and what they leave in use."""

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import event as sa_event
from sqlalchemy import orm

from trove.common import context as trove_context
from trove.common import notification
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables

OPTS = [
    cfg.DictOpt(
        'notification_service_id',
        default={},
        help='Service ids that events of usage carry, as manager:id pairs, one for each datastore manager.',
    ),
]

UNKNOWN_SERVICE = 'unknown-service-id-error'
ORIGIN = 'origin'
"""Item of an operation's memo: what its events say beside its spec."""

Extra = Callable[[orm.Session, models.Instance, ledger.Claim], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Usage:
    """An event of usage at the end: its type, the state of the instance, and what more it tells."""

    type: str
    state: str
    extra: Extra = lambda _session, _record, _claim: {}


@dataclasses.dataclass(frozen=True)
class Event:
    """How operations of a kind are told: the type, and items of the spec by their names in the payload."""

    type: str
    items: Mapping[str, str] = dataclasses.field(default_factory=dict)
    subject: str | None = 'instance_id'
    usage: Usage | None = None


def _modified(session: orm.Session, record: models.Instance, claim: ledger.Claim) -> dict[str, Any]:
    old = session.get(models.Flavor, claim.spec.get('old_flavor_id'))
    return {'old_instance_size': old.ram if old else None, 'modify_at': _moment(record.updated)}


def _deleted(_session: orm.Session, record: models.Instance, _claim: ledger.Claim) -> dict[str, Any]:
    return {'deleted_at': _moment(record.deleted_at)}


CREATE_ITEMS = (
    'name', 'flavor_id', 'datastore', 'datastore_version', 'availability_zone', 'region_name', 'volume_size',
    'volume_type', 'databases', 'users', 'nics', 'locality',
)  # fmt: skip
EVENTS: Mapping[str, Event] = {
    'create_instance': Event(
        'instance_create', {name: name for name in CREATE_ITEMS}, usage=Usage('trove.instance.create', 'active')
    ),
    'delete_instance': Event('instance_delete', usage=Usage('trove.instance.delete', 'deleted', _deleted)),
    'restart_instance': Event('instance_restart'),
    'reboot_instance': Event('instance_reboot'),
    'stop_instance': Event('instance_stop'),
    'resize_instance': Event(
        'instance_resize_instance',
        {'new_flavor_id': 'flavor_id'},
        usage=Usage('trove.instance.modify_flavor', 'active', _modified),
    ),
    'grow_instance': Event('instance_resize_volume', {'new_size': 'size'}),
    'migrate_instance': Event('migrate', {'host': 'host'}),
    'rebuild_instance': Event('instance_rebuild', {'image_id': 'image_id'}),
    # These are their own subjects.
    'rename_instance': Event('instance_rename', {'instance_id': 'instance_id'}, subject=None),
    'clear_instance': Event('instance_clear', {'instance_id': 'instance_id'}, subject=None),
    'rotate_guest_key': Event('instance_rotate_guest_key'),
    'update_access': Event('instance_update_access', {'access': 'access'}),
}
"""By kind of operation. Others, of vendors, are told by their kind and subject and by nothing of their spec."""


def event_of(kind: str) -> Event:
    """Return how operations of a kind are told."""
    return EVENTS.get(kind) or Event(kind, subject='subject_id')


def origin(context: trove_context.TroveContext, **more: Any) -> dict[str, Any]:
    """Return the memo that an operation begins with: who asked from where, and what its spec does not say."""
    return {ORIGIN: {'client_ip': context.client_ip, 'server_ip': context.server_ip, **more}}


def payload_of(operation: models.Operation | ledger.Claim, server_type: str) -> dict[str, Any]:
    """Return what all events of an operation say; secrets are sealed apart and never in it."""
    event = event_of(operation.kind)
    return {
        'tenant_id': operation.project_id,
        'client_ip': None,
        'server_ip': None,
        'server_type': server_type,
        'request_id': operation.request_id,
        **({event.subject: operation.subject_id} if event.subject else {}),
        **{key: operation.spec.get(name) for key, name in event.items.items()},
        **operation.memo.get(ORIGIN, {}),
    }


def tell_start(notifications: notification.Notifications, session: orm.Session, operation: models.Operation) -> None:
    """Tell of an operation when its transaction is committed, and not at all when it is not."""
    if not notifications.has_listeners:
        return
    event_type = f'dbaas.{event_of(operation.kind).type}.start'
    payload = payload_of(operation, notifications.server_type)
    sa_event.listen(session, 'after_commit', lambda _session: notifications.emit(event_type, payload), once=True)


def tell_end(
    notifications: notification.Notifications, claim: ledger.Claim, settlement: ledger.Settlement, conf: cfg.ConfigOpts
) -> None:
    """Tell how an operation ended, after that was settled; nothing for one that goes on."""
    if not notifications.has_listeners or settlement.state == ledger.RUNNING:
        return
    event = event_of(claim.kind)
    payload = payload_of(claim, notifications.server_type)
    if settlement.state == ledger.DONE:
        notifications.emit(f'dbaas.{event.type}.end', payload)
        if event.usage is not None:
            notifications.emit(event.usage.type, usage_of(event.usage, claim, conf))
        return
    is_cancelled = settlement.state == ledger.CANCELLED
    message = 'The operation was cancelled.' if is_cancelled else settlement.error
    step = settlement.memo.get('failed_step', settlement.step)
    payload.update(message=message, exception=f'{settlement.state} in step {step}')
    notifications.emit(f'dbaas.{event.type}.error', payload, 'error')


def usage_of(usage: Usage, claim: ledger.Claim, conf: cfg.ConfigOpts) -> dict[str, Any]:
    """Return what an instance uses, as its records are now."""
    version = tables.datastore_versions.c
    query = (
        sa.select(models.Instance, models.Flavor, version.manager)
        .join(tables.datastore_versions, version.id == tables.instances.c.datastore_version_id)
        .outerjoin(models.Flavor, tables.flavors.c.id == tables.instances.c.flavor_id)
        .where(tables.instances.c.id == claim.subject_id)
    )
    with get_db_api().reading() as session:
        row = session.execute(query).one()
        record: models.Instance = row.Instance
        flavor: models.Flavor | None = row.Flavor
        payload = {
            'created_at': _moment(record.created),
            'launched_at': _moment(record.created),
            'name': record.name,
            'instance_id': record.id,
            'instance_name': record.name,
            'instance_size': flavor.ram if flavor else None,
            'instance_type': flavor.name if flavor else None,
            'instance_type_id': record.flavor_id,
            'nova_instance_id': record.server_id,
            'region': record.region,
            'state_description': usage.state,
            'state': usage.state,
            'tenant_id': record.project_id,
            'user_id': record.user_id,
            'availability_zone': record.availability_zone,
            'volume_size': record.volume_size,
            'service_id': conf.notification_service_id.get(row.manager, UNKNOWN_SERVICE),
            **usage.extra(session, record, claim),
        }
    return payload if record.volume_id is None else {**payload, 'nova_volume_id': record.volume_id}


def _moment(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment else None
