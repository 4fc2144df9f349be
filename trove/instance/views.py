"""Instances as the API shows them."""

import datetime
from typing import Any

from trove.common import states, wsgi
from trove.db import models as records
from trove.instance import models, status

SILENT = 'The guest has not been heard of for a while; the operation goes on once it is back, or ends with its time.'


def isoformat(moment: datetime.datetime) -> str:
    """Return a moment as the API writes it: UTC without fraction and zone."""
    return moment.strftime('%Y-%m-%dT%H:%M:%S')


def short(req: wsgi.Request, found: models.Instance, service: states.ServiceStatus) -> dict[str, Any]:
    """Return an instance as lists show it."""
    record = found.record
    view: dict[str, Any] = {
        'id': record.id,
        'name': record.name,
        'status': status.status_of(record),
        'operating_status': status.operating_status_of(record, service),
        'links': req.links('instances', record.id),
        'flavor': {'id': record.flavor_id, 'links': req.links('flavors', record.flavor_id)},
        'datastore': {'type': found.datastore, 'version': found.version},
        'region': record.region,
        'access': _access(record),
    }
    if req.context.is_admin:
        view['tenant_id'] = record.project_id
    if record.volume_size is not None:
        view['volume'] = {'size': record.volume_size}
    if record.hostname:
        view['hostname'] = record.hostname
    elif record.addresses:
        view['ip'] = [address['address'] for address in record.addresses]
        view['addresses'] = record.addresses
    if found.operation is not None:
        view['operation'] = _operation(found.operation)
        if service is states.FAILED_TIMEOUT_GUESTAGENT:
            view['operation']['message'] = SILENT
    return view


def detail(req: wsgi.Request, found: models.Instance, service: states.ServiceStatus) -> dict[str, Any]:
    """Return an instance with all that is known of it."""
    record = found.record
    view = short(req, found, service)
    view['datastore']['version_number'] = found.version_number
    view['created'] = isoformat(record.created)
    view['updated'] = isoformat(record.updated)
    if found.service is not None:
        view['service_status_updated'] = isoformat(found.service.updated)
    if record.fault_message is not None and record.fault_created is not None:
        view['fault'] = {
            'message': record.fault_message,
            'created': isoformat(record.fault_created),
            'details': record.fault_details if req.context.is_admin else None,
        }
    if record.locality is not None:
        view['locality'] = record.locality
    if record.volume_size is not None:
        view['volume'].update(_volume(found))
    if req.context.is_admin:
        view['server_id'] = record.server_id
        view['volume_id'] = record.volume_id
        view['encrypted_rpc_messaging'] = False
    return view


def _access(record: records.Instance) -> dict[str, Any]:
    if record.access:
        return record.access
    if record.addresses:
        return {'is_public': any(address.get('type') == 'public' for address in record.addresses)}
    return {}


def _operation(operation: records.Operation) -> dict[str, Any]:
    return {
        'id': operation.id,
        'action': operation.kind.removesuffix('_instance'),
        'step': operation.step,
        'progress': operation.progress,
        'started': isoformat(operation.created),
    }


def _volume(found: models.Instance) -> dict[str, Any]:
    view: dict[str, Any] = {}
    if found.record.is_volume_enforced is not None:
        view['volume_enforced'] = found.record.is_volume_enforced
    usage = found.service.volume if found.service else None
    if not usage:
        return view
    view['used'] = usage.get('used')
    names = ('total_blocks', 'free_blocks', 'avail_blocks')
    if all(isinstance(usage.get(name), int) for name in names):
        view['used_percent'] = _used_percent([usage[name] for name in names])
    view.update(usage.get('mgr_extra_info') or {})
    return view


def _used_percent(blocks: list[int]) -> float:
    total, free, available = blocks
    taken = total - free
    return round(100.0 * taken / (taken + available), 2) if taken + available else 0.0
