"""What administrators see, as JSON."""

import datetime
from typing import Any

from trove.quota import models as quota_models


def quota(found: quota_models.Quota) -> dict[str, Any]:
    """Return one quota; nothing is ever reserved, because what is taken is in use at once."""
    return {'resource': found.resource, 'in_use': found.in_use, 'reserved': 0, 'limit': found.limit}


def root_history(instance_id: str, found: tuple[datetime.datetime, str | None] | None) -> dict[str, Any]:
    """Return when root was enabled last and by whom."""
    if found is None:
        return {'id': instance_id, 'enabled': 'Never', 'user': 'Nobody'}
    enabled_at, user_id = found
    return {'id': instance_id, 'enabled': enabled_at.isoformat(timespec='seconds'), 'user': user_id or 'Nobody'}
