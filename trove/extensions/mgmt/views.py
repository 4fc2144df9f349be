"""What administrators see, as JSON."""

import datetime
from typing import Any

from trove.common import states, wsgi
from trove.db import models
from trove.instance import models as instance_models
from trove.instance import views as instance_views
from trove.quota import models as quota_models

VOLUME_IN_USE = 'in-use'


def quota(found: quota_models.Quota) -> dict[str, Any]:
    """Return one quota; nothing is ever reserved, because what is taken is in use at once."""
    return {'resource': found.resource, 'in_use': found.in_use, 'reserved': 0, 'limit': found.limit}


def root_history(instance_id: str, found: tuple[datetime.datetime, str | None] | None) -> dict[str, Any]:
    """Return when root was enabled last and by whom."""
    if found is None:
        return {'id': instance_id, 'enabled': 'Never', 'user': 'Nobody'}
    enabled_at, user_id = found
    return {'id': instance_id, 'enabled': enabled_at.isoformat(timespec='seconds'), 'user': user_id or 'Nobody'}


def instance(req: wsgi.Request, found: instance_models.Instance, service: states.ServiceStatus) -> dict[str, Any]:
    """Return an instance as lists show it to administrators; all of it comes from our records."""
    record = found.record
    view = instance_views.detail(req, found, service)
    view['server'] = _server(record)
    view['service_status'] = service.api_status if found.service is not None else None
    view['deleted'] = record.is_deleted
    view['deleted_at'] = _moment(record.deleted_at)
    view['task_description'] = states.TaskStatus.find(record.task_code).description
    return view


def instance_detail(
    req: wsgi.Request,
    found: instance_models.Instance,
    service: states.ServiceStatus,
    root: models.RootHistory | None,
) -> dict[str, Any]:
    """Return one instance with all that administrators see of it."""
    view = instance(req, found, service)
    if view['server'] is not None:
        view['server']['addresses'] = _by_network(found.record.addresses)
    if root is not None:
        view['root_enabled'] = root.enabled_at.isoformat(timespec='seconds')
        view['root_enabled_by'] = root.user_id
    view['volume'] = _volume(found, view.get('volume'))
    view['guest_status'] = {'state_description': found.service.description if found.service else None}
    return view


def _server(record: models.Instance) -> dict[str, Any] | None:
    if record.server_id is None:
        return None
    return {
        'id': record.server_id,
        'name': record.name,
        'status': record.server_status,
        'tenant_id': record.project_id,
        'host': record.server_host,
        'deleted': record.is_deleted,
        'deleted_at': _moment(record.deleted_at),
    }


def _by_network(addresses: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    networks: dict[str, list[dict[str, Any]]] = {}
    for address in addresses:
        kind = 'floating' if address.get('type') == 'public' else 'fixed'
        version = 6 if ':' in address['address'] else 4
        entry = {'addr': address['address'], 'version': version, 'OS-EXT-IPS:type': kind}
        networks.setdefault(address.get('network') or '', []).append(entry)
    return networks


def _volume(found: instance_models.Instance, shown: dict[str, Any] | None) -> dict[str, Any] | None:
    record = found.record
    if record.volume_size is None:
        return None
    usage = (found.service.volume if found.service else None) or {}
    attachments = [{'server_id': record.server_id, 'volume_id': record.volume_id}] if record.server_id else []
    return {
        **(shown or {}),
        'id': record.volume_id,
        'attachments': attachments,
        'availability_zone': record.availability_zone,
        'created_at': instance_views.isoformat(record.created),
        'status': VOLUME_IN_USE if attachments else 'available',
        **({'total': usage['total']} if 'total' in usage else {}),
    }


def _moment(moment: datetime.datetime | None) -> str | None:
    return instance_views.isoformat(moment) if moment is not None else None
